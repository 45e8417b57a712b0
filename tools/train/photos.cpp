#include "tools/train/photos.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <mutex>
#include <optional>
#include <thread>

#include "model/error.h"

namespace cdsr::train {
namespace {

bool is_image(const std::filesystem::path& path) {
  static constexpr std::array<const char*, 9> kEndings = {".png",  ".jpg",  ".jpeg", ".bmp", ".tif",
                                                          ".tiff", ".webp", ".ppm",  ".pgm"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::vector<std::filesystem::path> list(const std::vector<std::filesystem::path>& folders) {
  std::vector<std::filesystem::path> out;
  for (const auto& folder : folders) {
    if (!std::filesystem::is_directory(folder)) fail(Errc::Io, "{}: no such folder", folder.string());
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file() && is_image(entry.path())) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<tools::Picture> load_photos(const std::vector<std::filesystem::path>& folders, int min_side,
                                        int threads, const Log& log) {
  const auto paths = list(folders);
  std::vector<std::optional<tools::Picture>> slots(paths.size());
  std::atomic<size_t> next{0};
  std::mutex log_mutex;
  const auto work = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) {
      try {
        tools::Picture p = tools::read_picture(paths[i].string());
        if (std::min(p.width, p.height) < min_side)
          fail(Errc::InvalidArgument, "{}: {}x{}, a side must be at least {}", paths[i].string(), p.width,
               p.height, min_side);
        slots[i] = std::move(p);
      } catch (const Error& e) {
        const std::lock_guard lock(log_mutex);
        log(fmt::format("passed over: {}", e.what()));
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int t = 0; t < std::max(1, threads); ++t) pool.emplace_back(work);
  }
  std::vector<tools::Picture> out;
  for (auto& slot : slots)
    if (slot) out.push_back(std::move(*slot));
  if (out.empty()) fail(Errc::InvalidArgument, "no usable photograph among {} files", paths.size());
  return out;
}

}  // namespace cdsr::train
