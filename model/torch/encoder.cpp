#include "model/torch/encoder.h"

#include "model/network.h"
#include "model/normalize_window.h"

namespace cdsr::nn {
namespace F = torch::nn::functional;

namespace {

torch::Tensor lrelu(const torch::Tensor& x) { return torch::leaky_relu(x, kEncoderSlope); }

}  // namespace

ConvBnImpl::ConvBnImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding)
    : conv(register_module(
          "conv",
          torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding)))),
      bn(register_module("bn", torch::nn::BatchNorm2d(out))) {}

torch::Tensor ConvBnImpl::forward(const torch::Tensor& x) { return lrelu(bn(conv(x))); }

LpeImpl::LpeImpl(const CdsrConfig& config) {
  const int64_t w = config.lpe_nf, d = config.embedding();
  pixel->push_back(ConvBn(3, w, 7, 1, 3));
  pixel->push_back(ConvBn(w, w, 1, 1, 0));
  pixel->push_back(ConvBn(w, 2 * w, 3, 2, 1));
  pixel->push_back(ConvBn(2 * w, 2 * w, 1, 1, 0));
  pixel->push_back(ConvBn(2 * w, d, 7, 1, 3));
  pixel->push_back(ConvBn(d, d, 1, 1, 0));
  patch->push_back(ConvBn(3, w, kPatch, kPatch, 0));
  patch->push_back(ConvBn(w, w, 3, 1, 1));
  patch->push_back(ConvBn(w, 2 * w, 3, 1, 1));
  patch->push_back(ConvBn(2 * w, d, 3, 1, 1));
  register_module("pixel", pixel);
  register_module("patch", patch);
}

torch::Tensor LpeImpl::forward(const torch::Tensor& x) {
  torch::Tensor l = x;
  for (const auto& m : *pixel) l = m->as<ConvBn>()->forward(l);
  l = l.mean({2, 3});
  torch::Tensor p;
  if (x.size(2) < kPatch || x.size(3) < kPatch) {
    p = torch::zeros_like(l);
  } else {
    p = x;
    for (const auto& m : *patch) p = m->as<ConvBn>()->forward(p);
    p = p.mean({2, 3});
  }
  return torch::cat({l, p}, 1);
}

CscImpl::CscImpl(const CdsrConfig& config) {
  const int64_t d = config.embedding();
  codebook = register_parameter("codebook", torch::randn({config.codebook, d}));
  mlp->push_back(torch::nn::Linear(2 * d, d));
  mlp->push_back(torch::nn::Linear(d, d));
  register_module("mlp", mlp);
  query = register_module("query", torch::nn::Linear(d, d));
  key = register_module("key", torch::nn::Linear(d, d));
}

torch::Tensor CscImpl::forward(const torch::Tensor& features) { return mix(logits(features)); }

torch::Tensor CscImpl::logits(const torch::Tensor& features) {
  torch::Tensor h = lrelu(mlp[0]->as<torch::nn::Linear>()->forward(features));
  h = mlp[1]->as<torch::nn::Linear>()->forward(h);
  return torch::matmul(query(h), key(codebook).t());
}

torch::Tensor CscImpl::mix(const torch::Tensor& logits) {
  return torch::matmul(torch::softmax(logits, 1), codebook);
}

HeadImpl::HeadImpl(const CdsrConfig& config)
    : first(register_module("0", torch::nn::Linear(config.embedding(), config.embedding()))),
      second(register_module("1", torch::nn::Linear(config.embedding(), config.embedding()))) {}

torch::Tensor HeadImpl::forward(const torch::Tensor& embedding) { return second(lrelu(first(embedding))); }

torch::Tensor lpe_view(LpeInput input, const torch::Tensor& pictures) {
  if (input == LpeInput::Rgb) return pictures;
  // The mean square difference along one axis; an axis of one pixel has none.
  const auto detail = [&](int64_t axis) {
    const int64_t n = pictures.size(axis);
    if (n < 2) return torch::zeros({pictures.size(0), 1, 1, 1}, pictures.options());
    return (pictures.narrow(axis, 1, n - 1) - pictures.narrow(axis, 0, n - 1)).square().mean({1, 2, 3}, true);
  };
  const torch::Tensor strength = (detail(2) + detail(3) + kNormalizedFloor).sqrt();
  return (pictures - pictures.mean({1, 2, 3}, true)) / strength * kNormalizedContrast;
}

EncoderImpl::EncoderImpl(const CdsrConfig& config)
    : input(config.lpe_input),
      lpe(register_module("lpe", Lpe(config))),
      csc(register_module("csc", Csc(config))),
      head(register_module("head", Head(config))) {}

torch::Tensor EncoderImpl::forward(const torch::Tensor& x) { return csc(lpe(lpe_view(input, x))); }

}  // namespace cdsr::nn
