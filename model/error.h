// The one exception type of the project. The C API maps `Errc` to its negative codes.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace cdsr {

enum class Errc {
  InvalidArgument,  ///< a value out of its range; the message names the value and the limit
  Unsupported,      ///< a valid request that this build or machine cannot serve
  OutOfMemory,      ///< over the memory limit, or the system refused
  Io,               ///< a file could not be opened, read or written
  BadWeights,       ///< a weights file is corrupt, hostile or does not fit its configuration
  Device,           ///< the GPU failed or was lost; the engine cannot go on
  Internal,         ///< a broken invariant: a bug
};

class Error : public std::runtime_error {
 public:
  Error(Errc code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Errc code() const noexcept { return code_; }

 private:
  Errc code_;
};

/// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cdsr
