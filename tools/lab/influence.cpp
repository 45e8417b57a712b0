#include "tools/lab/influence.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "tools/degrade/degrade.h"
#include "tools/media/metrics.h"

namespace cdsr::analyze {
namespace {

struct Score {
  double l1 = 0, psnr = 0;
};

Score score(const AnalyzedNetwork& network, const tools::Picture& lr, const tools::Picture& hr, int shave,
            std::span<const float> embedding) {
  const std::vector<float> sr = network.upscale(lr, embedding);
  Score s;
  for (size_t i = 0; i < sr.size(); ++i) s.l1 += std::fabs(sr[i] - static_cast<float>(hr.rgb[i]));
  s.l1 /= static_cast<double>(sr.size());
  s.psnr = tools::psnr_y(degrade::quantize(hr.width, hr.height, sr), hr, shave);
  return s;
}

std::vector<float> mean_vector(const std::vector<std::vector<float>>& vectors) {
  std::vector<double> sum(vectors.front().size());
  for (const auto& v : vectors)
    for (size_t i = 0; i < v.size(); ++i) sum[i] += v[i];
  std::vector<float> out;
  out.reserve(sum.size());
  for (const double s : sum) out.push_back(static_cast<float>(s / static_cast<double>(vectors.size())));
  return out;
}

}  // namespace

Spread spread(const std::vector<std::vector<float>>& vectors, size_t degradations) {
  const size_t pictures = vectors.size() / degradations, length = vectors.front().size();
  const auto count = static_cast<double>(vectors.size());
  double total = 0, by_degradation = 0, by_picture = 0;
  std::vector<double> row(degradations), column(pictures);
  for (size_t i = 0; i < length; ++i) {
    double all = 0;
    std::fill(row.begin(), row.end(), 0);
    std::fill(column.begin(), column.end(), 0);
    for (size_t v = 0; v < vectors.size(); ++v) {
      const double x = vectors[v][i];
      all += x / count;
      row[v % degradations] += x / static_cast<double>(pictures);
      column[v / degradations] += x / static_cast<double>(degradations);
    }
    for (const auto& v : vectors) total += (v[i] - all) * (v[i] - all) / count;
    for (const double r : row) by_degradation += (r - all) * (r - all) / static_cast<double>(degradations);
    for (const double c : column) by_picture += (c - all) * (c - all) / static_cast<double>(pictures);
  }
  Spread s;
  s.deviation = std::sqrt(total / static_cast<double>(length));
  if (total <= 0) return s;
  s.degradation = by_degradation / total;
  s.picture = by_picture / total;
  s.rest = std::max(0.0, 1 - s.degradation - s.picture);
  return s;
}

Influence influence(const AnalyzedNetwork& network, const Grid& grid, bool oracle) {
  const size_t n = grid.lr.size(), kernels = grid.degradations(), pictures = grid.pictures();
  std::vector<std::vector<float>> own;
  std::vector<std::vector<std::vector<float>>> y;
  Influence out;
  for (const tools::Picture& lr : grid.lr) {
    own.push_back(network.embed(lr));
    const auto blocks = network.conditioning(own.back());
    y.resize(blocks.size());
    for (size_t b = 0; b < blocks.size(); ++b) y[b].push_back(blocks[b]);
    if (network.has_codebook()) out.entropy += network.attention_entropy(lr) / static_cast<double>(n);
  }
  if (network.has_codebook()) out.entropy_limit = std::log(static_cast<double>(network.config().codebook));
  out.embedding = spread(own, kernels);
  for (const auto& vectors : y) out.conditioning.push_back(spread(vectors, kernels));

  const std::vector<float> average = mean_vector(own), zero(average.size(), 0.0F);
  // The farthest kernel of the list: a blur as unlike as the grid has. A neighbour would hardly differ.
  const auto other_kernel = [&](size_t k) { return (k + std::max<size_t>(kernels / 2, 1)) % kernels; };
  out.rows = {{"own", 0, 0},
              {"same picture, other degradation", 0, 0},
              {"other picture, same degradation", 0, 0},
              {"other picture, other degradation", 0, 0},
              {"mean of all", 0, 0},
              {"zero", 0, 0}};
  if (oracle) out.rows.push_back({"best of another picture's", 0, 0});
  for (size_t v = 0; v < n; ++v) {
    const size_t p = v / kernels, k = v % kernels, q = (p + 1) % pictures;
    const auto add = [&](size_t r, const Score& s) {
      out.rows[r].l1 += s.l1 / static_cast<double>(n);
      out.rows[r].psnr += s.psnr / static_cast<double>(n);
    };
    const auto under = [&](std::span<const float> e) {
      return score(network, grid.lr[v], grid.hr[p], grid.scale, e);
    };
    add(0, under(own[v]));
    add(1, under(own[p * kernels + other_kernel(k)]));
    add(2, under(own[q * kernels + k]));
    add(3, under(own[q * kernels + other_kernel(k)]));
    add(4, under(average));
    add(5, under(zero));
    if (!oracle) continue;
    Score best;
    for (size_t j = 0; j < kernels; ++j) {
      const Score s = under(own[q * kernels + j]);
      if (j == 0 || s.psnr > best.psnr) best = s;
    }
    add(6, best);
  }
  return out;
}

void print(const Influence& r) {
  fmt::print("{:<34} {:>8} {:>8} {:>10}\n", "embedding", "L1", "PSNR-Y", "against own");
  for (const InfluenceRow& row : r.rows)
    fmt::print("{:<34} {:>8.3f} {:>8.3f} {:>+10.3f} dB\n", row.embedding, row.l1, row.psnr,
               row.psnr - r.rows.front().psnr);
  fmt::print("\n{:<34} {:>9} {:>12} {:>8} {:>6}\n", "variation over the grid", "deviation", "degradation",
             "picture", "both");
  const auto line = [](const std::string& name, const Spread& s) {
    fmt::print("{:<34} {:>9.4f} {:>10.1f} % {:>6.1f} % {:>4.1f} %\n", name, s.deviation, 100 * s.degradation,
               100 * s.picture, 100 * s.rest);
  };
  line("E_a", r.embedding);
  for (size_t b = 0; b < r.conditioning.size(); ++b) line(fmt::format("y of block {}", b), r.conditioning[b]);
  if (r.entropy_limit > 0)
    fmt::print(
        "codebook attention: entropy {:.3f} nats of at most {:.3f} ({:.1f} entries' worth of {:.0f})\n",
        r.entropy, r.entropy_limit, std::exp(r.entropy), std::exp(r.entropy_limit));
}

}  // namespace cdsr::analyze
