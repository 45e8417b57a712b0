// The whole filter's time a frame, through the C API.
#pragma once

#include <filesystem>

#include "tools/bench/report.h"

namespace cdsr::tools {

struct FilterRun {
  std::filesystem::path weights;
  int width = 0, height = 0, scale = 2;
  EngineOptions engine;
  std::string backend;
};

/// A session that upscales yuv420p frames, one process() call at a time.
class FilterTimer {
 public:
  /// Processes the shot's first frames already. Throws Error with the library's message.
  explicit FilterTimer(const FilterRun& run);
  ~FilterTimer();

  /// One frame in the middle of a shot.
  void sample();
  FilterReport report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdsr::tools
