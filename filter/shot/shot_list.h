// A text file that says where shots begin.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace cdsr {

/// One frame number a line, 0.., strictly ascending; spaces around it, empty lines and comments ('#' to the
/// end of the line) and UTF-8's byte order mark in front are allowed, anything else is not. Throws
/// InvalidArgument naming `name` and the line.
std::vector<int64_t> parse_shot_list(std::string_view text, std::string_view name);

/// Throws Io when it is no file or cannot be read.
std::vector<int64_t> read_shot_list(const std::filesystem::path& path);

}  // namespace cdsr
