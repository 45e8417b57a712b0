#include "tools/media/picture_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "model/error.h"

namespace cdsr::tools {

namespace fs = std::filesystem;

bool has_picture_name(const fs::path& path) {
  static constexpr std::array<const char*, 9> kEndings = {".png",  ".jpg",  ".jpeg", ".bmp", ".tif",
                                                          ".tiff", ".webp", ".ppm",  ".pgm"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::vector<fs::path> picture_paths(const std::vector<fs::path>& from) {
  std::vector<fs::path> out;
  for (const fs::path& path : from) {
    std::error_code error;
    if (fs::is_regular_file(path, error)) {
      out.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path, error))
      if (has_picture_name(entry.path())) found.push_back(entry.path());
    if (error) fail(Errc::Io, "{}: cannot list: {}", path.string(), error.message());
    if (found.empty()) fail(Errc::InvalidArgument, "{}: no pictures in it", path.string());
    std::sort(found.begin(), found.end());
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

}  // namespace cdsr::tools
