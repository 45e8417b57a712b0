// From what a user types to a weights file.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace cdsr {

/// A path (contains '/' or ends in ".safetensors") is returned as it is, whether or not the file exists:
/// opening it gives the better message. Anything else is the name of a released model,
/// "<name>-x<scale>.safetensors", looked for in model_folders() in order. Throws InvalidArgument naming the
/// models that there are and every place looked at.
std::filesystem::path find_model(std::string_view name_or_path, int scale);

/// Where released models are looked for, in order: each folder of $CDSR_MODEL_PATH (separated by colons), the
/// installation's data folder, the same relative to the library this code is in (a moved installation), and
/// the source tree this build was made from.
std::vector<std::filesystem::path> model_folders();

}  // namespace cdsr
