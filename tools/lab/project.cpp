#include "tools/lab/project.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace cdsr::analyze {
namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix centred(const std::vector<std::vector<float>>& vectors) {
  const size_t length = vectors.front().size();
  std::vector<double> mean(length);
  for (const auto& v : vectors)
    for (size_t i = 0; i < length; ++i) mean[i] += v[i] / static_cast<double>(vectors.size());
  Matrix out;
  for (const auto& v : vectors) {
    out.emplace_back(length);
    for (size_t i = 0; i < length; ++i) out.back()[i] = v[i] - mean[i];
  }
  return out;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Scales to length 1; false if there is nothing to scale.
bool normalize(std::vector<double>& v) {
  const double length = std::sqrt(dot(v, v));
  if (length < 1e-150) return false;
  for (double& x : v) x /= length;
  return true;
}

/// Coordinates along the direction of most variance, which is then taken out of the rows.
std::vector<double> take_component(Matrix& rows) {
  // The longest row is never orthogonal to everything.
  std::vector<double> direction = *std::max_element(
      rows.begin(), rows.end(), [](const auto& a, const auto& b) { return dot(a, a) < dot(b, b); });
  std::vector<double> along(rows.size());
  if (!normalize(direction)) return along;
  for (int iteration = 0; iteration < 200; ++iteration) {
    std::vector<double> next(direction.size());
    for (const auto& row : rows) {
      const double p = dot(row, direction);
      for (size_t i = 0; i < next.size(); ++i) next[i] += p * row[i];
    }
    if (!normalize(next)) break;
    direction = next;
  }
  for (size_t r = 0; r < rows.size(); ++r) {
    along[r] = dot(rows[r], direction);
    for (size_t i = 0; i < direction.size(); ++i) rows[r][i] -= along[r] * direction[i];
  }
  return along;
}

/// Row i: how likely each other point is as the neighbour of point i, at the wanted perplexity.
void neighbour_probabilities(const std::vector<double>& squared, size_t n, double perplexity,
                             std::vector<double>& p) {
  const double wanted = std::log(perplexity);
  for (size_t i = 0; i < n; ++i) {
    const double* d = &squared[i * n];
    double nearest = HUGE_VAL;
    for (size_t j = 0; j < n; ++j)
      if (j != i) nearest = std::min(nearest, d[j]);
    double beta = 1, low = 0, high = HUGE_VAL;
    for (int step = 0; step < 64; ++step) {
      double sum = 0, weighted = 0;
      for (size_t j = 0; j < n; ++j) {
        p[i * n + j] = j == i ? 0 : std::exp(-beta * (d[j] - nearest));
        sum += p[i * n + j];
        weighted += p[i * n + j] * (d[j] - nearest);
      }
      const double entropy = std::log(sum) + beta * weighted / sum;
      for (size_t j = 0; j < n; ++j) p[i * n + j] /= sum;
      if (std::fabs(entropy - wanted) < 1e-5) break;
      (entropy > wanted ? low : high) = beta;
      beta = std::isinf(high) ? beta * 2 : (low + high) / 2;
    }
  }
}

/// Pairwise squared distances over their mean: the scale of the space does not matter.
std::vector<double> squared_distances(const std::vector<std::vector<float>>& vectors) {
  const size_t n = vectors.size();
  std::vector<double> d(n * n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < i; ++j) {
      double s = 0;
      for (size_t k = 0; k < vectors[i].size(); ++k) {
        const double diff = static_cast<double>(vectors[i][k]) - vectors[j][k];
        s += diff * diff;
      }
      d[i * n + j] = d[j * n + i] = s;
      sum += 2 * s;
    }
  if (sum > 0)
    for (double& x : d) x *= static_cast<double>(n * n) / sum;
  return d;
}

/// One point's velocity and step sizes.
struct Motion {
  double vx = 0, vy = 0, gain_x = 1, gain_y = 1;
};

void step(double gradient, double momentum, double rate, double& velocity, double& gain, double& at) {
  gain = (gradient > 0) == (velocity > 0) ? std::max(0.01, gain * 0.8) : gain + 0.2;
  velocity = momentum * velocity - rate * gain * gradient;
  at += velocity;
}

}  // namespace

std::vector<Point> pca(const std::vector<std::vector<float>>& vectors) {
  Matrix rows = centred(vectors);
  const std::vector<double> x = take_component(rows), y = take_component(rows);
  std::vector<Point> out;
  for (size_t i = 0; i < x.size(); ++i) out.push_back({x[i], y[i]});
  return out;
}

std::vector<Point> tsne(const std::vector<std::vector<float>>& vectors, const TsneOptions& o) {
  const size_t n = vectors.size();
  std::vector<double> one_way(n * n), p(n * n), q(n * n);
  neighbour_probabilities(squared_distances(vectors), n,
                          std::min(o.perplexity, std::max(1.5, static_cast<double>(n) / 3)), one_way);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      p[i * n + j] =
          std::max((one_way[i * n + j] + one_way[j * n + i]) / (2.0 * static_cast<double>(n)), 1e-12);

  std::vector<Point> at = pca(vectors);
  double spread = 0;
  for (const Point& a : at) spread += a.x * a.x / static_cast<double>(n);
  for (Point& a : at) a = {a.x * 1e-4 / std::sqrt(spread + 1e-300), a.y * 1e-4 / std::sqrt(spread + 1e-300)};

  // The usual schedule: attraction exaggerated for the first third, then momentum raised.
  const int early = std::min(250, o.iterations / 3);
  const double rate = std::max(static_cast<double>(n) / 48, 50.0);
  std::vector<Motion> motion(n);
  std::vector<Point> gradient(n);
  for (int iteration = 0; iteration < o.iterations; ++iteration) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < i; ++j) {
        const double dx = at[i].x - at[j].x, dy = at[i].y - at[j].y;
        q[i * n + j] = q[j * n + i] = 1 / (1 + dx * dx + dy * dy);
        sum += 2 * q[i * n + j];
      }
    const double exaggeration = iteration < early ? 12 : 1;
    for (size_t i = 0; i < n; ++i) {
      Point g;
      for (size_t j = 0; j < n; ++j) {
        const double w = q[i * n + j];
        const double f = 4 * (exaggeration * p[i * n + j] - w / sum) * w;
        g.x += f * (at[i].x - at[j].x);
        g.y += f * (at[i].y - at[j].y);
      }
      gradient[i] = g;
    }
    const double momentum = iteration < early ? 0.5 : 0.8;
    for (size_t i = 0; i < n; ++i) {
      step(gradient[i].x, momentum, rate, motion[i].vx, motion[i].gain_x, at[i].x);
      step(gradient[i].y, momentum, rate, motion[i].vy, motion[i].gain_y, at[i].y);
    }
  }
  return at;
}

}  // namespace cdsr::analyze
