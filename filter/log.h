// Lines for the host's log callback.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "filter/include/cdsr/cdsr.h"

namespace cdsr {

/// Formats on the stack and calls the host; does nothing without a callback. One for each session.
class Log {
 public:
  Log() = default;
  Log(cdsr_log_callback callback, void* opaque) : callback_(callback), opaque_(opaque) {}

  /// Longer lines are cut.
  template <typename... Args>
  void operator()(cdsr_log_level level, fmt::format_string<Args...> format, Args&&... args) const {
    if (callback_ == nullptr) return;
    char line[512];
    const auto end = fmt::format_to_n(line, sizeof line - 1, format, std::forward<Args>(args)...).out;
    *end = '\0';
    callback_(opaque_, level, line);
  }

 private:
  cdsr_log_callback callback_ = nullptr;
  void* opaque_ = nullptr;
};

}  // namespace cdsr
