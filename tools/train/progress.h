// What a run says of itself: means since the last line, rate, where the work went, when it will end.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/train/stopwatch.h"

namespace cdsr::train {

/// What one step measured.
struct StepMeasures {
  double l1 = 0;        ///< on 0..255
  double contrast = 0;  ///< contrastive loss
  double accuracy = 0;  ///< share of queries whose positive scores highest
  double guide = 0;     ///< regression loss of the guide (guide.h), 0 without
  double gradient = 0;  ///< norm, before clipping
  BatchTime time;       ///< of making the step's batches
  double waited = 0;    ///< seconds the loop waited for them
  int64_t images = 0;   ///< of all processes
};

/// Sums steps between two reports. For one thread.
class Progress {
 public:
  /// A run of `iterations` steps that stands at `step`.
  Progress(int64_t iterations, int64_t step);

  void add(const StepMeasures& step);
  /// Wall seconds since the last report.
  double age() const;
  /// A line for people, and the same for the log; then the sums begin anew.
  std::string line(int64_t step, double rate, nlohmann::ordered_json& log);
  double seconds() const;  ///< since the beginning

 private:
  using Clock = std::chrono::steady_clock;
  int64_t iterations_, last_step_;
  Clock::time_point begin_, last_;
  double worked_;  // processor seconds of the process at the last report
  StepMeasures sum_;
  int64_t steps_ = 0;
};

/// 1:02:03
std::string clock_text(double seconds);

/// Follows the loss and tells when it has come to grief. For one thread.
class Watchdog {
 public:
  /// `limit`: how many times its lowest value the smoothed loss may reach; 0 switches it off.
  explicit Watchdog(double limit) : limit_(limit) {}

  /// Smooths over about 100 steps. Throws Error at `limit` times the lowest value so far.
  void add(int64_t step, double loss);
  /// Whether the loss has risen half way towards the limit: what is then saved may not be worth saving.
  bool rising() const;

 private:
  double limit_, smooth_ = 0, lowest_ = 0;
  int64_t count_ = 0;
};

}  // namespace cdsr::train
