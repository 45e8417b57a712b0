#include "tools/train/sharp_target.h"

namespace cdsr::train {
namespace {

namespace F = torch::nn::functional;

constexpr double kCode = 1.0 / 255;
constexpr double kDeviation = 1, kAmount = 0.6;
constexpr double kFlat = 2 * kCode, kDetail = 4 * kCode, kBeyond = 2 * kCode;
constexpr double kEdge = 3;

torch::Tensor padded(const torch::Tensor& x, int64_t by) {
  return F::pad(x, F::PadFuncOptions({by, by, by, by}).mode(torch::kReplicate));
}

torch::Tensor blurred(const torch::Tensor& x) {
  constexpr int64_t radius = 4;
  const torch::Tensor at = torch::arange(-radius, radius + 1, x.options());
  torch::Tensor taps = torch::exp(at.square() / (-2 * kDeviation * kDeviation));
  taps = taps / taps.sum();
  const int64_t channels = x.size(1);
  const auto weight = [&](at::IntArrayRef shape) {
    return taps.reshape(shape).expand({channels, 1, shape[2], shape[3]}).contiguous();
  };
  const auto options = F::Conv2dFuncOptions().groups(channels);
  return F::conv2d(F::conv2d(padded(x, radius), weight({1, 1, 1, -1}), options), weight({1, 1, -1, 1}),
                   options);
}

torch::Tensor greatest(const torch::Tensor& x) { return torch::max_pool2d(padded(x, 1), 3, 1); }

}  // namespace

torch::Tensor sharp_target(const torch::Tensor& hr) {
  const torch::Tensor detail = hr - blurred(hr);
  const torch::Tensor nearby = greatest(greatest(detail.abs()));
  const torch::Tensor counted = ((nearby - kFlat) / (kDetail - kFlat)).clamp(0, 1);
  const torch::Tensor low = -greatest(-hr) - kBeyond, high = greatest(hr) + kBeyond;
  return torch::minimum(torch::maximum(hr + kAmount * counted * detail, low), high).clamp(0, 1);
}

torch::Tensor edge_weight(const torch::Tensor& hr) {
  const torch::Tensor p = F::pad(hr, F::PadFuncOptions({0, 1, 0, 1}).mode(torch::kReplicate));
  const torch::Tensor across = p.slice(2, 0, -1).slice(3, 1) - hr, down = p.slice(2, 1).slice(3, 0, -1) - hr;
  const torch::Tensor gradient = (across.square() + down.square()).sqrt();
  return 1 + kEdge * gradient / gradient.amax({1, 2, 3}, true).clamp_min(kCode);
}

}  // namespace cdsr::train
