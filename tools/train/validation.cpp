#include "tools/train/validation.h"

#include <fmt/core.h>

#include <algorithm>
#include <numbers>

namespace cdsr::train {
namespace F = torch::nn::functional;

namespace {

constexpr uint64_t kVideoSeed = 0x7A11DA7E;  // the same degradations in every run, whatever its seed

torch::Tensor to_tensor(const tools::Picture& p, int scale) {
  const int64_t h = int64_t{p.height / scale} * scale, w = int64_t{p.width / scale} * scale;
  // from_blob wants a mutable pointer; the clone owns its data.
  auto* data = const_cast<uint8_t*>(p.rgb.data());
  return torch::from_blob(data, {p.height, p.width, 3}, torch::kByte)
      .slice(0, 0, h)
      .slice(1, 0, w)
      .permute({2, 0, 1})
      .unsqueeze(0)
      .to(torch::kFloat)
      .contiguous();
}

constexpr size_t kCropPictures = 4;
constexpr int64_t kCropSide = 192;

/// The middle of a 1 x 3 x h x w picture.
tools::Picture middle(const torch::Tensor& t) {
  const int64_t h = std::min(t.size(2), kCropSide), w = std::min(t.size(3), kCropSide);
  const torch::Tensor rgb = (t[0].slice(1, (t.size(2) - h) / 2, (t.size(2) - h) / 2 + h)
                                 .slice(2, (t.size(3) - w) / 2, (t.size(3) - w) / 2 + w)
                                 .clamp(0, 1) *
                             255)
                                .round()
                                .to(torch::kByte)
                                .permute({1, 2, 0})
                                .expand({-1, -1, 3})  // luma as grey
                                .contiguous();
  const auto* data = rgb.data_ptr<uint8_t>();
  return {static_cast<int>(w), static_cast<int>(h), std::vector<uint8_t>(data, data + rgb.numel())};
}

double psnr_y(const torch::Tensor& sr, const torch::Tensor& hr, int scale) {
  // The luma of a luma network is on full range; its code values are fewer.
  const bool luma = sr.size(1) == 1;
  const torch::Tensor weights =
      (luma ? torch::tensor({219.0 / 255}) : torch::tensor({65.738, 129.057, 25.064}) / 256)
          .reshape({1, -1, 1, 1});
  const torch::Tensor values = sr.clamp(0, 1) * 255;
  const torch::Tensor diff = (luma ? values : values.round()) - hr * 255;
  torch::Tensor y = (diff.to(torch::kDouble) * weights).sum(1);
  y = y.slice(1, scale, y.size(1) - scale).slice(2, scale, y.size(2) - scale);
  return 10 * std::log10(255.0 * 255.0 / std::max(y.square().mean().item<double>(), 1e-10));
}

}  // namespace

Validation::Validation(const std::vector<tools::Picture>& pictures, const BatchOptions& options)
    : scale_(options.scale) {
  torch::NoGradGuard no_grad;
  const auto kernels = degrade::paper_kernels(options.scale);
  for (size_t i = 0; i < pictures.size(); ++i) {
    Pair pair;
    pair.hr = to_tensor(pictures[i], options.scale);
    if (options.degradation == Degradation::Video) {
      Rng rng(kVideoSeed, i);
      const auto spec = degrade::draw_video(options.video, options.scale, rng);
      pair.lr = to_tensor(degrade::degrade_video(pictures[i], options.scale, spec), 1);
    } else {
      const auto& k = kernels[i % kernels.size()];
      std::vector<float> values =
          degrade::gaussian_kernel(options.scale, k.sig1, k.sig2, k.theta, alignment(options.degradation));
      const torch::Tensor kernel = torch::from_blob(values.data(), {1, 21, 21}).clone();
      const torch::Tensor padded =
          F::pad(pair.hr, F::PadFuncOptions({10, 10, 10, 10}).mode(torch::kReplicate));
      pair.lr = blur_subsample(padded, kernel, options.scale).clamp(0, 255).round();
    }
    pair.lr = pair.lr / 255;
    pair.hr = pair.hr / 255;
    if (options.colour == Colour::Luma) {
      pair.lr = luma_of(pair.lr);
      pair.hr = luma_of(pair.hr);
    }
    pairs_.push_back(pair);
  }
}

double Validation::psnr(nn::Cdsr& model) const {
  torch::NoGradGuard no_grad;
  model->eval();
  const torch::Device device = model->parameters().front().device();
  double sum = 0;
  for (const Pair& p : pairs_) sum += psnr_y(model->forward(p.lr.to(device)).cpu(), p.hr, scale_);
  model->train();
  return sum / static_cast<double>(pairs_.size());
}

void Validation::write_crops(nn::Cdsr& model, const std::filesystem::path& folder) const {
  torch::NoGradGuard no_grad;
  std::filesystem::create_directories(folder);
  model->eval();
  const torch::Device device = model->parameters().front().device();
  for (size_t i = 0; i < std::min(pairs_.size(), kCropPictures); ++i) {
    const Pair& p = pairs_[i];
    const auto write = [&](const torch::Tensor& t, const char* what) {
      tools::write_picture(folder / fmt::format("{}-{}.png", i, what), middle(t));
    };
    write(nn::bicubic(p.lr, scale_), "lr");
    write(model->forward(p.lr.to(device)).cpu(), "sr");
    write(p.hr, "hr");
  }
  model->train();
}

double Validation::bicubic_psnr() const {
  double sum = 0;
  for (const Pair& p : pairs_) sum += psnr_y(nn::bicubic(p.lr, scale_), p.hr, scale_);
  return sum / static_cast<double>(pairs_.size());
}

}  // namespace cdsr::train
