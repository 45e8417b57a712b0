#include "tools/media/progress_line.h"

#include <fmt/format.h>

namespace cdsr::tools {

ProgressLine::ProgressLine(std::FILE* to, bool active)
    : to_(to), active_(active), start_(std::chrono::steady_clock::now()) {}

ProgressLine::~ProgressLine() {
  if (percent_ < 0) return;
  std::fputs("\r\033[K", to_);
  std::fflush(to_);
}

void ProgressLine::show(int done, int all) {
  const int percent = static_cast<int>(int64_t{100} * done / all);
  if (!active_ || percent == percent_) return;
  percent_ = percent;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left = done > 0 ? seconds * (all - done) / done : 0;
  fmt::print(to_, "\rupscaling: {:3d} %, {:.0f} s left\033[K", percent, left);
  std::fflush(to_);
}

}  // namespace cdsr::tools
