// The whole network as one LibTorch module, and its way to and from weights files.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/torch/encoder.h"
#include "model/torch/sr.h"
#include "model/torch/variant.h"
#include "model/weights.h"

namespace cdsr::nn {

/// Encoder and SR network. named_parameters() of the paper's network equals tensor_list(config) in name,
/// order and shape; a variant's are its own.
struct CdsrImpl : torch::nn::Module {
  explicit CdsrImpl(const CdsrConfig& config, const Variant& variant = {});

  /// One frame a batch entry, embedding from the frame itself (Encoder::embed), Query::Frame.
  torch::Tensor forward(const torch::Tensor& lr);

  /// The blur kernel that the embedding tells of, B x 441, rows of sum 1. variant.kernel alone.
  torch::Tensor predicted_kernel(const torch::Tensor& embedding);

  CdsrConfig config;
  Variant variant;
  Encoder encoder{nullptr};  // its parts are registered here under their own names
  Sr sr{nullptr};
  torch::nn::ModuleList kernel;  // five Linear: variant.kernel
};
TORCH_MODULE(Cdsr);

/// The tensors of a model's file: tensor_list(config), or what the variant's module has.
std::vector<TensorSpec> tensor_specs(const Cdsr& model);

/// Learned values, the contrastive head included.
int64_t parameter_count(const Cdsr& model);

/// The file's configuration and variant, untrained. Throws BadWeights.
Cdsr make_model(const WeightsFile& file);

/// cdsr.format, cdsr.config and, of a variant, cdsr.variant: what make_model() reads. A variant's format is
/// "lab", which no engine takes.
std::map<std::string, std::string> identity(const Cdsr& model);

/// Every tensor of the list, in its order, as floats on the CPU.
std::vector<NamedTensor> state(const Cdsr& model);

/// Copies a file's tensors into the module. Throws BadWeights naming a tensor that is unknown, missing or
/// misshapen; TensorKind::Training may be missing and then keeps its values.
void load_state(Cdsr& model, const WeightsFile& file);

/// load_state() of a file made for another scale, for fewer blocks (Body::Stack), with or without `sharp`
/// where the model is otherwise, or several of these. Sharp sets that the file lacks keep their values; those
/// that the model lacks are left out. `sr.tail`, whose shape has the scale, keeps its values if the scale
/// differs. What is deeper begins nearly as the file's network: its last block, which adds the head's
/// features, is the last here too, and the new ones before it pass their input on, with a small part of the
/// values they had, so that their experts differ. Throws BadWeights when the file differs in more than that.
void load_state_grown(Cdsr& model, const WeightsFile& file);

}  // namespace cdsr::nn
