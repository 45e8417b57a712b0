// Maps of an embedding space in the plane.
#pragma once

#include <vector>

namespace cdsr::analyze {

struct Point {
  double x = 0, y = 0;
};

/// The two directions of most variance. All vectors of one length; two or more of them. The same input gives
/// the same map.
std::vector<Point> pca(const std::vector<std::vector<float>>& vectors);

struct TsneOptions {
  double perplexity = 30;  ///< neighbours each point tries to keep; at most a third of the points are taken
  int iterations = 750;
};

/// t-SNE (van der Maaten and Hinton 2008), exact, started from pca(): no random numbers. Time grows with the
/// square of the number of points: 1000 points take some seconds.
std::vector<Point> tsne(const std::vector<std::vector<float>>& vectors, const TsneOptions& options);

}  // namespace cdsr::analyze
