// PSNR of a network over a grid, as `cdsr eval` counts it, for laboratory variants too.
#pragma once

#include <vector>

#include "tools/lab/analyzed_network.h"
#include "tools/lab/grid.h"

namespace cdsr::analyze {

/// dB on Y under each kernel, mean over the pictures, with each picture's own embedding.
std::vector<double> score_kernels(const AnalyzedNetwork& network, const Grid& grid);
/// The same of bicubic interpolation, told where the protocol put the pixels.
std::vector<double> score_bicubic(const Grid& grid, const GridOptions& options);

double mean(const std::vector<double>& values);

}  // namespace cdsr::analyze
