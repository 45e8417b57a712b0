// The whole network as one LibTorch module, and its way to and from weights files.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "model/config.h"
#include "model/torch/encoder.h"
#include "model/torch/sr.h"
#include "model/weights.h"

namespace cdsr::nn {

/// Encoder and SR network. named_parameters() equals tensor_list(config) in name, order and shape.
struct CdsrImpl : torch::nn::Module {
  explicit CdsrImpl(const CdsrConfig& config);

  /// One picture a batch entry, embedding from the picture itself, Query::Frame.
  torch::Tensor forward(const torch::Tensor& lr);

  CdsrConfig config;
  Encoder encoder{nullptr};  // its three parts are registered here under their own names
  Sr sr{nullptr};
};
TORCH_MODULE(Cdsr);

/// Every tensor of the list, in its order, as floats on the CPU.
std::vector<NamedTensor> state(const Cdsr& model);

/// Copies a file's tensors into the module. Throws BadWeights naming a tensor that is unknown, missing or
/// misshapen; TensorKind::Training may be missing and then keeps its values.
void load_state(Cdsr& model, const WeightsFile& file);

}  // namespace cdsr::nn
