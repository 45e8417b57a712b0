// The published PyTorch code's state dictionary as a CDSR network.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"
#include "model/weights.h"

namespace cdsr::tools {

struct ImportedState {
  CdsrConfig config;                 ///< read off the shapes: blocks, scale, widths, codebook
  std::vector<NamedTensor> tensors;  ///< tensor_list(config), the contrastive head included
  size_t left_out = 0;               ///< tensors of the key encoder, the queue and batch-norm's counters
};

/// The name that the published module (BlindSR: E the encoder with MoCo, G the SR network) gives a tensor of
/// tensor_list().
std::string published_name(const std::string& ours);

/// Takes a state dictionary saved as safetensors and opened with WholeNumbers::Kept. The key encoder
/// (E.encoder_k.*), the queue, its pointer and the counters of batch-norm may be there or not; only the
/// pointer and the counters may be I64. Throws BadWeights with every unknown, missing, misshapen and mistyped
/// tensor named (eight of each, then a count), and what the shapes themselves make impossible.
ImportedState import_state(const WeightsFile& file);

}  // namespace cdsr::tools
