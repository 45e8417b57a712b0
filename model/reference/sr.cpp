#include "model/reference/sr.h"

#include "model/reference/vectors.h"

namespace cdsr::reference {
namespace {

/// conv with an activation; slope 1 is none.
FeatureMap conv_act(const Conv& conv, const FeatureMap& x, float slope) {
  FeatureMap out = conv2d(conv, x);
  leaky_relu(out, slope);
  return out;
}

FeatureMap plus(FeatureMap a, const FeatureMap& b) {
  scale_add(a, 1.0F, b);
  return a;
}

/// The block's DQA `d` (0 or 1), the network's DQA `index`.
FeatureMap run_dqa(const Dqa& dqa, int index, std::span<const float> y, const FilterOf& filter_of,
                   const FeatureMap& x) {
  return dqa_layer(dqa, gate(dqa, y), filter_of(index, x), x);
}

FeatureMap plain_block(const Block& block, int first_dqa, std::span<const float> y, const FilterOf& filter_of,
                       const FeatureMap& x) {
  FeatureMap t = run_dqa(block.dqa[0], first_dqa, y, filter_of, x);
  t = conv_act(block.conv1, t, kFuseSlope);
  return plus(conv2d(block.conv2, t), x);
}

FeatureMap rrdb_block(const Block& block, int first_dqa, std::span<const float> y, const FilterOf& filter_of,
                      const FeatureMap& x) {
  FeatureMap t = run_dqa(block.dqa[0], first_dqa, y, filter_of, x);
  t = conv_act(block.conv1, t, kFuseSlope);
  t = run_dqa(block.dqa[1], first_dqa + 1, y, filter_of, t);
  t = plus(conv2d(block.conv2, t), x);
  for (const DenseBlock& rdb : block.rdb) t = dense_block(rdb, t);
  scale_add(t, kResidualScale, x);
  return t;
}

FeatureMap stack(const CdsrConfig& config, const std::vector<Conv>& convs, const FeatureMap& input) {
  const FeatureMap first = conv_act(convs.front(), input, kFuseSlope);
  FeatureMap f = first;
  for (int i = 1; i <= config.blocks; ++i) {
    f = conv2d(convs[i], f);
    if (i == config.blocks) f = plus(std::move(f), first);
    leaky_relu(f, kFuseSlope);
  }
  return tail_layer(convs.back(), config.scale, config.skip, f, input);
}

}  // namespace

FeatureMap dqa_layer(const Dqa& dqa, std::span<const float> gate, std::span<const float> filter,
                     const FeatureMap& x) {
  FeatureMap t = depthwise(x, filter);
  leaky_relu(t, kFuseSlope);
  t = conv2d(dqa.conv, t);
  for (int c = 0; c < x.channels; ++c)
    for (int i = 0; i < x.height * x.width; ++i) t.plane(c)[i] += x.plane(c)[i] * gate[c];
  leaky_relu(t, kFuseSlope);
  return t;
}

FeatureMap dense_block(const DenseBlock& block, const FeatureMap& x) {
  FeatureMap all = x;
  for (int i = 0; i < 4; ++i) all = concat(all, conv_act(block.conv[i], all, kDenseSlope));
  FeatureMap out = conv2d(block.conv[4], all);
  scale_add(out, kResidualScale, x);
  return out;
}

FeatureMap tail_layer(const Conv& tail, int scale, Skip skip, const FeatureMap& features,
                      const FeatureMap& input) {
  FeatureMap out = pixel_shuffle(conv2d(tail, features), scale);
  if (skip == Skip::Bicubic) scale_add(out, 1.0F, bicubic(input, scale));
  return out;
}

FeatureMap super_resolve(const Network& network, const std::vector<std::vector<float>>& y,
                         const std::vector<Conv>& stack_convs, const FilterOf& filter_of,
                         const FeatureMap& input) {
  const CdsrConfig& config = network.config;
  if (config.body == Body::Stack) return stack(config, stack_convs, input);
  const FeatureMap f0 = conv2d(network.head, input);
  FeatureMap f = f0;
  for (int b = 0; b < config.blocks; ++b) {
    const int first_dqa = b * config.dqas_per_block();
    const auto block = config.body == Body::Plain ? plain_block : rrdb_block;
    f = block(network.blocks[b], first_dqa, y[b], filter_of, f);
  }
  if (config.body == Body::Rrdb) f = plus(conv2d(network.trunk, f), f0);
  return tail_layer(network.tail, config.scale, config.skip, f, input);
}

}  // namespace cdsr::reference
