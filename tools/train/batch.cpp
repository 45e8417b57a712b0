#include "tools/train/batch.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <numbers>

#include "tools/train/rng.h"

namespace cdsr::train {
namespace {

constexpr int kMargin = 10;  // half of the 21 x 21 kernel array
constexpr int kKernel = 21;

struct Turn {
  bool flip_x, flip_y, transpose;
};

/// Copies the size x size region at (x, y), with kMargin pixels around it, turned, as planar floats on
/// 0..255. Beyond the photograph its edge is replicated, as the degradation of a whole image does.
void copy_crop(const tools::Picture& photo, int64_t x, int64_t y, int size, const Turn& turn, float* out) {
  const int full = size + 2 * kMargin;
  const auto plane = static_cast<size_t>(full) * full;
  for (int i = 0; i < full; ++i)
    for (int j = 0; j < full; ++j) {
      int u = turn.transpose ? i : j, v = turn.transpose ? j : i;
      if (turn.flip_x) u = full - 1 - u;
      if (turn.flip_y) v = full - 1 - v;
      const int64_t px = std::clamp<int64_t>(x + u - kMargin, 0, photo.width - 1);
      const int64_t py = std::clamp<int64_t>(y + v - kMargin, 0, photo.height - 1);
      const uint8_t* rgb = &photo.rgb[static_cast<size_t>(py * photo.width + px) * 3];
      const size_t at = static_cast<size_t>(i) * full + j;
      for (size_t c = 0; c < 3; ++c) out[c * plane + at] = rgb[c];
    }
}

std::vector<float> draw_kernel(Rng& rng, const BatchOptions& o) {
  const double low = 0.175 * o.scale, high = 2.5 * o.scale;
  const double sig1 = rng.uniform(low, high);
  const double sig2 = rng.uniform(low, sig1);
  return degrade::gaussian_kernel(o.scale, sig1, sig2, rng.uniform(0, std::numbers::pi), o.alignment);
}

}  // namespace

torch::Tensor blur_subsample(const torch::Tensor& hr, const torch::Tensor& kernels, int scale) {
  // One group a picture: the colour planes become the batch, the pictures the channels.
  const torch::Tensor y = torch::nn::functional::conv2d(
      hr.transpose(0, 1), kernels.unsqueeze(1),
      torch::nn::functional::Conv2dFuncOptions().stride(scale).groups(hr.size(0)));
  return y.transpose(0, 1);
}

Batch make_batch(const std::vector<tools::Picture>& photos, const BatchOptions& o, int64_t step) {
  torch::NoGradGuard no_grad;
  const int size = o.scale * o.patch, full = size + 2 * kMargin, n = 2 * o.batch;
  torch::Tensor hr = torch::empty({n, 3, full, full});
  torch::Tensor kernels = torch::empty({n, kKernel, kKernel});
  torch::Tensor noise = torch::zeros({n, 1, 1, 1});
  const auto crop_floats = static_cast<size_t>(3) * full * full;

  for (int i = 0; i < o.batch; ++i) {
    Rng rng(o.seed, static_cast<uint64_t>(step) * static_cast<uint64_t>(o.batch) + static_cast<uint64_t>(i));
    const tools::Picture& photo = photos[static_cast<size_t>(rng.index(static_cast<int64_t>(photos.size())))];
    const Turn turn{rng.uniform() < 0.5, rng.uniform() < 0.5, rng.uniform() < 0.5};
    const std::vector<float> kernel = draw_kernel(rng, o);
    const double level = rng.uniform() < o.noise_share ? rng.uniform(0, o.noise) : 0;
    for (int crop = 0; crop < 2; ++crop) {
      const int row = crop * o.batch + i;
      const int64_t x = rng.index(photo.width - size + 1), y = rng.index(photo.height - size + 1);
      copy_crop(photo, x, y, size, turn, hr.data_ptr<float>() + static_cast<size_t>(row) * crop_floats);
      std::copy(kernel.begin(), kernel.end(), kernels.data_ptr<float>() + row * kKernel * kKernel);
      noise[row].fill_(level);
    }
  }

  torch::Tensor lr = blur_subsample(hr, kernels, o.scale);
  if (o.noise > 0) {
    at::Generator generator =
        at::detail::createCPUGenerator(Rng(o.seed, ~static_cast<uint64_t>(step)).bits());
    lr = lr + noise * torch::randn(lr.sizes(), generator);
  }
  Batch batch;
  batch.lr = (lr.clamp(0, 255).round() / 255).contiguous();
  batch.hr = (hr.slice(2, kMargin, kMargin + size).slice(3, kMargin, kMargin + size) / 255).contiguous();
  return batch;
}

}  // namespace cdsr::train
