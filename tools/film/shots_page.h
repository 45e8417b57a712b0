// The shots of a film as one HTML page that needs nothing beside it.
#pragma once

#include <string>
#include <vector>

#include "filter/film/film.h"

namespace cdsr::film {

/// A row for each shot: frames, time, what the first pass read there, what a person has set, and which other
/// shot has the closest embedding. name: of the file, for the title. pictures: empty, or of each shot, HTML.
std::string shots_page(const Film& film, const std::string& name,
                       const std::vector<std::string>& pictures = {});

/// How far two embeddings are from each other: 0 the same, 1 at right angles, 2 opposite. Of the same length.
double embedding_distance(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace cdsr::film
