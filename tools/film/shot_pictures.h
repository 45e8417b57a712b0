// A small picture of every shot of a film.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "filter/film/film.h"
#include "tools/media/image_io.h"

namespace cdsr::film {

/// Of each shot the frame in its middle, 160 pixels wide at most, as an element for a page. Decodes the whole
/// film. Throws InvalidArgument when it has fewer frames than its file says, and what reading throws.
std::vector<std::string> shot_pictures(const Film& film, const std::filesystem::path& video);

/// A picture of at most this width, its pixels the means of those they cover.
tools::Picture shrunk(const tools::Picture& picture, int most_width);

}  // namespace cdsr::film
