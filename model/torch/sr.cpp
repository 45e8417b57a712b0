#include "model/torch/sr.h"

#include <cmath>

#include "model/network.h"
#include "model/torch/autocast.h"
#include "model/torch/dasr.h"
#include "model/torch/init.h"

namespace cdsr::nn {
namespace F = torch::nn::functional;

namespace {

constexpr double kPreluSlope = 0.25;  // LibTorch's initial value
constexpr double kTailGain = 0.1;     // Body::Stack begins near the bicubic picture

torch::nn::Conv2d conv3x3(int64_t in, int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

torch::nn::Linear linear(int64_t in, int64_t out, bool bias) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias));
}

torch::Tensor call(const std::shared_ptr<torch::nn::Module>& m, const torch::Tensor& x) {
  return m->as<torch::nn::Linear>()->forward(x);
}

torch::Tensor prelu(const std::shared_ptr<torch::nn::Module>& m, const torch::Tensor& x) {
  return m->as<torch::nn::PReLU>()->forward(x);
}

torch::Tensor lrelu(const torch::Tensor& x) { return torch::leaky_relu(x, kFuseSlope); }

/// Keys' cubic convolution kernel, a = -0.5.
double keys(double t) {
  t = std::fabs(t);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return ((-0.5 * t + 2.5) * t - 4) * t + 2;
  return 0;
}

}  // namespace

DqaImpl::DqaImpl(int64_t nf, Fusion fusion, int64_t gate_width) {
  if (fusion == Fusion::Dqa) {
    gamma = register_parameter("gamma", torch::zeros({1}));
    query = register_module("query", linear(nf, nf, true));
    key = register_module("key", linear(nf, nf, true));
    value = register_module("value", linear(nf, nf, true));
  }
  kernel->push_back(linear(nf, nf, false));
  kernel->push_back(linear(nf, nf * 9, false));
  register_module("kernel", kernel);
  conv = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(nf, nf, 1)));
  gate->push_back(linear(nf, gate_width, false));
  gate->push_back(linear(gate_width, nf, false));
  register_module("gate", gate);
}

torch::Tensor DqaImpl::filters(const torch::Tensor& y, const torch::Tensor& q) {
  if (!gamma.defined()) return call(kernel[1], lrelu(call(kernel[0], y)));
  // Channel attention as an outer product: A[i, j] = softmax_j(q_i k_j), no 1 / sqrt(d).
  const torch::Tensor a = torch::softmax(query(q).unsqueeze(2) * key(y).unsqueeze(1), 2);
  const torch::Tensor attended = torch::bmm(a, value(y).unsqueeze(2)).squeeze(2);
  return call(kernel[1], lrelu(call(kernel[0], gamma * attended + y)));
}

torch::Tensor DqaImpl::forward(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& q) {
  const int64_t b = x.size(0), nf = x.size(1), h = x.size(2), w = x.size(3);
  const torch::Tensor k = filters(y, q).reshape({b * nf, 1, 3, 3});
  const torch::Tensor filtered =
      torch::conv2d(x.reshape({1, b * nf, h, w}), k, {}, 1, 1, 1, b * nf).reshape({b, nf, h, w});
  const torch::Tensor s = torch::sigmoid(call(gate[1], lrelu(call(gate[0], y))));
  return conv(lrelu(filtered)) + x * s.reshape({b, nf, 1, 1});
}

AdaInImpl::AdaInImpl(int64_t nf) {
  for (auto mlp : {scale, shift}) {
    mlp->push_back(linear(nf, nf, true));
    mlp->push_back(linear(nf, nf, true));
  }
  register_module("scale", scale);
  register_module("shift", shift);
  // Around 1, or twenty of them in a row would begin by scaling the signal away.
  torch::NoGradGuard no_grad;
  scale[1]->as<torch::nn::Linear>()->bias.fill_(1);
}

torch::Tensor AdaInImpl::forward(const torch::Tensor& x, const torch::Tensor& y) {
  const auto vector = [&](torch::nn::ModuleList mlp) {
    return call(mlp[1], lrelu(call(mlp[0], y))).unsqueeze(2).unsqueeze(3);
  };
  return x * vector(scale) + vector(shift);
}

RdbImpl::RdbImpl(int64_t nf, int64_t gc)
    : conv1(register_module("conv1", conv3x3(nf, gc))),
      conv2(register_module("conv2", conv3x3(nf + gc, gc))),
      conv3(register_module("conv3", conv3x3(nf + 2 * gc, gc))),
      conv4(register_module("conv4", conv3x3(nf + 3 * gc, gc))),
      conv5(register_module("conv5", conv3x3(nf + 4 * gc, nf))) {
  // The dense blocks' initialization: Kaiming normal over the fan-in, times 0.1; no bias.
  torch::NoGradGuard no_grad;
  for (auto& c : {conv1, conv2, conv3, conv4, conv5}) {
    torch::nn::init::kaiming_normal_(c->weight, 0.0, torch::kFanIn, torch::kLeakyReLU);
    c->weight.mul_(0.1);
    c->bias.zero_();
  }
}

torch::Tensor RdbImpl::forward(const torch::Tensor& x) {
  const auto act = [](const torch::Tensor& t) { return torch::leaky_relu(t, kDenseSlope); };
  const torch::Tensor x1 = act(conv1(x));
  const torch::Tensor x2 = act(conv2(torch::cat({x, x1}, 1)));
  const torch::Tensor x3 = act(conv3(torch::cat({x, x1, x2}, 1)));
  const torch::Tensor x4 = act(conv4(torch::cat({x, x1, x2, x3}, 1)));
  return conv5(torch::cat({x, x1, x2, x3, x4}, 1)) * kResidualScale + x;
}

BlockImpl::BlockImpl(const CdsrConfig& config, const Variant& variant) : body(config.body) {
  const int64_t nf = config.nf, d = config.embedding();
  modulation->push_back(linear(d, d, true));
  modulation->push_back(torch::nn::PReLU());
  modulation->push_back(linear(d, nf, true));
  register_module("modulation", modulation);
  if (body == Body::Plain) {
    keep_variance(torch::nn::Linear(modulation->ptr<torch::nn::LinearImpl>(0)), kPreluSlope);
    keep_variance(torch::nn::Linear(modulation->ptr<torch::nn::LinearImpl>(2)), kPreluSlope);
  }
  const bool two = body == Body::Rrdb;
  if (variant.fusion == Fusion::AdaIn) {
    adain1 = register_module("adain1", AdaIn(nf));
    if (two) adain2 = register_module("adain2", AdaIn(nf));
  } else {
    dqa1 = register_module("dqa1", Dqa(nf, variant.fusion, nf / 2));
    if (two) dqa2 = register_module("dqa2", Dqa(nf, variant.fusion, nf / 2));
  }
  conv1 = register_module("conv1", conv3x3(nf, nf));
  conv2 = register_module("conv2", conv3x3(nf, nf));
  if (body != Body::Rrdb) return;
  rdb1 = register_module("rdb1", Rdb(nf, config.gc));
  rdb2 = register_module("rdb2", Rdb(nf, config.gc));
  rdb3 = register_module("rdb3", Rdb(nf, config.gc));
}

torch::Tensor BlockImpl::conditioning(const torch::Tensor& code) {
  return torch::sigmoid(call(modulation[2], prelu(modulation[1], call(modulation[0], code))));
}

torch::Tensor BlockImpl::forward(const torch::Tensor& x, const torch::Tensor& code, int first_dqa,
                                 const QueryHook& hook) {
  const torch::Tensor y = conditioning(code);
  const auto modulate = [&](Dqa& dqa, AdaIn& adain, const torch::Tensor& t, int index) {
    if (adain) return lrelu(adain(t, y));
    return lrelu(dqa(t, y, dqa->gamma.defined() ? hook(index, t.mean({2, 3})) : torch::Tensor()));
  };
  torch::Tensor t = modulate(dqa1, adain1, x, first_dqa);
  if (body == Body::Plain) return conv2(lrelu(conv1(t))) + x;
  t = modulate(dqa2, adain2, lrelu(conv1(t)), first_dqa + 1);
  t = conv2(t) + x;
  t = rdb3(rdb2(rdb1(t)));
  return t * kResidualScale + x;
}

SrImpl::SrImpl(const CdsrConfig& c, const Variant& variant) : config(c) {
  if (variant.dasr_sr) {
    dasr = register_module("dasr", std::make_shared<DasrSrImpl>(c, variant));
    return;
  }
  const int64_t d = c.embedding();
  for (int i = 0; i < 4; ++i) {
    auto layer = linear(d, d, true);
    if (c.body != Body::Rrdb) keep_variance(layer, i == 0 ? 1.0 : kPreluSlope);
    compress->push_back(layer);
    compress->push_back(torch::nn::PReLU());
  }
  register_module("compress", compress);
  const int64_t out = int64_t{c.channels()} * c.scale * c.scale;
  if (c.body == Body::Stack) {
    stack_head = register_module("head", ExpertConv(c, c.channels(), c.nf, 1));
    for (int i = 0; i < c.blocks; ++i) blocks->push_back(StackBlock(c));
    register_module("blocks", blocks);
    stack_tail = register_module("tail", ExpertConv(c, c.nf, out, kTailGain));
    return;
  }
  head = register_module("head", conv3x3(c.channels(), c.nf));
  for (int i = 0; i < c.blocks; ++i) blocks->push_back(Block(c, variant));
  register_module("blocks", blocks);
  if (c.body == Body::Rrdb) trunk = register_module("trunk", conv3x3(c.nf, c.nf));
  tail = register_module("tail", conv3x3(c.nf, out));
}

torch::Tensor SrImpl::compressed(const torch::Tensor& embedding) {
  torch::Tensor code = embedding;
  for (size_t i = 0; i < 4; ++i) code = prelu(compress[2 * i + 1], call(compress[2 * i], code));
  return code;
}

std::vector<torch::Tensor> SrImpl::conditioning(const torch::Tensor& embedding) {
  if (dasr) return {dasr->conditioning(embedding)};
  const torch::Tensor code = compressed(embedding);
  std::vector<torch::Tensor> out;
  if (config.body == Body::Stack) {
    const auto add = [&](ExpertConv& layer) {
      if (layer->mixing) out.push_back(torch::softmax(layer->mixing(code), 1));
    };
    add(stack_head);
    for (const auto& block : *blocks) add(block->as<StackBlock>()->conv);
    add(stack_tail);
    return out;
  }
  for (const auto& block : *blocks) out.push_back(block->as<Block>()->conditioning(code));
  return out;
}

torch::Tensor SrImpl::forward(const torch::Tensor& lr, const torch::Tensor& embedding,
                              const QueryHook& hook) {
  if (dasr) return dasr->forward(lr, embedding);
  torch::Tensor f;
  if (config.body == Body::Stack) {
    // Once a shot in the engines, in fp32: rounding here would blur what tells shots apart.
    torch::Tensor code;
    {
      const FullPrecision fp32;
      code = compressed(embedding);
    }
    f = stack_forward(stack_head, blocks, stack_tail, lr, code, sharpness);
  } else {
    torch::Tensor code = compressed(embedding);
    code = code.repeat_interleave(lr.size(0) / code.size(0), 0);
    const torch::Tensor f0 = head(lr);
    f = f0;
    int dqa = 0;
    for (const auto& block : *blocks) {
      f = block->as<Block>()->forward(f, code, dqa, hook);
      dqa += config.dqas_per_block();
    }
    if (config.body == Body::Rrdb) f = trunk(f) + f0;
    f = tail(f);
  }
  f = torch::pixel_shuffle(f, config.scale);
  return config.skip == Skip::Bicubic ? f + bicubic(lr, config.scale) : f;
}

torch::Tensor bicubic(const torch::Tensor& lr, int scale) {
  // As one 5x5 convolution to scale^2 phases and a pixel shuffle: taps -2..2 hold the four of every phase.
  std::vector<float> weight(static_cast<size_t>(scale) * scale * 25);
  for (int py = 0; py < scale; ++py)
    for (int px = 0; px < scale; ++px)
      for (int ty = 0; ty < 5; ++ty)
        for (int tx = 0; tx < 5; ++tx)
          weight[((static_cast<size_t>(py) * scale + px) * 5 + ty) * 5 + tx] = static_cast<float>(
              keys((py + 0.5) / scale - 0.5 - (ty - 2)) * keys((px + 0.5) / scale - 0.5 - (tx - 2)));
  const int64_t b = lr.size(0), c = lr.size(1), h = lr.size(2), w = lr.size(3);
  const torch::Tensor kernel = torch::from_blob(weight.data(), {static_cast<int64_t>(scale) * scale, 1, 5, 5})
                                   .to(lr.options(), false, true);
  const torch::Tensor padded =
      F::pad(lr.reshape({b * c, 1, h, w}), F::PadFuncOptions({2, 2, 2, 2}).mode(torch::kReplicate));
  return torch::pixel_shuffle(torch::conv2d(padded, kernel), scale).reshape({b, c, h * scale, w * scale});
}

}  // namespace cdsr::nn
