// What `cdsr bench` found, as a table and as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/engine.h"

namespace cdsr::tools {

double median(std::vector<double> values);

/// The whole filter on yuv420p frames.
struct FilterReport {
  double frame_ms = 0;    ///< median of a frame in the middle of a shot
  double upscale_ms = 0;  ///< of it, network and colour conversion
  double shot_ms = 0;     ///< of it, the shot detector
};

struct BenchReport {
  std::string model;    ///< "cdsr-rt x2"
  std::string weights;  ///< file, or "random: none released"
  int width = 0, height = 0, scale = 2, frames = 0;
  Query query = Query::Shot;
  EngineInfo engine;
  int bands = 1;  ///< on the CPU: of rows, in which a frame is upscaled
  double plan_ms = 0, embed_ms = 0, condition_ms = 0, queries_ms = 0;  ///< once, or once a shot
  double frame_ms = 0, frame_p90_ms = 0;
  double processor_ms =
      0;  ///< time the threads were running in a frame: what other work on the machine leaves out
  double useful_macs = 0;                                         ///< a frame, recomputed rows not counted
  std::vector<std::pair<std::string, std::string>> convolutions;  ///< on the CPU: each, and what runs it
  std::string yardstick;
  double yardstick_rate = 0;       ///< MAC/s
  double yardstick_processor = 0;  ///< MAC per second of a running thread
  std::vector<StageTime> stages;   ///< a frame, summed over the threads
  std::optional<FilterReport> filter;

  double bytes_per_pixel() const {
    return static_cast<double>(engine.planned_bytes) / (static_cast<double>(width) * height);
  }
  double rate() const { return useful_macs / frame_ms * 1e3; }
  double share() const { return rate() / yardstick_rate; }
  double processor_share() const { return useful_macs / processor_ms * 1e3 / yardstick_processor; }
};

void print_table(const BenchReport& report);
std::string to_json(const BenchReport& report);

}  // namespace cdsr::tools
