// Which kernel runs which convolution, kept in a file from one start to the next.
//
// A file holds the choices for one key (GPU, driver, cuDNN, build, network, precision, frame size): JSON with
// a version and a check sum, read strictly and never trusted. What is damaged, of another version or of
// another key counts as absent, with a line in the log, and is made again. Files appear by rename, so starts
// at the same time each find a complete file or none; the last one written stays.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/log_line.h"

namespace cdsr::cuda {

/// What a measurement holds for. Nothing in it names one machine: equal GPUs share a file.
struct PlanKey {
  std::string gpu;                          ///< its name, "NVIDIA H200"
  int capability = 0, multiprocessors = 0;  ///< 90 for sm_90
  std::string driver;                       ///< any text that changes with it
  int64_t cudnn = 0;                        ///< 91900 for 9.19.0
  std::string build;                        ///< of the own kernels
  uint64_t network = 0;                     ///< hash of its configuration and weights
  std::string precision;                    ///< "fp16", "bf16"
  int width = 0, height = 0;                ///< of the frame

  bool operator==(const PlanKey&) const = default;
  /// "plans-0123456789abcdef.json", of the whole key.
  std::string file_name() const;
};

/// The outcome for one convolution shape.
struct PlanChoice {
  std::string shape;      ///< ConvShape::text()
  int candidate = -1;     ///< place in cuDNN's list of engine configurations; -1: the own kernel
  int64_t engine = -1;    ///< that configuration's engine; -1 with the own kernel
  std::string plan;       ///< cuDNN's own text of the plan; may be empty: it is then built anew
  double own_us = 0;      ///< microseconds, measured
  double fastest_us = 0;  ///< of the fastest configuration that could be used; 0: there was none

  bool operator==(const PlanChoice&) const = default;
};

/// A key's file as text.
std::string to_text(const PlanKey& key, const std::vector<PlanChoice>& choices);
/// The choices in a file's text. Throws Io saying what is wrong with it.
std::vector<PlanChoice> choices_from_text(const std::string& text, const PlanKey& key);

/// The folder: $CDSR_PLAN_CACHE, or cdsr in $XDG_CACHE_HOME or ~/.cache. Empty when CDSR_PLAN_CACHE is "off"
/// or there is no home. `get` is getenv().
std::filesystem::path plan_folder(const std::function<const char*(const char*)>& get);

class PlanCache {
 public:
  /// folder: may be empty (nothing is kept) or not exist yet.
  PlanCache(std::filesystem::path folder, LogLine log);

  /// Empty when there is no file that counts. Throws nothing for what is in a file.
  std::vector<PlanChoice> load(const PlanKey& key) const;
  /// A file that cannot be written costs a line in the log and nothing else.
  void store(const PlanKey& key, const std::vector<PlanChoice>& choices) const;

 private:
  void say(const std::string& line) const;

  std::filesystem::path folder_;
  LogLine log_;
};

}  // namespace cdsr::cuda
