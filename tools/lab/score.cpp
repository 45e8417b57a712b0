#include "tools/lab/score.h"

#include <functional>
#include <numeric>

#include "tools/degrade/degrade.h"
#include "tools/media/metrics.h"
#include "tools/media/resize.h"

namespace cdsr::analyze {
namespace {

std::vector<double> over_grid(const Grid& grid,
                              const std::function<std::vector<float>(const tools::Picture&)>& upscale) {
  std::vector<double> out(grid.degradations());
  for (size_t p = 0; p < grid.pictures(); ++p)
    for (size_t k = 0; k < grid.degradations(); ++k) {
      const tools::Picture& hr = grid.hr[p];
      const auto sr = degrade::quantize(hr.width, hr.height, upscale(grid.at(p, k)));
      out[k] += tools::psnr_y(sr, hr, grid.scale) / static_cast<double>(grid.pictures());
    }
  return out;
}

}  // namespace

std::vector<double> score_kernels(const AnalyzedNetwork& network, const Grid& grid) {
  return over_grid(grid, [&](const tools::Picture& lr) { return network.upscale(lr, network.embed(lr)); });
}

std::vector<double> score_bicubic(const Grid& grid, const GridOptions& o) {
  const double offset = (o.protocol == "paper" ? -1 : 1) * (grid.scale - 1) / 2.0;
  return over_grid(grid, [&](const tools::Picture& lr) {
    return tools::enlarge(lr, grid.scale, tools::Filter::Bicubic, offset);
  });
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace cdsr::analyze
