// What an embedding tells apart: degradations, pictures.
#pragma once

#include <cstddef>
#include <vector>

namespace cdsr::analyze {

/// Shares of right answers, 0..1.
struct Classification {
  double centres = 0;             ///< the paper's equation 1: nearest cluster centre, by cosine
  double degradation = 0;         ///< of the nearest neighbours' vote, all from other pictures
  double picture = 0;             ///< the same for which picture it is, all under other degradations
  double degradation_chance = 0;  ///< one in so many
  double picture_chance = 0;
};

/// vectors[picture * degradations + kernel]. Equation 1 takes the even pictures for the centres and the odd
/// ones for the test. neighbours: voters, 1 or more; fewer if there are fewer. Needs two pictures and two
/// degradations, else InvalidArgument.
Classification classify(const std::vector<std::vector<float>>& vectors, size_t degradations,
                        size_t neighbours);

}  // namespace cdsr::analyze
