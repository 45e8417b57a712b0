// Single frames of video files through FFmpeg's libraries.
#pragma once

#include <filesystem>
#include <vector>

#include "tools/media/image_io.h"

namespace cdsr::tools {

/// Whether the name ends like a video file's: .mp4, .mkv, .mov, .avi, .webm, .m4v, .mpg, .ts, .y4m and such.
bool has_video_name(const std::filesystem::path& path);

/// At most `most` frames, evenly spread over the file's length, converted by their own matrix and range. A
/// frame that cannot be decoded is left out. Throws Io (cannot be read), Unsupported (no video in it, or one
/// that this FFmpeg cannot decode) and Io when no frame could be decoded. Safe from many threads at once.
std::vector<Picture> read_video_frames(const std::filesystem::path& path, int most);

}  // namespace cdsr::tools
