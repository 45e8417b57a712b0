// An exponential moving average of a module's weights: smoother than the last step's, better when scored.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace cdsr::train {

class Ema {
 public:
  /// Starts at the module's present values. `decay` in (0, 1); 0 switches it off and every call does nothing.
  Ema(const torch::nn::Module& module, double decay);

  bool on() const { return decay_ > 0; }
  /// average <- decay * average + (1 - decay) * module. The first steps use a smaller decay, (1 + step) /
  /// (10 + step), so that the start is forgotten.
  void update(const torch::nn::Module& module, int64_t step);
  /// Exchanges averages and the module's values.
  void swap(torch::nn::Module& module);
  /// Sets the averages to the module's values.
  void reset(const torch::nn::Module& module);

  void save(torch::serialize::OutputArchive& archive) const;
  /// Throws what LibTorch throws when a tensor is missing.
  void load(torch::serialize::InputArchive& archive);

 private:
  double decay_;
  std::vector<torch::Tensor> average_;  // of the parameters, then the floating-point buffers
};

/// The averages in place of a module's values for a scope: to validate and export.
class AveragedWeights {
 public:
  AveragedWeights(Ema& ema, torch::nn::Module& module) : ema_(ema), module_(module) { ema_.swap(module_); }
  ~AveragedWeights() { ema_.swap(module_); }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  Ema& ema_;
  torch::nn::Module& module_;
};

}  // namespace cdsr::train
