// How much the embedding matters: the same pictures upscaled under their own embedding and under others, and
// where on its way through the network the embedding's variation is.
#pragma once

#include <string>
#include <vector>

#include "tools/lab/analyzed_network.h"
#include "tools/lab/grid.h"

namespace cdsr::analyze {

/// The share of a set of vectors' variance that goes with the degradation, with the picture and with neither
/// alone (a two-way analysis of variance over the full grid).
struct Spread {
  double deviation = 0;  ///< standard deviation, root mean square over the vectors' elements
  double degradation = 0, picture = 0, rest = 0;  ///< shares, 0..1, sum 1 (all 0 when nothing varies)
};
/// vectors[picture * degradations + kernel], all of one length.
Spread spread(const std::vector<std::vector<float>>& vectors, size_t degradations);

struct InfluenceRow {
  std::string embedding;  ///< whose
  double l1 = 0;          ///< mean over the grid, 0..255
  double psnr = 0;        ///< mean over the grid, dB on Y
};

struct Influence {
  std::vector<InfluenceRow> rows;  ///< the first is "own"
  Spread embedding;
  std::vector<Spread> conditioning;  ///< of y, block by block
  double entropy = 0;                ///< of the codebook's attention, nats, mean
  double entropy_limit = 0;          ///< ln(codebook); 0 without a codebook
};

/// oracle: also try all of another picture's embeddings on each picture and keep the best result.
Influence influence(const AnalyzedNetwork& network, const Grid& grid, bool oracle);

void print(const Influence& result);

}  // namespace cdsr::analyze
