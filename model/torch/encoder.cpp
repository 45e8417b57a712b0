#include "model/torch/encoder.h"

#include "model/encoder_windows.h"
#include "model/network.h"
#include "model/normalize_window.h"

namespace cdsr::nn {
namespace F = torch::nn::functional;

namespace {

torch::Tensor lrelu(const torch::Tensor& x) { return torch::leaky_relu(x, kEncoderSlope); }

/// The windows of frames, those of a frame in a row.
torch::Tensor windows_of(const CdsrConfig& config, const torch::Tensor& frames) {
  std::vector<torch::Tensor> views;
  for (const EncoderWindow& w :
       encoder_windows(config, static_cast<int>(frames.size(3)), static_cast<int>(frames.size(2))))
    views.push_back(frames.narrow(2, w.y, w.height).narrow(3, w.x, w.width));
  return torch::stack(views, 1).flatten(0, 1);
}

}  // namespace

ConvBnImpl::ConvBnImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding)
    : conv(register_module(
          "conv",
          torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding)))),
      bn(register_module("bn", torch::nn::BatchNorm2d(out))) {}

torch::Tensor ConvBnImpl::forward(const torch::Tensor& x) {
  if (collectives != nullptr && bn->is_training()) return lrelu(sync_batch_norm(*bn, conv(x), *collectives));
  return lrelu(bn(conv(x)));
}

void connect(torch::nn::Module& module, Collectives* collectives) {
  for (const auto& m : module.modules())
    if (auto* layer = m->as<ConvBn>()) layer->collectives = collectives;
}

LpeImpl::LpeImpl(const CdsrConfig& config, const Variant& variant) : dim(config.embedding()) {
  if (config.lpe_input == LpeInput::Statistics) {
    mean = register_buffer("mean", torch::zeros({config.features()}));
    deviation = register_buffer("deviation", torch::ones({config.features()}));
    return;
  }
  const int64_t w = config.lpe_nf, d = dim, channels = config.channels();
  if (variant.pixel) {
    pixel->push_back(ConvBn(channels, w, 7, 1, 3));
    pixel->push_back(ConvBn(w, w, 1, 1, 0));
    pixel->push_back(ConvBn(w, 2 * w, 3, 2, 1));
    pixel->push_back(ConvBn(2 * w, 2 * w, 1, 1, 0));
    pixel->push_back(ConvBn(2 * w, d, 7, 1, 3));
    pixel->push_back(ConvBn(d, d, 1, 1, 0));
    register_module("pixel", pixel);
  }
  if (variant.patch) {
    patch->push_back(ConvBn(channels, w, kPatch, kPatch, 0));
    patch->push_back(ConvBn(w, w, 3, 1, 1));
    patch->push_back(ConvBn(w, 2 * w, 3, 1, 1));
    patch->push_back(ConvBn(2 * w, d, 3, 1, 1));
    register_module("patch", patch);
  }
}

torch::Tensor LpeImpl::forward(const torch::Tensor& x) {
  if (mean.defined()) return (statistics_of(x) - mean) / deviation;
  const auto pooled = [&](const torch::nn::ModuleList& branch) {
    torch::Tensor t = x;
    for (const auto& m : *branch) t = m->as<ConvBn>()->forward(t);
    return t.mean({2, 3});
  };
  std::vector<torch::Tensor> branches;
  if (!pixel->is_empty()) branches.push_back(pooled(pixel));
  if (!patch->is_empty())
    branches.push_back(x.size(2) < kPatch || x.size(3) < kPatch ? torch::zeros({x.size(0), dim}, x.options())
                                                                : pooled(patch));
  return branches.size() == 1 ? branches[0] : torch::cat(branches, 1);
}

CscImpl::CscImpl(const CdsrConfig& config, const Variant& variant) {
  const int64_t d = config.embedding();
  if (variant.csc) codebook = register_parameter("codebook", torch::randn({config.codebook, d}));
  mlp->push_back(torch::nn::Linear(variant.pixel && variant.patch ? config.features() : d, d));
  mlp->push_back(torch::nn::Linear(d, d));
  register_module("mlp", mlp);
  if (!variant.csc) return;
  query = register_module("query", torch::nn::Linear(d, d));
  key = register_module("key", torch::nn::Linear(d, d));
}

torch::Tensor CscImpl::forward(const torch::Tensor& features) {
  const torch::Tensor m = mixed(features);
  return codebook.defined() ? mix(logits(m)) : m;
}

torch::Tensor CscImpl::mixed(const torch::Tensor& features) {
  const torch::Tensor h = lrelu(mlp[0]->as<torch::nn::Linear>()->forward(features));
  return mlp[1]->as<torch::nn::Linear>()->forward(h);
}

torch::Tensor CscImpl::logits(const torch::Tensor& mixed) {
  return torch::matmul(query(mixed), key(codebook).t());
}

torch::Tensor CscImpl::mix(const torch::Tensor& logits) {
  return torch::matmul(torch::softmax(logits, 1), codebook);
}

HeadImpl::HeadImpl(const CdsrConfig& config)
    : first(register_module("0", torch::nn::Linear(config.embedding(), config.embedding()))),
      second(register_module("1", torch::nn::Linear(config.embedding(), config.embedding()))) {}

torch::Tensor HeadImpl::forward(const torch::Tensor& embedding) { return second(lrelu(first(embedding))); }

torch::Tensor lpe_view(LpeInput input, const torch::Tensor& pictures) {
  if (input != LpeInput::Normalized) return pictures;
  // The mean square difference along one axis; an axis of one pixel has none.
  const auto detail = [&](int64_t axis) {
    const int64_t n = pictures.size(axis);
    if (n < 2) return torch::zeros({pictures.size(0), 1, 1, 1}, pictures.options());
    return (pictures.narrow(axis, 1, n - 1) - pictures.narrow(axis, 0, n - 1)).square().mean({1, 2, 3}, true);
  };
  const torch::Tensor strength = (detail(2) + detail(3) + kNormalizedFloor).sqrt();
  return (pictures - pictures.mean({1, 2, 3}, true)) / strength * kNormalizedContrast;
}

torch::Tensor statistics_of(const torch::Tensor& windows) {
  const torch::Tensor luma = windows.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const int64_t count = luma.size(0), height = luma.size(2), width = luma.size(3);
  torch::Tensor out = torch::empty({count, kWindowStatistics});
  WindowStatistics statistics;
  for (int64_t i = 0; i < count; ++i)
    statistics.run({luma.data_ptr<float>() + i * height * width, width, static_cast<int>(width),
                    static_cast<int>(height)},
                   {out.data_ptr<float>() + i * kWindowStatistics, kWindowStatistics});
  return out.to(windows.device());
}

DasrEncoderImpl::DasrEncoderImpl(const CdsrConfig& config) {
  const int64_t w = config.lpe_nf;
  const std::pair<int64_t, int64_t> widths[] = {{3, w},         {w, w},         {w, 2 * w},
                                                {2 * w, 2 * w}, {2 * w, 4 * w}, {4 * w, 4 * w}};
  for (const auto& [in, out] : widths) body->push_back(ConvBn(in, out, 3, in == 3 || in == out ? 1 : 2, 1));
  register_module("body", body);
}

torch::Tensor DasrEncoderImpl::forward(const torch::Tensor& x) {
  torch::Tensor t = x;
  for (const auto& m : *body) t = m->as<ConvBn>()->forward(t);
  return t.mean({2, 3});
}

EncoderImpl::EncoderImpl(const CdsrConfig& c, const Variant& variant) : config(c) {
  if (variant.dasr_encoder) {
    dasr = register_module("dasr", DasrEncoder(config));
  } else {
    lpe = register_module("lpe", Lpe(config, variant));
    csc = register_module("csc", Csc(config, variant));
  }
  head = register_module("head", Head(config));
}

torch::Tensor EncoderImpl::features(const torch::Tensor& x) {
  const torch::Tensor view = lpe_view(config.lpe_input, x);
  return dasr ? dasr(view) : lpe(view);
}

torch::Tensor EncoderImpl::asked(const torch::Tensor& windows, int64_t shots) {
  return asked_with(features(windows).unflatten(0, {shots, windows.size(0) / shots}));
}

torch::Tensor EncoderImpl::asked_with(const torch::Tensor& features) {
  if (dasr) return features.mean(1);
  return config.lpe_input == LpeInput::Statistics ? lrelu(csc->mixed(features)).mean(1)
                                                  : csc->mixed(features.mean(1));
}

torch::Tensor EncoderImpl::embed_windows(const torch::Tensor& windows, int64_t shots) {
  const torch::Tensor a = asked(windows, shots);
  return csc && csc->codebook.defined() ? csc->mix(csc->logits(a)) : a;
}

torch::Tensor EncoderImpl::embed(const torch::Tensor& frames) {
  return embed_windows(windows_of(config, frames), frames.size(0));
}

torch::Tensor EncoderImpl::logits(const torch::Tensor& frames) {
  return csc->logits(asked(windows_of(config, frames), frames.size(0)));
}

torch::Tensor EncoderImpl::forward(const torch::Tensor& x) { return embed_windows(x, x.size(0)); }

}  // namespace cdsr::nn
