// The training set: folders of photographs and videos, decoded once and kept in memory.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/log_line.h"
#include "tools/media/image_io.h"

namespace cdsr::train {

/// Decodes every image and `video_frames` frames of every video below `folders` (recursively, in the order of
/// their paths) on `threads` threads. Pictures with a side under `min_side` and unreadable files are passed
/// over and logged. Throws Io for a missing folder and InvalidArgument when nothing usable is left.
std::vector<tools::Picture> load_photos(const std::vector<std::filesystem::path>& folders, int min_side,
                                        int threads, const LogLine& log, int video_frames = 32);

}  // namespace cdsr::train
