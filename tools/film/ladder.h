// One look over a ladder: the renditions of a film, at other sizes or bitrates, are upscaled alike where they
// show the same shot.
#pragma once

#include <vector>

#include "filter/film/film.h"

namespace cdsr::film {

/// Gives the shots of `film` what the network is told of those of `first` that begin at the same time, within
/// a twentieth of a second, and strength, sharpness and skip; such shots are locked. Returns the shots that
/// have no such one and stay as they are. Throws InvalidArgument when the two are of other weights or another
/// query.
std::vector<size_t> look_like(Film& film, const Film& first);

}  // namespace cdsr::film
