// A dense block in fp8 as the engine runs it, on the processor: scales, factors, the conversion of its input,
// and m16n8k32. Against fp32, and against a plain loop over the same fp8 values.
#include <gtest/gtest.h>

#include <map>

#include "model/cuda/conv_shape.h"
#include "model/cuda/fp8_math.h"
#include "model/cuda/pack.h"
#include "model/reference/reference.h"
#include "tests/cuda/emulate.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"
#include "tests/model/tiny.h"

namespace cdsr::cuda {

template <>
struct ProductType<test::Fp8> {
  static constexpr bool kBf16 = false;
};

namespace test {
namespace {

using cdsr::test::random_values;

constexpr int kWidth = 37, kHeight = 19, kPixels = kWidth * kHeight;  // blocks at both edges are cut
constexpr int kChannels = 64, kGrowth = 32, kPitch = kChannels + 4 * kGrowth;

std::shared_ptr<const Network> network() {
  CdsrConfig config = tiny_config(Body::Rrdb, 2);
  config.nf = kChannels;
  config.gc = kGrowth;
  return random_network(config, 5);
}

TEST(Fp8Format, RoundsToTheNearestCode) {
  for (int code = 0; code < 256; ++code) {
    Fp8 v;
    v.bits = static_cast<uint8_t>(code);
    const auto value = static_cast<float>(v);
    if (code % 128 == 127) {
      EXPECT_TRUE(std::isnan(value));
      continue;
    }
    EXPECT_EQ(Fp8(value).bits, code);
    if (code >= 126) continue;
    Fp8 above;
    above.bits = static_cast<uint8_t>(code + 1);
    const float middle = (value + static_cast<float>(above)) / 2;
    EXPECT_EQ(Fp8(middle).bits, code % 2 == 0 ? code : code + 1);
    EXPECT_EQ(Fp8(std::nextafter(middle, 0.0F)).bits, code);
    EXPECT_EQ(Fp8(std::nextafter(middle, 1e9F)).bits, code + 1);
  }
  EXPECT_EQ(static_cast<float>(Fp8(1e9F)), kFp8Most);
  EXPECT_EQ(static_cast<float>(Fp8(-1e9F)), -kFp8Most);
  EXPECT_TRUE(std::isnan(static_cast<float>(Fp8(NAN))));
}

TEST(Fp8Scale, LeavesHeadroomAndOnlyFalls) {
  for (const float most : {1e-20F, 3e-5F, 0.9F, 1.0F, 55.9F, 56.0F, 56.1F, 7e4F, 1e30F}) {
    const float scale = next_scale(0, most);
    EXPECT_LE(most * scale, kFp8Most / kHeadroom) << most;
    EXPECT_GT(most * scale, kFp8Most / kHeadroom / 2) << most;
    EXPECT_EQ(scale, std::exp2(std::round(std::log2(scale)))) << most;
  }
  EXPECT_EQ(next_scale(4, 1e-3F), 4);
  EXPECT_LT(next_scale(4, 1e3F), 4);
  // Nothing to be learnt from.
  for (const float most : {0.0F, -1.0F, INFINITY, NAN}) {
    EXPECT_EQ(next_scale(0.25F, most), 0.25F);
    EXPECT_EQ(next_scale(0, most), 1);
  }
}

TEST(Fp8Weights, UseTheWholeRange) {
  Conv conv{3, 4, 3, 1, 1, random_values(108, 1), random_values(4, 2)};
  std::fill_n(conv.weight.begin() + 27, 27, 0.0F);  // an output of zeros
  std::vector<float> descale;
  const Conv result = descaled(conv, kFp8Most, descale);
  ASSERT_EQ(descale.size(), 4U);
  for (int o = 0; o < 4; ++o) {
    float most = 0;
    for (int i = 27 * o; i < 27 * (o + 1); ++i) {
      most = std::max(most, std::abs(result.weight[i]));
      EXPECT_NEAR(result.weight[i] * descale[o], conv.weight[i], 1e-6);
    }
    EXPECT_NEAR(most, o == 1 ? 0 : kFp8Most, 1e-3);
  }
  EXPECT_EQ(result.bias, conv.bias);
}

TEST(Fp8Quantize, TellsWhatItDoesNotHold) {
  std::vector<Half> in(size_t{2} * 32, Half(0.0F));
  std::vector<Fp8> out(size_t{2} * 48, Fp8(7.0F));
  for (int i = 0; i < 64; ++i) in[i] = Half(static_cast<float>(i - 32));
  float scale = 4;
  int unused = 0;
  QuantizeArgs<Half, Fp8> a{in.data(), 32, 2, out.data(), 48, &scale, &unused};
  for (int64_t i = 0; i < 4; ++i) EXPECT_TRUE(quantize16(a, i));
  for (int pixel = 0; pixel < 2; ++pixel)
    for (int c = 0; c < 48; ++c) {
      const float want = c < 32 ? static_cast<float>(Fp8(4 * static_cast<float>(in[32 * pixel + c]))) : 7.0F;
      EXPECT_EQ(static_cast<float>(out[48 * pixel + c]), want);
    }
  for (const float bad : {113.0F, -113.0F, INFINITY, -INFINITY, NAN}) {
    in[33] = Half(bad);
    EXPECT_TRUE(quantize16(a, 1));
    EXPECT_FALSE(quantize16(a, 2)) << bad;
  }
  in[33] = Half(112.0F);
  EXPECT_TRUE(quantize16(a, 2));
  scale = 0;  // not known yet
  EXPECT_FALSE(quantize16(a, 2));
}

/// The five layers of a block as DenseFp8 has them.
class Fp8Block : public testing::Test {
 protected:
  Fp8Block() : network_(network()), block_(network_->blocks[0].rdb[1]) {
    x_ = random_values(size_t{kChannels} * kPixels, 8);
    for (float& v : x_) v *= 3;
    map_.assign(size_t{kChannels} * kPixels, Half(0.0F));
    to_pixels({kChannels, kHeight, kWidth, x_.data()}, map_, kChannels);
    want_.resize(x_.size());
    reference::operators({})->dense_block(block_, {kChannels, kHeight, kWidth, x_.data()},
                                          {kChannels, kHeight, kWidth, want_.data()});
    buffer_.assign(size_t{kPitch} * kPixels, Fp8(NAN));
    out_.assign(size_t{kChannels} * kPixels, Half(NAN));
    scale_ = next_scale(0, 1.5F);
  }
  void quantize() {
    int unused = 0;
    const QuantizeArgs<Half, Fp8> a{map_.data(), kChannels, kPixels, buffer_.data(),
                                    kPitch,      &scale_,   &unused};
    for (int64_t i = 0; i < kPixels * kChannels / 16; ++i) ASSERT_TRUE(quantize16(a, i));
  }
  ConvArgs<Fp8> layer(int i) {
    std::vector<int> parts{kChannels};
    for (int j = 0; j < i; ++j) parts.push_back(kGrowth);
    const Conv& conv = block_.conv[i];
    std::vector<float> descale;
    const Conv scaled = descaled(conv, kFp8Most, descale);
    weights_ = pack_weights<Fp8>(scaled, 32, parts);
    plain_ = pack_plain<Fp8>(scaled, parts);
    bias_ = conv.bias;
    factor_ = descale;
    for (float& f : factor_) f /= scale_;
    ConvArgs<Fp8> a;
    a.width = kWidth;
    a.height = a.own_end = kHeight;
    a.in = buffer_.data();
    a.in_pitch = kPitch;
    a.chunks = channel_places(parts).count / kChunk<Fp8>;
    a.weights = weights_.data();
    a.weight_rows = conv.out;
    a.bias = bias_.data();
    a.factor = factor_.data();
    a.out_channels = conv.out;
    if (i < 4) {
      a.out = buffer_.data() + kChannels + ptrdiff_t{i} * kGrowth;
      a.out_pitch = kPitch;
      a.slope = kDenseSlope;
      a.out_scale = &scale_;
    } else {
      a.out = out_.data();
      a.out_pitch = kChannels;
      a.scale = kResidualScale;
      a.first = map_.data();
      a.first_pitch = kChannels;
      a.first_scale = 1;
    }
    return a;
  }
  std::shared_ptr<const Network> network_;
  const DenseBlock& block_;
  std::vector<float> x_, want_, bias_, factor_;
  std::vector<Half> map_, out_;
  std::vector<Fp8> buffer_, weights_, plain_;
  float scale_ = 0;
};

TEST_F(Fp8Block, IsTheBlockButForRounding) {
  quantize();
  for (int i = 0; i < 4; ++i) run_conv<Fp8, Fp8, 9, 32, false>(layer(i));
  run_conv<Fp8, Half, 9, 32, false>(layer(4));
  // What the block adds to its input, which itself stays fp16.
  std::vector<float> added = from_pixels(out_, kChannels, kChannels), wanted = want_;
  for (size_t i = 0; i < added.size(); ++i) {
    added[i] -= x_[i];
    wanted[i] -= x_[i];
  }
  const double error = normalized_error(added, wanted);
  RecordProperty("normalized_error_of_what_is_added", std::to_string(error));
  EXPECT_LE(error, 4e-3);
  EXPECT_GE(error, 1e-5);  // fp8 it was
  EXPECT_LE(normalized_error(from_pixels(out_, kChannels, kChannels), want_), 1e-4);
}

// The graph of conv_graph.cpp, read by a plain loop, from the same memory: fp8 to fp8, and to fp16.
TEST_F(Fp8Block, IsWhatCudnnIsTold) {
  quantize();
  for (const int i : {0, 1, 4}) {
    for (int j = 0; j < i && i == 4; ++j) run_conv<Fp8, Fp8, 9, 32, false>(layer(j));
    const ConvArgs<Fp8> a = layer(i);
    const auto call = i < 4 ? conv_call<Fp8, Fp8>(a, plain_.data()) : conv_call<Fp8, Half>(a, plain_.data());
    ASSERT_TRUE(call);
    const ConvGraphShape& s = call->shape;
    EXPECT_TRUE(s.fp8);
    EXPECT_EQ(s.fp8_out, i < 4);
    EXPECT_EQ(s.text().substr(0, 4), "fp8 ");
    std::map<ConvTensor, const void*> bound;
    for (const auto& [id, pointer] : call->bindings()) EXPECT_TRUE(bound.emplace(id, pointer).second);
    EXPECT_EQ(bound.contains(ConvTensor::OutScale), i < 4);
    const auto* const in = static_cast<const Fp8*>(bound.at(ConvTensor::In));
    const auto* const weights = static_cast<const Fp8*>(bound.at(ConvTensor::Weights));
    const auto* const bias = static_cast<const float*>(bound.at(ConvTensor::Bias));
    const auto* const factor = static_cast<const float*>(bound.at(ConvTensor::Factor));
    std::vector<float> told;
    for (int y = 0; y < s.height; ++y)
      for (int x = 0; x < s.width; ++x)
        for (int o = 0; o < s.out; ++o) {
          float sum = 0;
          for (int t = 0; t < 9; ++t) {
            const int yy = y + t / 3 - 1, xx = x + t % 3 - 1;
            if (yy < 0 || yy >= s.height || xx < 0 || xx >= s.width) continue;
            for (int c = 0; c < s.in; ++c)
              sum += static_cast<float>(in[(yy * s.width + xx) * s.in_pitch + c]) *
                     static_cast<float>(weights[(o * 9 + t) * s.in + c]);
          }
          float v = sum * factor[o] + bias[o];
          if (s.slope != 1 && v < 0) v *= s.slope;
          if (s.scale != 1) v *= *static_cast<const float*>(bound.at(ConvTensor::Scale));
          if (s.first_pitch > 0)
            v += static_cast<float>(
                static_cast<const Half*>(bound.at(ConvTensor::First))[(y * s.width + x) * s.first_pitch + o]);
          if (s.fp8_out)
            v = static_cast<float>(Fp8(v * *static_cast<const float*>(bound.at(ConvTensor::OutScale))));
          told.push_back(v);
        }
    if (i < 4)
      run_conv<Fp8, Fp8, 9, 32, false>(a);
    else
      run_conv<Fp8, Half, 9, 32, false>(a);
    std::vector<float> own;
    for (int p = 0; p < kPixels; ++p)
      for (int o = 0; o < s.out; ++o)
        own.push_back(i < 4 ? static_cast<float>(buffer_[p * kPitch + kChannels + i * kGrowth + o])
                            : static_cast<float>(out_[p * kChannels + o]));
    EXPECT_LE(normalized_error(own, told), i < 4 ? 1e-5 : 1e-6) << i;
  }
}

}  // namespace
}  // namespace test
}  // namespace cdsr::cuda
