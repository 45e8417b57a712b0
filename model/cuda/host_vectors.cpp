#include "model/cuda/host_vectors.h"

#include <algorithm>
#include <cmath>

namespace cdsr::cuda {
namespace {

void linear(const Linear& layer, const float* x, float* y) {
  for (int o = 0; o < layer.out; ++o) {
    double sum = layer.bias.empty() ? 0.0 : layer.bias[o];
    const float* const row = &layer.weight[static_cast<size_t>(o) * layer.in];
    for (int i = 0; i < layer.in; ++i) sum += static_cast<double>(row[i]) * x[i];
    y[o] = static_cast<float>(sum);
  }
}

void leaky(std::vector<float>& v, int count, float slope) {
  for (int i = 0; i < count; ++i) v[i] = v[i] < 0 ? slope * v[i] : v[i];
}

float sigmoid(float x) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x)))); }

}  // namespace

HostCsc::HostCsc(const Encoder& encoder)
    : encoder_(encoder), a_(encoder.query.in), b_(encoder.query.in), scores_(encoder.keys.out) {}

void HostCsc::run(std::span<const float> pooled, std::span<float> embedding) {
  const int d = encoder_.query.out;
  linear(encoder_.mlp0, pooled.data(), a_.data());
  leaky(a_, d, kEncoderSlope);
  linear(encoder_.mlp1, a_.data(), b_.data());
  linear(encoder_.query, b_.data(), a_.data());
  linear(encoder_.keys, a_.data(), scores_.data());
  const float top = *std::max_element(scores_.begin(), scores_.end());
  double sum = 0;
  for (float& s : scores_) sum += s = std::exp(s - top);
  for (int i = 0; i < d; ++i) {
    double value = 0;
    for (size_t j = 0; j < scores_.size(); ++j)
      value += static_cast<double>(scores_[j]) * encoder_.codebook[j * d + i];
    embedding[i] = static_cast<float>(value / sum);
  }
}

HostConditioner::HostConditioner(const Network& network, int channels)
    : network_(network),
      channels_(channels),
      a_(network.config.embedding() + network.config.nf),
      b_(network.config.embedding()),
      y_(network.config.nf) {}

void HostConditioner::run(std::span<const float> embedding, std::span<float> result) {
  const CdsrConfig& c = network_.config;
  const int d = c.embedding(), nf = c.nf;
  std::copy(embedding.begin(), embedding.end(), b_.begin());
  for (int i = 0; i < 4; ++i) {
    linear(network_.compress[i], b_.data(), a_.data());
    leaky(a_, d, network_.compress_slope[i]);
    std::copy_n(a_.begin(), d, b_.begin());
  }
  std::fill(result.begin(), result.end(), 0.0F);
  float* out = result.data();
  for (const Block& block : network_.blocks) {
    linear(block.modulation0, b_.data(), a_.data());
    leaky(a_, d, block.modulation_slope);
    linear(block.modulation1, a_.data(), y_.data());
    for (float& y : y_) y = sigmoid(y);
    for (int i = 0; i < c.dqas_per_block(); ++i, out += stride()) {
      const Dqa& dqa = block.dqa[i];
      linear(dqa.gate0, y_.data(), a_.data());
      leaky(a_, dqa.gate0.out, kFuseSlope);
      linear(dqa.gate1, a_.data(), out);
      for (int n = 0; n < nf; ++n) out[n] = sigmoid(out[n]);
      linear(dqa.key, y_.data(), out + channels_);
      linear(dqa.value, y_.data(), out + channels_ + nf);
      std::copy_n(y_.begin(), nf, out + channels_ + ptrdiff_t{2} * nf);
    }
  }
}

}  // namespace cdsr::cuda
