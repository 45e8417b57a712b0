#include "model/vectors.h"

#include <algorithm>
#include <cmath>

#include "model/error.h"

namespace cdsr {
namespace {

constexpr int kMostFeatures = 256;  // nf, see CdsrConfig

/// Sixteen partial sums: a fixed order that compilers can put into vectors.
float dot(const float* a, const float* b, int n) {
  float sums[16] = {};
  int i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; ++l) sums[l] += a[i + l] * b[i + l];
  for (; i < n; ++i) sums[i % 16] += a[i] * b[i];
  float total = 0;
  for (float s : sums) total += s;
  return total;
}

void linear(const Linear& layer, const float* x, float* y) {
  for (int o = 0; o < layer.out; ++o)
    y[o] = dot(&layer.weight[static_cast<size_t>(o) * layer.in], x, layer.in) +
           (layer.bias.empty() ? 0.0F : layer.bias[o]);
}

void leaky(float* v, int n, float slope) {
  for (int i = 0; i < n; ++i) v[i] = v[i] < 0 ? slope * v[i] : v[i];
}

void sigmoid(float* v, int n) {
  for (int i = 0; i < n; ++i) v[i] = 1.0F / (1.0F + std::exp(-v[i]));
}

}  // namespace

Csc::Csc(const Network& network)
    : encoder_(network.encoder),
      each_(network.config.lpe_input == LpeInput::Statistics),
      mean_(each_ ? encoder_.mlp1.out : encoder_.mlp0.in),
      a_(encoder_.query.in),
      b_(encoder_.query.in),
      scores_(encoder_.keys.out),
      sums_(mean_.size()) {}

void Csc::mlp(const float* features, float* out) {
  linear(encoder_.mlp0, features, a_.data());
  leaky(a_.data(), encoder_.mlp0.out, kEncoderSlope);
  linear(encoder_.mlp1, a_.data(), out);
}

void Csc::run(std::span<const float> windows, std::span<float> embedding) {
  const int d = encoder_.query.out, entries = encoder_.keys.out, features = encoder_.mlp0.in;
  const size_t count = windows.size() / features;
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (size_t w = 0; w < count; ++w) {
    const float* values = &windows[w * features];
    if (each_) {
      mlp(values, b_.data());
      leaky(b_.data(), encoder_.mlp1.out, kEncoderSlope);
      values = b_.data();
    }
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += values[i];
  }
  for (size_t i = 0; i < sums_.size(); ++i)
    mean_[i] = static_cast<float>(sums_[i] / static_cast<double>(count));
  if (each_)
    std::copy(mean_.begin(), mean_.end(), b_.begin());
  else
    mlp(mean_.data(), b_.data());
  linear(encoder_.query, b_.data(), a_.data());
  linear(encoder_.keys, a_.data(), scores_.data());
  const float top = *std::max_element(scores_.begin(), scores_.end());
  float sum = 0;
  for (float& s : scores_) sum += s = std::exp(s - top);
  std::fill(embedding.begin(), embedding.end(), 0.0F);
  for (int j = 0; j < entries; ++j) {
    const float weight = scores_[j] / sum;
    const float* entry = &encoder_.codebook[static_cast<size_t>(j) * d];
    for (int i = 0; i < d; ++i) embedding[i] += weight * entry[i];
  }
}

void condition_dqa(const Dqa& dqa, std::span<const float> y, DqaCondition& condition) {
  std::copy(y.begin(), y.end(), condition.y.begin());
  linear(dqa.key, y.data(), condition.key.data());
  linear(dqa.value, y.data(), condition.value.data());
  float hidden[kMostFeatures];
  linear(dqa.gate0, y.data(), hidden);
  leaky(hidden, dqa.gate0.out, kFuseSlope);
  linear(dqa.gate1, hidden, condition.gate.data());
  sigmoid(condition.gate.data(), dqa.gate1.out);
}

void filter_dqa(const Dqa& dqa, const DqaCondition& condition, std::span<const float> query,
                std::span<float> filter) {
  const int nf = dqa.query.out;
  float q[kMostFeatures] = {}, e[kMostFeatures] = {};
  linear(dqa.query, query.data(), q);
  const auto [low, high] = std::minmax_element(condition.key.begin(), condition.key.end());
  for (int i = 0; i < nf; ++i) {
    const float top = std::max(q[i] * *low, q[i] * *high);
    float sum = 0, weighted = 0;
    for (int j = 0; j < nf; ++j) {
      const float s = std::exp(q[i] * condition.key[j] - top);
      sum += s;
      weighted += s * condition.value[j];
    }
    e[i] = dqa.gamma * weighted / sum + condition.y[i];
  }
  linear(dqa.kernel0, e, q);
  leaky(q, nf, kFuseSlope);
  linear(dqa.kernel1, q, filter.data());
}

Conditioner::Conditioner(const Network& network, bool mixes)
    : network_(network),
      a_(network.config.embedding()),
      b_(network.config.embedding()),
      dqas_(network.config.dqas(), DqaCondition(network.config.nf)),
      shares_(network.experts.size() * network.config.weight_sets()) {
  if (network.experts.empty() || !mixes) return;
  for (const Conv* conv : stack_convs(network)) convs_.push_back(*conv);
}

const Dqa& Conditioner::dqa(int index) const {
  const int per_block = network_.config.dqas_per_block();
  if (per_block == 0) fail(Errc::Internal, "a DQA of a network without any");
  return network_.blocks[index / per_block].dqa[index % per_block];
}

void Conditioner::condition(std::span<const float> embedding, float sharpness) {
  const int d = network_.config.embedding(), nf = network_.config.nf,
            per_block = network_.config.dqas_per_block();
  std::copy(embedding.begin(), embedding.end(), b_.begin());
  for (int i = 0; i < 4; ++i) {
    linear(network_.compress[i], b_.data(), a_.data());
    leaky(a_.data(), d, network_.compress_slope[i]);
    std::copy_n(a_.begin(), d, b_.begin());
  }
  for (size_t i = 0; i < network_.experts.size(); ++i) {
    float* const shares = &shares_[i * network_.config.weight_sets()];
    share(network_.experts[i], shares);
    if (network_.config.sharp) shares[network_.config.experts] = sharpness;
    if (!convs_.empty()) mix(network_.experts[i], shares, convs_[i]);
  }
  if (dqas_.empty()) return;
  float y[kMostFeatures];
  for (int b = 0; b < network_.config.blocks; ++b) {
    const Block& block = network_.blocks[b];
    linear(block.modulation0, b_.data(), a_.data());
    leaky(a_.data(), d, block.modulation_slope);
    linear(block.modulation1, a_.data(), y);
    sigmoid(y, nf);
    for (int i = b * per_block; i < (b + 1) * per_block; ++i)
      condition_dqa(dqa(i), {y, static_cast<size_t>(nf)}, dqas_[i]);
  }
}

void Conditioner::share(const Experts& experts, float* shares) const {
  const int count = experts.mixing.out;
  linear(experts.mixing, b_.data(), shares);
  const float top = *std::max_element(shares, shares + count);
  float sum = 0;
  for (int k = 0; k < count; ++k) sum += shares[k] = std::exp(shares[k] - top);
  for (int k = 0; k < count; ++k) shares[k] /= sum;
}

void Conditioner::mix(const Experts& experts, const float* shares, Conv& conv) {
  const auto weigh = [&](const std::vector<float>& sets, const std::vector<float>& sharp,
                         std::vector<float>& out) {
    const auto add = [&out](float share, const float* set) {
      for (size_t i = 0; i < out.size(); ++i) out[i] += share * set[i];
    };
    const int count = experts.mixing.out;
    std::fill(out.begin(), out.end(), 0.0F);
    for (int k = 0; k < count; ++k) add(shares[k], &sets[k * out.size()]);
    if (!sharp.empty() && shares[count] != 0) add(shares[count], sharp.data());
  };
  weigh(experts.weight, experts.sharp_weight, conv.weight);
  weigh(experts.bias, experts.sharp_bias, conv.bias);
}

void Conditioner::filter(int index, std::span<const float> query, std::span<float> filter) const {
  filter_dqa(dqa(index), dqas_[index], query, filter);
}

}  // namespace cdsr
