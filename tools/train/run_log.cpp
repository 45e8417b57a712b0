#include "tools/train/run_log.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/atomic_file.h"
#include "model/error.h"

namespace cdsr::train {

RunLog::RunLog(std::filesystem::path path, int64_t step) : path_(std::move(path)) {
  if (path_.empty() || !std::filesystem::exists(path_)) return;
  std::ifstream in(path_);
  std::string line, kept;
  bool changed = false;
  while (std::getline(in, line)) {
    const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool keep = entry.is_object() && entry.contains("step") && entry["step"].is_number_integer() &&
                      entry["step"].get<int64_t>() <= step && step > 0;
    if (keep)
      kept += line + '\n';
    else
      changed = true;
  }
  in.close();
  if (!changed) return;
  AtomicFile out(path_);
  out.write(kept.data(), kept.size());
  out.commit();
}

void RunLog::write(const char* event, int64_t step, const nlohmann::ordered_json& values) {
  if (path_.empty()) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  nlohmann::ordered_json entry = {
      {"event", event},
      {"step", step},
      {"time", std::chrono::duration_cast<std::chrono::milliseconds>(now).count() / 1e3}};
  entry.update(values);
  // Opened for each line: the run may be moved or its disk be full for a while.
  std::ofstream out(path_, std::ios::app);
  out << entry.dump() << '\n';
  out.close();
  if (!out) fail(Errc::Io, "{}: cannot write: {}", path_.string(), std::strerror(errno));
}

}  // namespace cdsr::train
