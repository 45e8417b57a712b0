// Momentum contrast over degradation embeddings (paper section 3.3, equation 1; He et al., CVPR 2020).
//
// Queries and keys are the contrastive head's outputs of two crops of the same image under the same
// degradation; negatives are the keys of the last batches, in a queue. Not thread-safe.
#pragma once

#include <torch/torch.h>

#include "model/torch/cdsr.h"

namespace cdsr::nn {

struct MocoOptions {
  int64_t queue = 8192;     ///< negatives kept, a multiple of the batch of all processes
  double momentum = 0.999;  ///< of the key encoder
  double temperature = 0.07;
};

struct MocoImpl : torch::nn::Module {
  MocoImpl(const Cdsr& model, const MocoOptions& options);

  struct Loss {
    torch::Tensor loss;      ///< scalar, mean over the batch
    torch::Tensor accuracy;  ///< share of queries whose positive scores highest
  };
  /// Moves the key encoder towards the model's, makes the keys of `key_windows` (n windows of each of the B
  /// images or shots, B x n x channels x h x w, the first two flattened), scores `embeddings` (their E_a from
  /// other windows, B x d, with gradient) and puts the keys, those of the other processes too, into the
  /// queue.
  Loss step(Cdsr& model, const torch::Tensor& embeddings, const torch::Tensor& key_windows);

  MocoOptions options;
  Encoder key_encoder{nullptr};
  torch::Tensor queue;                 ///< queue x d, rows of unit length
  torch::Tensor next;                  ///< int64 scalar: the row the next key is written to
  Collectives* collectives = nullptr;  ///< processes that hold the same queue; may be null
};
TORCH_MODULE(Moco);

}  // namespace cdsr::nn
