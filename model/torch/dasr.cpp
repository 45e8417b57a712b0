#include "model/torch/dasr.h"

#include <algorithm>

#include "model/network.h"

namespace cdsr::nn {
namespace {

torch::nn::Conv2d conv3x3(int64_t in, int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

torch::Tensor lrelu(const torch::Tensor& x) { return torch::leaky_relu(x, kFuseSlope); }

torch::Tensor call(const std::shared_ptr<torch::nn::Module>& m, const torch::Tensor& x) {
  return m->as<torch::nn::Conv2d>()->forward(x);
}

}  // namespace

DasrBlockImpl::DasrBlockImpl(int64_t nf)
    : dynamic1(register_module("dynamic1", Dqa(nf, Fusion::DynamicConv, std::max<int64_t>(nf / 8, 1)))),
      dynamic2(register_module("dynamic2", Dqa(nf, Fusion::DynamicConv, std::max<int64_t>(nf / 8, 1)))),
      conv1(register_module("conv1", conv3x3(nf, nf))),
      conv2(register_module("conv2", conv3x3(nf, nf))) {}

torch::Tensor DasrBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& y) {
  const torch::Tensor none;
  const torch::Tensor t = lrelu(conv1(lrelu(dynamic1(x, y, none))));
  return conv2(lrelu(dynamic2(t, y, none))) + x;
}

DasrSrImpl::DasrSrImpl(const CdsrConfig& c, const Variant& variant) : config(c), group(variant.group) {
  const int64_t nf = c.nf, s = c.scale;
  compress =
      register_module("compress", torch::nn::Linear(torch::nn::LinearOptions(c.embedding(), nf).bias(false)));
  head = register_module("head", conv3x3(3, nf));
  for (int64_t i = 0; i < c.blocks * group; ++i) blocks->push_back(DasrBlock(nf));
  for (int i = 0; i < c.blocks; ++i) group_convs->push_back(conv3x3(nf, nf));
  register_module("blocks", blocks);
  register_module("group_convs", group_convs);
  trunk = register_module("trunk", conv3x3(nf, nf));
  if (c.body == Body::Plain) {
    tail = register_module("tail", conv3x3(nf, 3 * s * s));
    return;
  }
  const int64_t step = s == 3 ? 3 : 2;
  for (int64_t left = s; left > 1; left /= step) enlarge->push_back(conv3x3(nf, nf * step * step));
  register_module("enlarge", enlarge);
  tail = register_module("tail", conv3x3(nf, 3));
}

torch::Tensor DasrSrImpl::conditioning(const torch::Tensor& embedding) { return lrelu(compress(embedding)); }

torch::Tensor DasrSrImpl::forward(const torch::Tensor& lr, const torch::Tensor& embedding) {
  const torch::Tensor y = conditioning(embedding);
  const torch::Tensor f0 = head(lr);
  torch::Tensor f = f0;
  size_t block = 0;
  for (const auto& conv : *group_convs) {
    const torch::Tensor in = f;
    for (int64_t i = 0; i < group; ++i) f = blocks[block++]->as<DasrBlock>()->forward(f, y);
    f = call(conv, f) + in;
  }
  f = trunk(f) + f0;
  if (config.body == Body::Plain) {
    f = torch::pixel_shuffle(tail(f), config.scale);
  } else {
    for (const auto& conv : *enlarge) f = torch::pixel_shuffle(call(conv, f), config.scale == 3 ? 3 : 2);
    f = tail(f);
  }
  return config.skip == Skip::Bicubic ? f + bicubic(lr, config.scale) : f;
}

}  // namespace cdsr::nn
