#include "tools/train/ema.h"

#include <algorithm>

namespace cdsr::train {
namespace {

std::vector<torch::Tensor> values(const torch::nn::Module& module) {
  std::vector<torch::Tensor> out = module.parameters();
  for (const torch::Tensor& b : module.buffers())
    if (b.is_floating_point()) out.push_back(b);  // not batch-norm's count of batches
  return out;
}

}  // namespace

Ema::Ema(const torch::nn::Module& module, double decay) : decay_(decay) { reset(module); }

void Ema::reset(const torch::nn::Module& module) {
  average_.clear();
  if (!on()) return;
  for (const torch::Tensor& v : values(module)) average_.push_back(v.detach().clone());
}

void Ema::update(const torch::nn::Module& module, int64_t step) {
  if (!on()) return;
  torch::NoGradGuard no_grad;
  const double s = static_cast<double>(step), decay = std::min(decay_, (1 + s) / (10 + s));
  const auto now = values(module);
  for (size_t i = 0; i < now.size(); ++i) average_[i].lerp_(now[i], 1 - decay);
}

void Ema::swap(torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  if (!on()) return;
  const auto now = values(module);
  for (size_t i = 0; i < now.size(); ++i) {
    const torch::Tensor kept = now[i].detach().clone();
    now[i].copy_(average_[i]);
    average_[i].copy_(kept);
  }
}

void Ema::save(torch::serialize::OutputArchive& archive) const {
  for (size_t i = 0; i < average_.size(); ++i)
    archive.write(std::to_string(i), average_[i], /*is_buffer=*/true);
}

void Ema::load(torch::serialize::InputArchive& archive) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < average_.size(); ++i) {
    torch::Tensor saved;
    archive.read(std::to_string(i), saved, /*is_buffer=*/true);
    average_[i].copy_(saved);
  }
}

}  // namespace cdsr::train
