// How far a long task is, on one line of a terminal that is written over.
#pragma once

#include <chrono>
#include <cstdio>

namespace cdsr::tools {

class ProgressLine {
 public:
  /// Writes to `to`, which must outlive the object, if `active`: a file gets nothing.
  ProgressLine(std::FILE* to, bool active);
  /// Removes the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `done` of `all`, which is at least 1. Written when the percentage is another one.
  void show(int done, int all);

 private:
  std::FILE* const to_;
  const bool active_;
  const std::chrono::steady_clock::time_point start_;
  int percent_ = -1;
};

}  // namespace cdsr::tools
