#include "model/cpu/quantized.h"

#include <algorithm>
#include <cmath>

#include "model/cpu/int8.h"
#include "model/cpu/packed.h"

namespace cdsr::cpu {
namespace {

constexpr float kMostWeight = 127, kMostFeature = 255;

/// Whole numbers as bytes.
Buffer bytes(const std::vector<float>& values) {
  Buffer buffer(values.size());
  std::transform(values.begin(), values.end(), buffer.as<uint8_t>(),
                 [](float v) { return static_cast<uint8_t>(v); });
  return buffer;
}

}  // namespace

Quantization quantization(const Network& network, int layer) {
  const int nf = network.config.nf;
  const size_t first = static_cast<size_t>(layer) * nf;
  Quantization q{std::vector<float>(padded_channels(nf), 1.0F),
                 std::vector<float>(padded_channels(nf), 0.0F)};
  for (int c = 0; c < nf; ++c) {
    const float low = network.ranges.low[first + c], high = network.ranges.high[first + c];
    if (high - low <= 0) continue;  // always 0
    q.unit[c] = (high - low) / kMostFeature;
    q.zero[c] = std::round(-low / q.unit[c]);
  }
  return q;
}

QuantizedConv::QuantizedConv(const PackedConv& conv, const Quantization* in, const Quantization* out,
                             const Quantization* add)
    : in_(in),
      out_(out),
      add_(add),
      tail_(out == nullptr && conv.outputs() <= kInt8TailOutputs),
      weights_(tail_ ? size_t{3} * conv.in() * kInt8TailLanes
                     : size_t{9} * conv.in() * conv.out() * (in == nullptr ? sizeof(float) : 1)),
      factor_(conv.out() * sizeof(float)),
      bias_(conv.out() * sizeof(float)),
      add_factor_(conv.out() * sizeof(float)) {
  if (in != nullptr) beside_ = bytes(in->zero);
  if (out != nullptr) zero_ = bytes(out->zero);
  store(conv);
}

void QuantizedConv::store(const PackedConv& conv) {
  if (in_ == nullptr) return store_head(conv);
  const int in = conv.in(), out = conv.out();
  // Where output o's weight for tap t of channel c is.
  const auto place = [&](int t, int c, int o) {
    const int row = tail_ ? t / 3 : t, lanes = tail_ ? kInt8TailLanes : out;
    const int lane = tail_ ? t % 3 * kInt8TailOutputs + o : o;
    return ((static_cast<size_t>(row) * in + c) / 4 * lanes + lane) * 4 + c % 4;
  };
  for (int o = 0; o < (tail_ ? kInt8TailOutputs : out); ++o) {
    const float* const plain = &conv.plain()[static_cast<size_t>(o) * in * 9];
    float most = 0;
    for (int i = 0; i < 9 * in; ++i) most = std::max(most, std::abs(plain[i] * in_->unit[i / 9]));
    const float step = most > 0 ? most / kMostWeight : 1;
    double of_zero = 0;  // the sum where all features are 0
    for (int t = 0; t < 9; ++t)
      for (int c = 0; c < in; ++c) {
        const float w = std::round(plain[9 * c + t] * in_->unit[c] / step);
        weights_.as<int8_t>()[place(t, c, o)] = static_cast<int8_t>(w);
        of_zero += static_cast<double>(w) * in_->zero[c];
      }
    const float per_unit = out_ == nullptr ? 1 : 1 / out_->unit[o];
    double bias = conv.bias()[o] - step * of_zero;
    if (add_ != nullptr) bias -= static_cast<double>(add_->unit[o]) * add_->zero[o];
    factor_.as<float>()[o] = step * per_unit;
    bias_.as<float>()[o] = static_cast<float>(bias * per_unit);
    add_factor_.as<float>()[o] = add_ == nullptr ? 0 : add_->unit[o] * per_unit;
  }
}

void QuantizedConv::store_head(const PackedConv& conv) {
  const int out = conv.out();
  pack_head(conv, {weights_.as<float>(), size_t{9} * conv.in() * out});
  for (int o = 0; o < out; ++o) {
    const float per_unit = 1 / out_->unit[o];
    bias_.as<float>()[o] = conv.bias()[o] * per_unit;
    for (int i = 0; i < 9 * conv.in(); ++i)
      weights_.as<float>()[static_cast<size_t>(i) * out + o] *= per_unit;
  }
}

}  // namespace cdsr::cpu
