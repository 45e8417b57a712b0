#include "tools/film/shot_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/error.h"
#include "tools/media/frame_to_rgb.h"
#include "tools/media/video_reader.h"
#include "tools/report/chart.h"

namespace cdsr::film {

using tools::Picture;

Picture shrunk(const Picture& picture, int most_width) {
  const int width = std::min(picture.width, most_width);
  const int height = std::max(picture.height * width / picture.width, 1);
  Picture out{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int top = picture.height * y / height, bottom = picture.height * (y + 1) / height,
                left = picture.width * x / width, right = picture.width * (x + 1) / width;
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        for (int j = top; j < bottom; ++j)
          for (int i = left; i < right; ++i)
            sum += picture.rgb[3 * (static_cast<size_t>(j) * static_cast<size_t>(picture.width) + i) + c];
        const int count = (bottom - top) * (right - left);
        out.rgb.push_back(static_cast<uint8_t>((sum + count / 2) / count));
      }
    }
  return out;
}

std::vector<std::string> shot_pictures(const Film& film, const std::filesystem::path& video) {
  constexpr int kWidth = 160;
  std::map<int64_t, size_t> wanted;  // frames, and the shots that they are of
  for (size_t i = 0; i < film.shots.size(); ++i) {
    const FilmShot::Stretch& s = film.shots[i].frames.front();
    wanted[(s.first + s.last) / 2] = i;
  }
  std::vector<std::string> pictures(film.shots.size());
  tools::VideoReader reader(video);
  int64_t frame = 0;
  for (auto next = wanted.begin(); next != wanted.end(); ++frame) {
    const auto decoded = reader.next();
    if (!decoded)
      fail(Errc::InvalidArgument, "{}: {} frames, the film's file is of {}", reader.name(), frame,
           film.frames);
    if (frame != next->first) continue;
    const Picture picture = tools::apply_rotation(tools::frame_to_rgb(*decoded, reader.name()), *decoded);
    pictures[next->second] =
        report::image(fmt::format("shot {}", next->second), "jpeg", tools::jpeg_of(shrunk(picture, kWidth)));
    ++next;
  }
  return pictures;
}

}  // namespace cdsr::film
