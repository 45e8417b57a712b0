#include "model/torch/cdsr.h"

#include <map>

#include "model/error.h"

namespace cdsr::nn {
namespace {

/// Parameters and buffers by name; they share the module's storage.
std::map<std::string, torch::Tensor> tensors_of(const Cdsr& model) {
  std::map<std::string, torch::Tensor> out;
  for (const auto& p : model->named_parameters()) out[p.key()] = p.value();
  for (const auto& b : model->named_buffers()) out[b.key()] = b.value();
  return out;
}

}  // namespace

CdsrImpl::CdsrImpl(const CdsrConfig& c) : config(c), encoder(c) {
  register_module("lpe", encoder->lpe);
  register_module("csc", encoder->csc);
  register_module("head", encoder->head);
  sr = register_module("sr", Sr(c));
}

torch::Tensor CdsrImpl::forward(const torch::Tensor& lr) {
  return sr(lr, encoder(lr), [](int, const torch::Tensor& mean) { return mean; });
}

std::vector<NamedTensor> state(const Cdsr& model) {
  const auto tensors = tensors_of(model);
  std::vector<NamedTensor> out;
  for (const TensorSpec& spec : tensor_list(model->config)) {
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
  for (const TensorSpec& spec : tensor_list(model->config)) {
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

}  // namespace cdsr::nn
