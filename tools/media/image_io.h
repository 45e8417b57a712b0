// Image files through FFmpeg's libraries.
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

/// Reads PNG, JPEG, WebP, TIFF, BMP, PNM, GIF and others of FFmpeg's still image formats, recognized by
/// content, not by name. RGB of 8 bits is taken bit by bit; more bits are rounded to 8; grey becomes three
/// equal components; YUV (JPEG, WebP) is converted by its own matrix and range with linear chroma
/// interpolation; the inks of CMYK and YCCK JPEGs as Adobe writes them are multiplied out, without a colour
/// profile; alpha is left out; the rotation a camera stored is applied. Throws Io (cannot be read),
/// Unsupported (not a known image or pixel format). Safe from many threads at once.
Picture read_picture(const std::filesystem::path& path);

/// Whether the name's ending is one that write_picture() knows: to refuse before the work is done. Throws
/// InvalidArgument.
void check_picture_name(const std::filesystem::path& path);

/// Writes PNG (lossless) or JPEG (4:4:4, quality about 95) as the name's ending says: .png, .jpg, .jpeg.
/// Throws InvalidArgument for another ending, Io when it cannot be written.
void write_picture(const std::filesystem::path& path, const Picture& picture);

/// A JPEG's bytes, as write_picture() would write them. Throws Unsupported when this FFmpeg has no encoder.
std::string jpeg_of(const Picture& picture);

}  // namespace cdsr::tools
