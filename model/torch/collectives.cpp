#include "model/torch/collectives.h"

namespace cdsr::nn {
namespace {

struct SumOver : torch::autograd::Function<SumOver> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& tensor,
                               int64_t collectives) {
    context->saved_data["collectives"] = collectives;
    torch::Tensor sum = tensor.detach().clone(torch::MemoryFormat::Contiguous);
    reinterpret_cast<Collectives*>(collectives)->sum(sum);
    return sum;
  }

  // Every process's result depends on this one's tensor alike: the gradients add up.
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    torch::Tensor sum = gradients[0].detach().clone(torch::MemoryFormat::Contiguous);
    reinterpret_cast<Collectives*>(context->saved_data["collectives"].toInt())->sum(sum);
    return {sum, torch::Tensor()};
  }
};

}  // namespace

torch::Tensor sum_over(Collectives& collectives, const torch::Tensor& tensor) {
  return SumOver::apply(tensor, reinterpret_cast<int64_t>(&collectives));
}

torch::Tensor sync_batch_norm(torch::nn::BatchNorm2dImpl& norm, const torch::Tensor& x,
                              Collectives& collectives) {
  // The variance from differences to the common mean: sums of squares would lose it in fp32.
  const torch::Tensor mean = sum_over(collectives, x.mean({0, 2, 3}, true)) / collectives.size();
  const torch::Tensor centred = x - mean;
  const torch::Tensor variance =
      sum_over(collectives, centred.square().mean({0, 2, 3}, true)) / collectives.size();
  if (norm.options.track_running_stats()) {
    const torch::NoGradGuard no_grad;
    norm.num_batches_tracked.add_(1);
    const auto momentum = norm.options.momentum();
    const double share = momentum ? *momentum : 1.0 / norm.num_batches_tracked.item<double>();
    const int64_t values = x.numel() / x.size(1) * collectives.size();
    const auto n = static_cast<double>(values);
    norm.running_mean.lerp_(mean.flatten(), share);
    norm.running_var.lerp_(variance.flatten() * (n / (n - 1)), share);
  }
  const auto per_channel = [](const torch::Tensor& t) { return t.reshape({1, -1, 1, 1}); };
  return centred * (variance + norm.options.eps()).rsqrt() * per_channel(norm.weight) +
         per_channel(norm.bias);
}

}  // namespace cdsr::nn
