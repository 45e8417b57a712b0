#include "tools/media/video_frames.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "model/error.h"
#include "tools/media/frame_to_rgb.h"
#include "tools/media/video_reader.h"

namespace cdsr::tools {

bool has_video_name(const std::filesystem::path& path) {
  static constexpr std::array<const char*, 15> kEndings = {".mp4", ".mkv", ".mov",  ".avi", ".webm",
                                                           ".m4v", ".mpg", ".mpeg", ".ts",  ".m2ts",
                                                           ".y4m", ".wmv", ".flv",  ".ogv", ".vob"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::vector<Picture> read_video_frames(const std::filesystem::path& path, int most) {
  VideoReader reader(path);
  std::vector<Picture> out;
  const int64_t start = reader.stream().start_time == AV_NOPTS_VALUE ? 0 : reader.stream().start_time;
  const int64_t duration = reader.duration();
  int64_t last = AV_NOPTS_VALUE;
  for (int64_t i = 0; i < most; ++i) {
    // The frames of a file of unknown length, or that cannot be sought in, are taken from its beginning.
    const int64_t time = start + duration * (2 * i + 1) / (int64_t{2} * most);
    const bool sought = duration > 0 && reader.seek(time);
    AvPtr<AVFrame> frame = reader.next();
    while (frame && sought && frame->best_effort_timestamp < time) {
      AvPtr<AVFrame> following = reader.next();
      if (!following) break;
      frame = std::move(following);
    }
    if (!frame) {
      if (!sought) break;
      continue;
    }
    if (sought && frame->best_effort_timestamp == last) continue;  // fewer frames than asked for
    last = frame->best_effort_timestamp;
    out.push_back(apply_rotation(frame_to_rgb(*frame, reader.name()), *frame));
  }
  if (out.empty()) fail(Errc::Io, "{}: no frame could be decoded", reader.name());
  return out;
}

}  // namespace cdsr::tools
