// The time of a step.
#pragma once

#include <chrono>
#include <utility>

namespace cdsr {

/// Milliseconds since it was made, or since the last lap().
class Stopwatch {
 public:
  double lap() {
    const auto now = Clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(start_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace cdsr
