#include "tools/lab/classify.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "model/error.h"

namespace cdsr::analyze {
namespace {

double cosine(const std::vector<float>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb + 1e-300);
}

double squared_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    sum += d * d;
  }
  return sum;
}

double by_centres(const std::vector<std::vector<float>>& vectors, size_t degradations) {
  const size_t pictures = vectors.size() / degradations, length = vectors.front().size();
  std::vector<std::vector<double>> centres(degradations, std::vector<double>(length));
  for (size_t p = 0; p < pictures; p += 2)
    for (size_t k = 0; k < degradations; ++k)
      for (size_t i = 0; i < length; ++i) centres[k][i] += vectors[p * degradations + k][i];
  size_t right = 0, all = 0;
  for (size_t p = 1; p < pictures; p += 2)
    for (size_t k = 0; k < degradations; ++k, ++all) {
      const auto& v = vectors[p * degradations + k];
      size_t best = 0;
      for (size_t j = 1; j < degradations; ++j)
        if (cosine(v, centres[j]) > cosine(v, centres[best])) best = j;
      right += best == k ? 1U : 0U;
    }
  return static_cast<double>(right) / static_cast<double>(all);
}

/// Share of vectors whose label wins the vote of its nearest neighbours among those allowed. A tie goes to
/// the label of the nearest.
double by_neighbours(const std::vector<std::vector<float>>& vectors, size_t neighbours,
                     const std::function<size_t(size_t)>& label,
                     const std::function<bool(size_t, size_t)>& allowed) {
  size_t right = 0;
  for (size_t v = 0; v < vectors.size(); ++v) {
    std::vector<std::pair<double, size_t>> near;
    for (size_t w = 0; w < vectors.size(); ++w)
      if (allowed(v, w)) near.emplace_back(squared_distance(vectors[v], vectors[w]), label(w));
    const size_t voters = std::min(neighbours, near.size());
    std::partial_sort(near.begin(), near.begin() + static_cast<ptrdiff_t>(voters), near.end());
    std::map<size_t, size_t> votes;
    for (size_t i = 0; i < voters; ++i) ++votes[near[i].second];
    size_t winner = near.front().second;
    for (size_t i = 0; i < voters; ++i)
      if (votes[near[i].second] > votes[winner]) winner = near[i].second;
    right += winner == label(v) ? 1U : 0U;
  }
  return static_cast<double>(right) / static_cast<double>(vectors.size());
}

}  // namespace

Classification classify(const std::vector<std::vector<float>>& vectors, size_t degradations,
                        size_t neighbours) {
  const size_t pictures = degradations == 0 ? 0 : vectors.size() / degradations;
  if (pictures < 2 || degradations < 2)
    fail(Errc::InvalidArgument, "{} pictures under {} degradations, must be 2 or more of both", pictures,
         degradations);
  const auto picture = [&](size_t v) { return v / degradations; };
  const auto kernel = [&](size_t v) { return v % degradations; };
  Classification c;
  c.centres = by_centres(vectors, degradations);
  c.degradation = by_neighbours(vectors, neighbours, kernel,
                                [&](size_t v, size_t w) { return picture(v) != picture(w); });
  c.picture =
      by_neighbours(vectors, neighbours, picture, [&](size_t v, size_t w) { return kernel(v) != kernel(w); });
  c.degradation_chance = 1.0 / static_cast<double>(degradations);
  c.picture_chance = 1.0 / static_cast<double>(pictures);
  return c;
}

}  // namespace cdsr::analyze
