#include "tools/train/batch.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <numbers>

#include "model/encoder_windows.h"
#include "model/error.h"
#include "tools/train/crop.h"
#include "tools/train/degradation_target.h"
#include "tools/train/shot_sample.h"

namespace cdsr::train {
namespace {

using degrade::kKernelMargin;
using degrade::kKernelSide;

std::vector<float> draw_kernel(Rng& rng, const BatchOptions& o) {
  const double low = 0.175 * o.scale, high = 2.5 * o.scale;
  const double sig1 = rng.uniform(low, high);
  const double sig2 = rng.uniform(low, sig1);
  return degrade::gaussian_kernel(o.scale, sig1, sig2, rng.uniform(0, std::numbers::pi),
                                  alignment(o.degradation));
}

/// The photograph of image i of a step. The first thing drawn from its random numbers; again for another.
const tools::Picture& draw_photo(const std::vector<tools::Picture>& photos, Rng& rng) {
  return photos[static_cast<size_t>(rng.index(static_cast<int64_t>(photos.size())))];
}

void describe(std::span<const float, kDegradationTargets> target, const torch::Tensor& row) {
  std::copy(target.begin(), target.end(), row.data_ptr<float>());
}

/// The images of the options' part.
struct Images {
  int count, first;
  explicit Images(const BatchOptions& o) : count(o.batch / o.parts), first(o.part * count) {}
};

/// Standard normal noise for the part's low-resolution pictures, the same on every device. Drawn for the
/// whole batch, so that parts do not change it.
torch::Tensor draw_noise(const BatchOptions& o, int64_t step) {
  const Images images(o);
  at::Generator generator = at::detail::createCPUGenerator(Rng(o.seed, ~static_cast<uint64_t>(step)).bits());
  const torch::Tensor all = torch::randn({int64_t{2} * o.batch, 3, o.patch, o.patch}, generator);
  return torch::cat(
      {all.narrow(0, images.first, images.count), all.narrow(0, o.batch + images.first, images.count)});
}

Batch make_video_batch(const std::vector<tools::Picture>& photos, const BatchOptions& o, int64_t step) {
  const auto [count, first] = Images(o);
  const int64_t channels = o.colour == Colour::Luma ? 1 : 3, size = static_cast<int64_t>(o.scale) * o.patch;
  Batch batch;
  batch.lr = torch::empty({int64_t{count} * o.crops, channels, o.patch, o.patch});
  batch.hr = torch::empty({int64_t{count} * o.crops, channels, size, size});
  batch.windows = torch::empty({int64_t{count} * o.windows, channels, kEncoderWindow, kEncoderWindow});
  batch.keys = torch::empty({int64_t{count} * o.keys, channels, kEncoderWindow, kEncoderWindow});
  batch.degradation = torch::empty({count, kDegradationTargets});
  const auto row = [](torch::Tensor& t, int64_t i) { return t.data_ptr<float>() + i * t.stride(0); };
  for (int i = 0; i < count; ++i) {
    Rng rng = sample_rng(o, step, first + i);
    ShotPictures pictures;
    for (int64_t c = 0; c < o.crops; ++c) {
      pictures.lr.push_back(row(batch.lr, int64_t{i} * o.crops + c));
      pictures.hr.push_back(row(batch.hr, int64_t{i} * o.crops + c));
    }
    for (int64_t w = 0; w < o.windows; ++w)
      pictures.windows.push_back(row(batch.windows, int64_t{i} * o.windows + w));
    for (int64_t k = 0; k < o.keys; ++k) pictures.windows.push_back(row(batch.keys, int64_t{i} * o.keys + k));
    const ShotOptions shot{o.scale, o.colour, o.patch, o.crops, o.windows, o.keys, &o.video};
    describe(make_shot(draw_photo(photos, rng), shot, rng, pictures, batch.time), batch.degradation[i]);
  }
  for (torch::Tensor* t : {&batch.lr, &batch.hr, &batch.windows, &batch.keys}) *t = t->to(o.device) / 255;
  batch.degradation = batch.degradation.to(o.device);
  return batch;
}

}  // namespace

const char* to_string(Degradation degradation) {
  switch (degradation) {
    case Degradation::Aligned:
      return "aligned";
    case Degradation::Paper:
      return "paper";
    case Degradation::Video:
      break;
  }
  return "video";
}

Degradation degradation_from_string(std::string_view text) {
  for (const auto d : {Degradation::Aligned, Degradation::Paper, Degradation::Video})
    if (text == to_string(d)) return d;
  fail(Errc::InvalidArgument, "degradation is '{}', must be aligned, paper or video", text);
}

degrade::Alignment alignment(Degradation degradation) {
  return degradation == Degradation::Paper ? degrade::Alignment::Paper : degrade::Alignment::Aligned;
}

Rng sample_rng(const BatchOptions& o, int64_t step, int i) {
  return {o.seed, static_cast<uint64_t>(step) * static_cast<uint64_t>(o.batch) + static_cast<uint64_t>(i)};
}

Positive positive_from_string(std::string_view text) {
  if (text == "both") return Positive::Both;
  if (text == "degradation") return Positive::Degradation;
  if (text == "content") return Positive::Content;
  fail(Errc::InvalidArgument, "positive is '{}', must be both, degradation or content", text);
}

torch::Tensor luma_of(const torch::Tensor& rgb) {
  const auto weight = degrade::luma_weights(degrade::Codec::None);
  return (rgb * torch::tensor({weight[0], weight[1], weight[2]}, rgb.options()).reshape({1, 3, 1, 1}))
      .sum(1, true);
}

torch::Tensor blur_subsample(const torch::Tensor& hr, const torch::Tensor& kernels, int scale) {
  // One group a picture: the colour planes become the batch, the pictures the channels.
  const torch::Tensor y = torch::nn::functional::conv2d(
      hr.transpose(0, 1), kernels.unsqueeze(1),
      torch::nn::functional::Conv2dFuncOptions().stride(scale).groups(hr.size(0)));
  return y.transpose(0, 1);
}

Batch make_batch(const std::vector<tools::Picture>& photos, const BatchOptions& o, int64_t step) {
  torch::NoGradGuard no_grad;
  if (o.degradation == Degradation::Video) return make_video_batch(photos, o, step);
  const double begin = thread_seconds();
  const auto [count, first] = Images(o);
  const int size = o.scale * o.patch, full = size + 2 * kKernelMargin, n = 2 * count;
  torch::Tensor hr = torch::empty({n, 3, full, full});
  torch::Tensor kernels = torch::empty({n, kKernelSide, kKernelSide});
  torch::Tensor noise = torch::zeros({n, 1, 1, 1});
  torch::Tensor degradation = torch::empty({count, kDegradationTargets});
  const auto crop_floats = static_cast<size_t>(3) * full * full;

  for (int i = 0; i < count; ++i) {
    Rng rng = sample_rng(o, step, first + i);
    const tools::Picture& photo = draw_photo(photos, rng);
    const Turn turn = draw_turn(rng);
    std::vector<float> kernel = draw_kernel(rng, o);
    double level = rng.uniform() < o.noise_share ? rng.uniform(0, o.noise) : 0;
    degrade::VideoSpec spec;
    spec.kernel = kernel;
    spec.noise.gaussian = level;
    describe(degradation_target(spec, 0, o.scale, 0, 0), degradation[i]);
    for (int crop = 0; crop < 2; ++crop) {
      const int row = crop * count + i;
      if (crop == 1 && o.positive == Positive::Content) {
        kernel = draw_kernel(rng, o);
        level = rng.uniform() < o.noise_share ? rng.uniform(0, o.noise) : 0;
      }
      const tools::Picture& from =
          crop == 1 && o.positive == Positive::Degradation ? draw_photo(photos, rng) : photo;
      const int64_t x = rng.index(from.width - size + 1), y = rng.index(from.height - size + 1);
      copy_crop(from, x - kKernelMargin, y - kKernelMargin, full, full, turn,
                hr.data_ptr<float>() + static_cast<size_t>(row) * crop_floats);
      std::copy(kernel.begin(), kernel.end(),
                kernels.data_ptr<float>() + static_cast<ptrdiff_t>(row) * kKernelSide * kKernelSide);
      noise[row].fill_(level);
    }
  }

  const double middle = thread_seconds();
  hr = hr.to(o.device);
  torch::Tensor lr = blur_subsample(hr, kernels.to(o.device), o.scale);
  if (o.noise > 0) lr = lr + (noise * draw_noise(o, step)).to(o.device);
  Batch batch;
  batch.kernels = kernels;
  batch.lr = (lr.clamp(0, 255).round() / 255).contiguous();
  batch.hr =
      (hr.slice(2, kKernelMargin, kKernelMargin + size).slice(3, kKernelMargin, kKernelMargin + size) / 255)
          .contiguous();
  if (o.colour == Colour::Luma) {
    batch.lr = luma_of(batch.lr);
    batch.hr = luma_of(batch.hr);
  }
  batch.degradation = degradation.to(o.device);
  batch.time = {middle - begin, thread_seconds() - middle};
  return batch;
}

}  // namespace cdsr::train
