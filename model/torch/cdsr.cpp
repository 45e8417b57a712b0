#include "model/torch/cdsr.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "model/error.h"
#include "model/network.h"

namespace cdsr::nn {
namespace {

/// How much of a fresh layer is left in one that passes its input on.
constexpr double kFreshShare = 0.05;

constexpr int64_t kKernelValues = int64_t{21} * 21;  // the array of degrade::gaussian_kernel()

/// Parameters and buffers by name; they share the module's storage.
std::map<std::string, torch::Tensor> tensors_of(const Cdsr& model) {
  std::map<std::string, torch::Tensor> out;
  for (const auto& p : model->named_parameters()) out[p.key()] = p.value();
  for (const auto& b : model->named_buffers()) out[b.key()] = b.value();
  return out;
}

constexpr std::string_view kBlocks = "sr.blocks.";

/// The index in "sr.blocks.INDEX.REST", -1 for another name.
int block_of(const std::string& name) {
  return name.rfind(kBlocks, 0) == 0 ? std::stoi(name.substr(kBlocks.size())) : -1;
}

/// The same tensor of another block.
std::string in_block(const std::string& name, int block) {
  return fmt::format("{}{}{}", kBlocks, block, name.substr(name.find('.', kBlocks.size())));
}

/// Makes a stack's convolution hand its input on, whatever its experts' shares; those, and what sharpness
/// adds, stay as they are.
void make_identity(const std::string& name, torch::Tensor& tensor) {
  if (name.find(".mixing.") != std::string::npos || name.find(".sharp_") != std::string::npos) return;
  tensor.mul_(kFreshShare);
  if (name.find(".weight") != std::string::npos)
    tensor.select(-1, 1).select(-1, 1).diagonal(0, -2, -1).add_(1);
}

}  // namespace

CdsrImpl::CdsrImpl(const CdsrConfig& c, const Variant& v) : config(c), variant(v), encoder(c, v) {
  for (const auto& part : encoder->named_children()) register_module(part.key(), part.value());
  sr = register_module("sr", Sr(c, v));
  if (!v.kernel) return;
  const int64_t d = c.embedding();
  for (int i = 0; i < 5; ++i) kernel->push_back(torch::nn::Linear(d, i < 4 ? d : kKernelValues));
  register_module("kernel", kernel);
}

torch::Tensor CdsrImpl::predicted_kernel(const torch::Tensor& embedding) {
  torch::Tensor t = kernel[0]->as<torch::nn::Linear>()->forward(embedding);
  for (size_t i = 1; i < kernel->size(); ++i)
    t = kernel[i]->as<torch::nn::Linear>()->forward(torch::leaky_relu(t, kEncoderSlope));
  return torch::softmax(t, 1);  // a blur kernel has no negative value and sum 1
}

torch::Tensor CdsrImpl::forward(const torch::Tensor& lr) {
  return sr(lr, encoder->embed(lr), [](int, const torch::Tensor& mean) { return mean; });
}

std::vector<TensorSpec> tensor_specs(const Cdsr& model) {
  if (model->variant.paper()) return tensor_list(model->config);
  std::vector<TensorSpec> out;
  for (const auto& p : model->named_parameters()) {
    const bool training = p.key().rfind("head.", 0) == 0 || p.key().rfind("kernel.", 0) == 0;
    out.push_back(
        {p.key(), p.value().sizes().vec(), training ? TensorKind::Training : TensorKind::Parameter});
  }
  for (const auto& b : model->named_buffers())
    if (b.value().is_floating_point())  // not batch-norm's counter of batches
      out.push_back({b.key(), b.value().sizes().vec(), TensorKind::Buffer});
  return out;
}

int64_t parameter_count(const Cdsr& model) {
  int64_t n = 0;
  for (const auto& p : model->parameters()) n += p.numel();
  return n;
}

Cdsr make_model(const WeightsFile& file) {
  const auto& metadata = file.metadata();
  const auto config = metadata.find("cdsr.config");
  if (config == metadata.end()) fail(Errc::BadWeights, "{}: no cdsr.config in its metadata", file.name());
  const auto variant = metadata.find("cdsr.variant");
  try {
    const Variant v = variant == metadata.end() ? Variant{} : variant_from_string(variant->second);
    return Cdsr(config_from_json(config->second), v);
  } catch (const Error& e) {
    fail(Errc::BadWeights, "{}: {}", file.name(), e.what());
  }
}

std::map<std::string, std::string> identity(const Cdsr& model) {
  std::map<std::string, std::string> out = {{"cdsr.format", "1"}, {"cdsr.config", to_json(model->config)}};
  if (!model->variant.paper()) {
    out["cdsr.format"] = "lab";
    out["cdsr.variant"] = to_string(model->variant);
  }
  return out;
}

std::vector<NamedTensor> state(const Cdsr& model) {
  const auto tensors = tensors_of(model);
  std::vector<NamedTensor> out;
  for (const TensorSpec& spec : tensor_specs(model)) {
    const torch::Tensor t = tensors.at(spec.name).detach().to(torch::kCPU, torch::kFloat).contiguous();
    const auto* data = t.data_ptr<float>();
    out.push_back({spec.name, spec.shape, std::vector<float>(data, data + t.numel())});
  }
  return out;
}

void load_state(Cdsr& model, const WeightsFile& file) {
  torch::NoGradGuard no_grad;
  auto tensors = tensors_of(model);
  size_t used = 0;
  for (const TensorSpec& spec : tensor_specs(model)) {
    const TensorView* view = file.find(spec.name);
    if (view == nullptr) {
      if (spec.kind == TensorKind::Training) continue;
      fail(Errc::BadWeights, "{}: tensor {} is missing", file.name(), spec.name);
    }
    if (view->shape != spec.shape)
      fail(Errc::BadWeights, "{}: tensor {} has the wrong shape for {}", file.name(), spec.name,
           model->config.name);
    std::vector<float> values = view->to_float();
    tensors.at(spec.name).copy_(torch::from_blob(values.data(), spec.shape));
    ++used;
  }
  if (used != file.tensors().size())
    fail(Errc::BadWeights, "{}: {} tensors that {} does not have", file.name(), file.tensors().size() - used,
         model->config.name);
}

void load_state_grown(Cdsr& model, const WeightsFile& file) {
  Cdsr other = make_model(file);
  load_state(other, file);
  const CdsrConfig& have = other->config;
  CdsrConfig config = have;
  config.scale = model->config.scale;
  const bool deeper = config.body == Body::Stack && config.blocks < model->config.blocks;
  if (deeper) config.blocks = model->config.blocks;
  config.sharp = model->config.sharp;
  if (to_json(config) != to_json(model->config) || !(other->variant == model->variant))
    fail(Errc::BadWeights,
         "{}: made for {}, which differs from {} in more than its scale, fewer blocks and sharp", file.name(),
         to_json(have), to_json(model->config));

  torch::NoGradGuard no_grad;
  const int last = config.blocks - 1, last_there = have.blocks - 1;
  const auto from = tensors_of(other);
  for (auto& [name, tensor] : tensors_of(model)) {
    if (name.rfind("sr.tail.", 0) == 0 && have.scale != config.scale) continue;
    if (!have.sharp && name.find(".sharp_") != std::string::npos) continue;
    const int block = block_of(name);
    if (block >= last_there && block < last)
      make_identity(name, tensor);
    else
      tensor.copy_(from.at(block == last ? in_block(name, last_there) : name));
  }
}

}  // namespace cdsr::nn
