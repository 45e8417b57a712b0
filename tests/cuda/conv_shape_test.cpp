// What cuDNN is told of a convolution: shapes, strides, slices, weights and factors. A plain loop reads it as
// cuDNN's graph says (conv_graph.cpp) and must give what the own kernel gives from the same memory.
#include "model/cuda/conv_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "model/cuda/pack.h"
#include "tests/cuda/emulate.h"
#include "tests/model/random_values.h"

namespace cdsr::cuda {

template <>
struct ProductType<test::Half> {
  static constexpr bool kBf16 = false;
};
template <>
struct ProductType<test::Bfloat> {
  static constexpr bool kBf16 = true;
};

namespace test {
namespace {

using cdsr::test::random_values;

constexpr int kWidth = 21, kHeight = 18;

template <typename T>
std::vector<T> random_pixels(int pitch, uint32_t seed) {
  std::vector<T> p;
  for (const float v : random_values(static_cast<size_t>(kWidth) * kHeight * pitch, seed)) p.push_back(T(v));
  return p;
}

/// The graph of a call: NHWC with pitches, weights [out][ky][kx][in], one after the other as Builder has
/// them.
template <typename T>
void run_as_told(const ConvCall& call) {
  std::map<ConvTensor, const void*> bound;
  for (const auto& [id, pointer] : call.bindings()) EXPECT_TRUE(bound.emplace(id, pointer).second);
  const ConvGraphShape& s = call.shape;
  const auto* const in = static_cast<const T*>(bound.at(ConvTensor::In));
  const auto* const weights = static_cast<const T*>(bound.at(ConvTensor::Weights));
  const auto* const bias = static_cast<const float*>(bound.at(ConvTensor::Bias));
  auto* const out = static_cast<T*>(const_cast<void*>(bound.at(ConvTensor::Out)));
  const auto factor = [&](ConvTensor id) {
    return bound.contains(id) ? *static_cast<const float*>(bound.at(id)) : 1.0F;
  };
  const auto residual = [&](ConvTensor id, int pitch, int pixel, int o) {
    return bound.contains(id) ? static_cast<float>(static_cast<const T*>(bound.at(id))[pixel * pitch + o])
                              : 0.0F;
  };
  for (int y = 0; y < s.height; ++y)
    for (int x = 0; x < s.width; ++x)
      for (int o = 0; o < s.out; ++o) {
        float sum = 0;
        for (int ky = 0; ky < 3; ++ky)
          for (int kx = 0; kx < 3; ++kx) {
            const int yy = y + ky - 1, xx = x + kx - 1;
            if (yy < 0 || yy >= s.height || xx < 0 || xx >= s.width) continue;
            for (int i = 0; i < s.in; ++i)
              sum += static_cast<float>(in[(yy * s.width + xx) * s.in_pitch + i]) *
                     static_cast<float>(weights[((o * 3 + ky) * 3 + kx) * s.in + i]);
          }
        float v = sum + bias[o];
        if (s.slope != 1) v = v < 0 ? v * s.slope : v;
        v *= factor(ConvTensor::Scale);
        const int pixel = y * s.width + x;
        v += factor(ConvTensor::FirstScale) * residual(ConvTensor::First, s.first_pitch, pixel, o);
        v += residual(ConvTensor::Second, s.second_pitch, pixel, o);
        out[pixel * s.out_pitch + o] = T(v);
      }
}

template <typename T>
class ConvCalls : public testing::Test {
 protected:
  /// 24 -> 24 (stored as 32), or of dense parts.
  ConvArgs<T> args(const std::vector<int>& parts, int out) {
    int in = 0;
    for (const int part : parts) in += part;
    conv_ = {in,
             out,
             3,
             1,
             1,
             random_values(static_cast<size_t>(out) * in * 9, 1),
             random_values(static_cast<size_t>(out), 2)};
    packed_ = pack_weights<T>(conv_, 32, parts);
    plain_ = pack_plain<T>(conv_, parts);
    bias_ = pad_vector(conv_.bias, blocks_of(out, 32) * 32);
    ConvArgs<T> a;
    a.width = kWidth;
    a.height = a.own_end = kHeight;
    a.weights = packed_.data();
    a.weight_rows = blocks_of(out, 32) * 32;
    a.bias = bias_.data();
    a.out_channels = padded(out);
    a.chunks = channel_places(parts).count / kChunk<T>;
    return a;
  }
  /// Both ways into copies of `buffer`, at channel `slice`.
  void compare(ConvArgs<T> a, const std::vector<T>& buffer, int slice) {
    std::vector<T> own = buffer, told = buffer;
    const bool inside = a.in == buffer.data(), first_inside = a.first == buffer.data();
    const auto on = [&](std::vector<T>& memory) {
      ConvArgs<T> b = a;
      if (inside) b.in = memory.data();
      if (first_inside) b.first = memory.data();
      b.out = memory.data() + slice;
      return b;
    };
    run_conv<T, T, 9, 32, false>(on(own));
    const auto call = conv_call(on(told), plain_.data());
    ASSERT_TRUE(call);
    run_as_told<T>(*call);
    double error = 0, power = 0;
    for (size_t i = 0; i < own.size(); ++i) {
      const double d = static_cast<float>(own[i]) - static_cast<float>(told[i]);
      const bool within = static_cast<int>(i % a.out_pitch) - slice >= 0 &&
                          static_cast<int>(i % a.out_pitch) - slice < a.out_channels;
      if (!within) {
        ASSERT_EQ(d, 0) << i;
      }
      error += d * d;
      power += static_cast<double>(static_cast<float>(own[i])) * static_cast<float>(own[i]);
    }
    EXPECT_LE(error, power * (ProductType<T>::kBf16 ? 1e-5 : 1e-7));
  }
  Conv conv_;
  std::vector<T> packed_, plain_;
  std::vector<float> bias_;
};
using Halves = testing::Types<Half, Bfloat>;
TYPED_TEST_SUITE(ConvCalls, Halves);

TYPED_TEST(ConvCalls, PlainWithActivation) {
  using T = TypeParam;
  const auto in = random_pixels<T>(32, 3);
  ConvArgs<T> a = this->args({24}, 24);
  a.in = in.data();
  a.in_pitch = a.out_pitch = 32;
  a.slope = 0.1F;
  this->compare(a, std::vector<T>(in.size(), T(7.0F)), 0);
}

TYPED_TEST(ConvCalls, SliceOfADenseBlocksBuffer) {
  using T = TypeParam;
  const auto buffer = random_pixels<T>(32 + 4 * 16, 4);
  ConvArgs<T> a = this->args({24, 8, 8}, 8);  // stored as 32, 16, 16 -> 16
  a.in = buffer.data();
  a.in_pitch = a.out_pitch = 96;
  a.slope = 0.2F;
  EXPECT_EQ(a.chunks, 4);
  this->compare(a, buffer, 64);
}

TYPED_TEST(ConvCalls, EndOfAnRrdbWithTwoResiduals) {
  using T = TypeParam;
  const auto buffer = random_pixels<T>(96, 5), outer = random_pixels<T>(32, 6);
  ConvArgs<T> a = this->args({24, 8, 8, 8, 8}, 24);
  a.in = a.first = buffer.data();
  a.in_pitch = a.first_pitch = 96;
  a.scale = 0.04F;
  a.first_scale = 0.2F;
  a.second = outer.data();
  a.second_pitch = a.out_pitch = 32;
  a.second_scale = 1;
  this->compare(a, std::vector<T>(outer.size(), T(7.0F)), 0);
}

TYPED_TEST(ConvCalls, ShapeHasWhatTheArgumentsHave) {
  using T = TypeParam;
  const auto buffer = random_pixels<T>(96, 5);
  ConvArgs<T> a = this->args({24, 8}, 24);
  a.in = a.first = buffer.data();
  a.in_pitch = a.first_pitch = a.out_pitch = 96;
  a.slope = 0.1F;
  a.first_scale = 1;
  const auto call = conv_call(a, this->plain_.data());
  ASSERT_TRUE(call);
  ConvGraphShape want;
  want.bf16 = ProductType<T>::kBf16;
  want.width = kWidth;
  want.height = kHeight;
  want.in = 48;
  want.in_pitch = want.out_pitch = want.first_pitch = 96;
  want.out = 32;
  want.slope = 0.1F;
  want.first_scale = 1;
  EXPECT_TRUE(call->shape == want) << call->shape.text();
  EXPECT_EQ(call->bindings().size(), 5U);  // no factor is 1
}

TYPED_TEST(ConvCalls, WhatTheOwnKernelAloneDoes) {
  using T = TypeParam;
  const auto buffer = random_pixels<T>(32, 5);
  ConvArgs<T> good = this->args({24}, 24);
  good.in = buffer.data();
  good.in_pitch = good.out_pitch = 32;
  ASSERT_TRUE(conv_call(good, this->plain_.data()));
  EXPECT_FALSE(conv_call<T>(good, nullptr));
  const auto refused = [&](auto&& change) {
    ConvArgs<T> a = good;
    change(a);
    return !conv_call(a, this->plain_.data());
  };
  std::vector<float> sums(64);
  int flag = 0;
  EXPECT_TRUE(refused([&](auto& a) { a.partials = sums.data(); }));
  EXPECT_TRUE(refused([&](auto& a) { a.not_finite = &flag; }));
  EXPECT_TRUE(refused([&](auto& a) { a.gate = sums.data(); }));
  EXPECT_TRUE(refused([&](auto& a) { a.own_begin = 1; }));
  EXPECT_TRUE(refused([&](auto& a) { a.own_end = kHeight - 1; }));
  EXPECT_TRUE(refused([&](auto& a) { a.scale = 0.2F; }));
  EXPECT_TRUE(refused([&](auto& a) { a.sum_slope = 0.1F; }));
  EXPECT_TRUE(refused([&](auto& a) { a.second = buffer.data(); }));
  ConvArgs<float> wide;
  EXPECT_FALSE(conv_call<float>(wide, nullptr));
}

TEST(ConvCallShapes, HaveKeysOfTheirOwn) {
  ConvGraphShape base;
  base.width = 960;
  base.height = 540;
  base.in = base.in_pitch = base.out = base.out_pitch = 64;
  std::vector<ConvGraphShape> all(14, base);
  all[1].bf16 = true;
  all[2].width = 961;
  all[3].height = 541;
  all[4].in = 32;
  all[5].in_pitch = 192;
  all[6].out = 32;
  all[7].out_pitch = 192;
  all[8].float_out = true;
  all[9].slope = 0.1F;
  all[10].scale = 0.2F;
  all[11].first_pitch = 64;
  all[12].first_scale = 0.2F;
  all[13].second_pitch = 64;
  std::vector<std::string> texts;
  for (const ConvGraphShape& s : all) {
    EXPECT_EQ(std::count(all.begin(), all.end(), s), 1);
    texts.push_back(s.text());
    EXPECT_EQ(texts.back().find('\n'), std::string::npos);
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::unique(texts.begin(), texts.end()), texts.end());
}

}  // namespace
}  // namespace test
}  // namespace cdsr::cuda
