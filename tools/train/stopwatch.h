// Processor time, which unlike wall time does not count what other programs and threads do.
#pragma once

#include <ctime>

namespace cdsr::train {

inline double cpu_seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}
inline double thread_seconds() { return cpu_seconds(CLOCK_THREAD_CPUTIME_ID); }
inline double process_seconds() { return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID); }

/// Processor seconds of the thread that made a batch.
struct BatchTime {
  double data = 0;     ///< cutting crops out of decoded pictures
  double degrade = 0;  ///< making them low-resolution
};

}  // namespace cdsr::train
