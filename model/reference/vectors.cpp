#include "model/reference/vectors.h"

#include <algorithm>
#include <cmath>

#include "model/reference/layers.h"

namespace cdsr::reference {
namespace {

void leaky(std::vector<float>& v, float slope) {
  for (float& x : v) x = x < 0 ? slope * x : x;
}

void sigmoid(std::vector<float>& v) {
  for (float& x : v) x = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x))));
}

/// softmax(scores) as weights of `values`, `stride` apart: sum over j of softmax_j * values[j * stride].
double attend(const std::vector<double>& scores, const float* values, size_t stride) {
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0, weighted = 0;
  for (size_t j = 0; j < scores.size(); ++j) {
    const double e = std::exp(scores[j] - top);
    sum += e;
    weighted += e * values[j * stride];
  }
  return weighted / sum;
}

std::vector<float> mean_of(const std::vector<std::vector<float>>& vectors) {
  std::vector<float> mean(vectors.front().size());
  for (size_t i = 0; i < mean.size(); ++i) {
    double sum = 0;
    for (const std::vector<float>& v : vectors) sum += v[i];
    mean[i] = static_cast<float>(sum / static_cast<double>(vectors.size()));
  }
  return mean;
}

/// E' = compress(E_a).
std::vector<float> compressed(const Network& network, std::span<const float> embedding) {
  std::vector<float> e(embedding.begin(), embedding.end());
  for (int i = 0; i < 4; ++i) {
    e = linear(network.compress[i], e);
    leaky(e, network.compress_slope[i]);
  }
  return e;
}

}  // namespace

std::vector<float> embedding(const Network& network, const std::vector<std::vector<float>>& windows) {
  const Encoder& encoder = network.encoder;
  const auto mlp = [&](const std::vector<float>& features) {
    std::vector<float> f = linear(encoder.mlp0, features);
    leaky(f, kEncoderSlope);
    return linear(encoder.mlp1, f);
  };
  std::vector<float> f;
  if (network.config.lpe_input == LpeInput::Statistics) {
    std::vector<std::vector<float>> mixed;
    for (const std::vector<float>& w : windows) {
      mixed.push_back(mlp(w));
      leaky(mixed.back(), kEncoderSlope);
    }
    f = mean_of(mixed);
  } else {
    f = mlp(mean_of(windows));
  }
  const std::vector<float> q = linear(encoder.query, f);
  const std::vector<float> scores = linear(encoder.keys, q);  // one a codebook entry
  const std::vector<double> s(scores.begin(), scores.end());
  const size_t d = q.size();
  std::vector<float> e(d);
  for (size_t i = 0; i < d; ++i) e[i] = static_cast<float>(attend(s, &encoder.codebook[i], d));
  return e;
}

std::vector<Conv> mixed_convs(const Network& network, std::span<const float> embedding, float sharpness) {
  std::vector<Conv> out;
  for (const Conv* conv : stack_convs(network)) out.push_back(*conv);
  if (network.experts.empty()) return out;
  const std::vector<float> code = compressed(network, embedding);
  for (size_t i = 0; i < out.size(); ++i) {
    const Experts& experts = network.experts[i];
    const std::vector<float> scores = linear(experts.mixing, code);
    const std::vector<double> s(scores.begin(), scores.end());
    const size_t weights = out[i].weight.size(), biases = out[i].bias.size();
    const auto sharp = [&](const std::vector<float>& set, size_t k) {
      return set.empty() ? 0.0 : static_cast<double>(sharpness) * set[k];
    };
    for (size_t k = 0; k < weights; ++k)
      out[i].weight[k] =
          static_cast<float>(attend(s, &experts.weight[k], weights) + sharp(experts.sharp_weight, k));
    for (size_t k = 0; k < biases; ++k)
      out[i].bias[k] = static_cast<float>(attend(s, &experts.bias[k], biases) + sharp(experts.sharp_bias, k));
  }
  return out;
}

std::vector<std::vector<float>> conditioning(const Network& network, std::span<const float> embedding) {
  if (network.config.dqas() == 0) return {};
  const std::vector<float> e = compressed(network, embedding);
  std::vector<std::vector<float>> all;
  for (const Block& block : network.blocks) {
    std::vector<float> y = linear(block.modulation0, e);
    leaky(y, block.modulation_slope);
    y = linear(block.modulation1, y);
    sigmoid(y);
    all.push_back(std::move(y));
  }
  return all;
}

std::vector<float> gate(const Dqa& dqa, std::span<const float> y) {
  std::vector<float> s = linear(dqa.gate0, y);
  leaky(s, kFuseSlope);
  s = linear(dqa.gate1, s);
  sigmoid(s);
  return s;
}

std::vector<float> dynamic_filter(const Dqa& dqa, std::span<const float> y, std::span<const float> mean) {
  const std::vector<float> q = linear(dqa.query, mean), k = linear(dqa.key, y), v = linear(dqa.value, y);
  std::vector<float> e(q.size());
  for (size_t i = 0; i < q.size(); ++i) {
    std::vector<double> scores(k.size());
    for (size_t j = 0; j < k.size(); ++j) scores[j] = static_cast<double>(q[i]) * k[j];
    e[i] = static_cast<float>(dqa.gamma * attend(scores, v.data(), 1) + y[i]);
  }
  e = linear(dqa.kernel0, e);
  leaky(e, kFuseSlope);
  return linear(dqa.kernel1, e);
}

}  // namespace cdsr::reference
