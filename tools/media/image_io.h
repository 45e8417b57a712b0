// Image files as 8-bit pictures: what the networks are trained and measured with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cdsr::tools {

/// 8-bit R'G'B', interleaved, rows from top to bottom.
struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  ///< 3 * width * height
};

/// Reads what read_picture_file() does, and throws as that. RGB of 8 bits is taken bit by bit; more bits are
/// rounded to 8; grey becomes three equal components; YUV (JPEG, WebP) is converted by its own matrix and
/// range with linear chroma interpolation; alpha is left out; of an animation the first frame is taken. Safe
/// from many threads at once.
Picture read_picture(const std::filesystem::path& path);

/// Writes PNG (lossless) or JPEG (4:4:4, quality about 95) as the name's ending says, see
/// write_picture_file().
void write_picture(const std::filesystem::path& path, const Picture& picture);

/// A JPEG's bytes, as write_picture() would write them. Throws Unsupported when this FFmpeg has no encoder.
std::string jpeg_of(const Picture& picture);

}  // namespace cdsr::tools
