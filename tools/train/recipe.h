// Recipes: TOML files that hold a training run's options, the command line's names for keys.
#pragma once

#include <filesystem>

#include "tools/degrade/video.h"

namespace CLI {
class App;
}

namespace cdsr::train {

/// Gives every option of `command` that the command line left out its value from the file: `batch = 8` is
/// `--batch 8`, an array gives an option several values, true is a flag. The table [video] sets the members
/// of VideoOptions: the shares by name (bicubic = 0.3, h264 = 0.5), the ranges as arrays (h264_crf = [18,
/// 34]). Throws Io for a file that cannot be read, InvalidArgument naming file, line and key for what is not
/// TOML, an unknown key or a value that the option refuses.
void apply_recipe(CLI::App& command, const std::filesystem::path& path, degrade::VideoOptions& video);

}  // namespace cdsr::train
