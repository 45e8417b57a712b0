// Which files are pictures.
#pragma once

#include <filesystem>
#include <vector>

namespace cdsr::tools {

/// Whether the name ends like an image file's: .png, .jpg, .jpeg, .bmp, .tif, .tiff, .webp, .ppm, .pgm.
bool has_picture_name(const std::filesystem::path& path);

/// The pictures right in the folders, and the files named, sorted by path within each. Throws Io for what
/// cannot be listed, InvalidArgument for a folder without a picture.
std::vector<std::filesystem::path> picture_paths(const std::vector<std::filesystem::path>& from);

}  // namespace cdsr::tools
