// The log of a training run: one JSON object a line, for `cdsr report` and for scripts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace cdsr::train {

/// Appends to a file. After a crash or a resume the file is cut back to what the checkpoint knows, so that a
/// step is in it once. For one thread.
class RunLog {
 public:
  /// Opens the log of a run that goes on from `step`: later lines and a line cut short are dropped. An empty
  /// path logs nothing. Throws Io.
  RunLog(std::filesystem::path path, int64_t step);

  /// Writes {"event": event, "step": step, "time": seconds since 1970, ...values} at once. Throws Io.
  void write(const char* event, int64_t step, const nlohmann::ordered_json& values);

 private:
  std::filesystem::path path_;
};

}  // namespace cdsr::train
