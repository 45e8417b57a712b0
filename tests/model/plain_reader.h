// A reader whose answers can be worked out by hand.
#pragma once

#include <vector>

#include "model/degradation_reader.h"

namespace cdsr::test {

/// Standardizes nothing; value v is embedding[v], its logarithm of a variance 0.5 more of it; the logits of
/// none, h264 and hevc are embedding[0], [1] and [2].
inline DegradationReader plain_reader(const CdsrConfig& config) {
  DegradationReader reader;
  reader.codecs = {"none", "h264", "hevc"};
  reader.mean.assign(kReadValues, 0);
  reader.deviation.assign(kReadValues, 1);
  const int in = config.embedding(), out = 2 * kReadValues + 3;
  reader.heads = {in, out, std::vector<float>(static_cast<size_t>(in) * out), std::vector<float>(out)};
  for (int o = 0; o < out; ++o) {
    const bool variance = o >= kReadValues && o < 2 * kReadValues;
    reader.heads.weight[static_cast<size_t>(o) * in + o % kReadValues] = variance ? 0.5F : 1;
  }
  return reader;
}

}  // namespace cdsr::test
