#include "tools/train/photos.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <thread>

#include "model/error.h"
#include "tools/media/picture_list.h"
#include "tools/media/video_frames.h"

namespace cdsr::train {
namespace {

std::vector<std::filesystem::path> list(const std::vector<std::filesystem::path>& folders) {
  std::vector<std::filesystem::path> out;
  for (const auto& folder : folders) {
    if (!std::filesystem::is_directory(folder)) fail(Errc::Io, "{}: no such folder", folder.string());
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file() &&
          (tools::has_picture_name(entry.path()) || tools::has_video_name(entry.path())))
        out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<tools::Picture> load_photos(const std::vector<std::filesystem::path>& folders, int min_side,
                                        int threads, const LogLine& log, int video_frames) {
  const auto paths = list(folders);
  std::vector<std::vector<tools::Picture>> slots(paths.size());
  std::atomic<size_t> next{0};
  std::mutex log_mutex;
  const auto work = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) {
      try {
        std::vector<tools::Picture> pictures;
        if (tools::has_video_name(paths[i]))
          pictures = tools::read_video_frames(paths[i], video_frames);
        else
          pictures.push_back(tools::read_picture(paths[i]));
        const tools::Picture& p = pictures.front();
        if (std::min(p.width, p.height) < min_side)
          fail(Errc::InvalidArgument, "{}: {}x{}, a side must be at least {}", paths[i].string(), p.width,
               p.height, min_side);
        slots[i] = std::move(pictures);
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
  for (auto& slot : slots) std::move(slot.begin(), slot.end(), std::back_inserter(out));
  if (out.empty()) fail(Errc::InvalidArgument, "no usable photograph or video among {} files", paths.size());
  return out;
}

}  // namespace cdsr::train
