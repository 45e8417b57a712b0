// The kernels' arithmetic, index and stride logic on the processor, against the reference backend.
//
// Bounds are those of tests/conformance/operators.cpp: normalized errors, fp32 1e-11, bf16 3e-5; fp16 rounds
// eight times finer, 64 times in power.
#include <gtest/gtest.h>

#include "model/cuda/pack.h"
#include "model/cuda/pixel_math.h"
#include "model/reference/reference.h"
#include "tests/cuda/emulate.h"
#include "tests/cuda/head_emulate.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"
#include "tests/model/tiny.h"

namespace cdsr::cuda::test {
namespace {

using cdsr::test::random_values;

constexpr int kWidth = 37, kHeight = 19;  // blocks at both edges are cut

std::shared_ptr<const Network> network() {
  CdsrConfig config = tiny_config(Body::Rrdb, 2);
  config.nf = 24;  // stored as 32: padding counts
  config.gc = 8;   // stored as 16
  return random_network(config, 5);
}

template <typename T>
constexpr double kBound = sizeof(T) == 4            ? 1e-11
                          : std::is_same_v<T, Half> ? 1e-6
                                                    : 3e-5;

template <typename T>
class Kernels : public testing::Test {
 protected:
  ConstMap map(const std::vector<float>& values, int channels) const {
    return {channels, kHeight, kWidth, values.data()};
  }
  static std::vector<float> input(int channels, uint32_t seed) {
    return random_values(static_cast<size_t>(channels) * kWidth * kHeight, seed);
  }
  std::vector<T> pixels(const std::vector<float>& values, int channels, int pitch, int first = 0) const {
    std::vector<T> p(static_cast<size_t>(kWidth) * kHeight * pitch, T(0.0F));
    to_pixels(map(values, channels), p, pitch, first);
    return p;
  }
  /// Arguments of a convolution of `conv` from pixels of `pitch`.
  ConvArgs<T> args(const Conv& conv, const std::vector<T>& in, int pitch, int group,
                   std::vector<int> parts = {}) {
    ConvArgs<T> a;
    a.width = kWidth;
    a.height = a.own_end = a.sum_end = kHeight;
    weights_ = pack_weights<T>(conv, group, parts);
    a.weight_rows = blocks_of(conv.out, group) * group;
    bias_ = pad_vector(conv.bias, a.weight_rows);
    a.in = in.data();
    a.in_pitch = pitch;
    a.weights = weights_.data();
    a.bias = bias_.data();
    a.out_channels = padded(conv.out);
    a.chunks = 0;
    if (parts.empty()) parts = {conv.in};
    for (int part : parts) a.chunks += padded(part) / kChunk<T>;
    return a;
  }
  std::unique_ptr<Operators> reference_ = reference::operators({});
  std::shared_ptr<const Network> network_ = network();
  std::vector<T> weights_;
  std::vector<float> bias_;
};

using Types = testing::Types<float, Half, Bfloat>;
TYPED_TEST_SUITE(Kernels, Types);

TYPED_TEST(Kernels, ConvolutionWithResidualsIntoASlice) {
  using T = TypeParam;
  const Conv& conv = this->network_->trunk;
  const auto x = this->input(24, 1), r = this->input(24, 2);
  const auto in = this->pixels(x, 24, 48, 0), residual = this->pixels(r, 24, 32);
  ConvArgs<T> a = this->args(conv, in, 48, 32);
  std::vector<T> out(static_cast<size_t>(kWidth) * kHeight * 80, T(7.0F));
  std::vector<float> partials(size_t{3} * 2 * 32, -1.0F);
  a.out = out.data() + 16;
  a.out_pitch = 80;
  a.slope = 0.1F;
  a.first = residual.data();
  a.first_pitch = 32;
  a.first_scale = 1;
  a.second = in.data();
  a.second_pitch = 48;
  a.second_scale = 0.5F;
  a.partials = partials.data();
  run_conv<T, T, 9, 32, false>(a);

  std::vector<float> want(x.size());
  const ConstMap rm = this->map(r, 24);
  this->reference_->conv(conv, 0.1F, this->map(x, 24), &rm, {24, kHeight, kWidth, want.data()});
  for (size_t i = 0; i < want.size(); ++i) want[i] += 0.5F * x[i];
  EXPECT_LE(normalized_error(from_pixels(out, 80, 24, 16), want), kBound<T>);
  for (size_t i = 0; i < out.size(); ++i) {  // padding is zero, what is beside the slice is untouched
    if (i % 80 < 40 && i % 80 >= 16) continue;
    ASSERT_EQ(static_cast<float>(out[i]), i % 80 >= 40 && i % 80 < 48 ? 0.0F : 7.0F);
  }
  for (int c = 0; c < 32; ++c) {
    double sum = 0;
    for (int i = 0; i < kWidth * kHeight; ++i)
      sum += static_cast<float>(out[static_cast<size_t>(i) * 80 + 16 + c]);
    EXPECT_NEAR(fold(partials.data(), 6, 32, c, 0, 1), sum, 1e-3);
  }
}

TYPED_TEST(Kernels, WideGroups) {
  using T = TypeParam;
  if constexpr (sizeof(T) == 2) {  // floats go in groups of 32
    Conv conv{24, 70, 3, 1, 1, random_values(size_t{70} * 24 * 9, 3), random_values(70, 4)};
    const auto x = this->input(24, 5);
    const auto in = this->pixels(x, 24, 32);
    ConvArgs<T> a = this->args(conv, in, 32, 64);
    std::vector<float> out(static_cast<size_t>(kWidth) * kHeight * 80),
        want(static_cast<size_t>(kWidth) * kHeight * 70);
    a.out = out.data();
    a.out_pitch = 80;
    run_conv<T, float, 9, 64, false>(a);
    this->reference_->conv(conv, 1, this->map(x, 24), nullptr, {70, kHeight, kWidth, want.data()});
    EXPECT_LE(normalized_error(from_pixels(out, 80, 70), want), kBound<T>);
  }
}

TYPED_TEST(Kernels, DqaInOnePass) {
  using T = TypeParam;
  const Dqa& dqa = this->network_->blocks[1].dqa[1];
  const auto x = this->input(24, 3), gate = random_values(24, 4), filter = random_values(size_t{24} * 9, 5);
  const auto in = this->pixels(x, 24, 32);
  ConvArgs<T> a = this->args(dqa.conv, in, 32, 32);
  std::vector<float> taps(size_t{9} * 32, 0.0F), padded_gate = pad_vector(gate, 32), want(x.size());
  for (int c = 0; c < 24; ++c)
    for (int t = 0; t < 9; ++t) taps[t * 32 + c] = filter[9 * c + t];
  std::vector<T> out(in.size(), T(7.0F));
  a.out = out.data();
  a.out_pitch = 32;
  a.slope = kFuseSlope;
  a.filter = taps.data();
  a.gate = padded_gate.data();
  run_conv<T, T, 1, 32, true>(a, kFuseSlope);
  this->reference_->dqa(dqa, gate, filter, this->map(x, 24), {24, kHeight, kWidth, want.data()});
  EXPECT_LE(normalized_error(from_pixels(out, 32, 24), want), kBound<T>);
}

TYPED_TEST(Kernels, DenseBlockInOneBuffer) {
  using T = TypeParam;
  const DenseBlock& block = this->network_->blocks[0].rdb[1];
  constexpr int kPitch = 32 + 4 * 16;
  const auto x = this->input(24, 8);
  std::vector<T> buffer = this->pixels(x, 24, kPitch), out(static_cast<size_t>(kWidth) * kHeight * 32);
  for (int i = 0; i < 5; ++i) {
    std::vector<int> parts{24};
    for (int j = 0; j < i; ++j) parts.push_back(8);
    ConvArgs<T> a = this->args(block.conv[i], buffer, kPitch, 32, parts);
    a.out = i < 4 ? buffer.data() + 32 + 16 * i : out.data();
    a.out_pitch = i < 4 ? kPitch : 32;
    if (i < 4) {
      a.slope = kDenseSlope;
    } else {
      a.scale = kResidualScale;
      a.first = buffer.data();
      a.first_pitch = kPitch;
      a.first_scale = 1;
    }
    run_conv<T, T, 9, 32, false>(a);
  }
  std::vector<float> want(x.size());
  this->reference_->dense_block(block, this->map(x, 24), {24, kHeight, kWidth, want.data()});
  EXPECT_LE(normalized_error(from_pixels(out, 32, 24), want), kBound<T>);
}

TYPED_TEST(Kernels, BandsKeepToTheirRows) {
  using T = TypeParam;
  const Conv& conv = this->network_->trunk;
  const auto x = this->input(24, 1);
  const auto in = this->pixels(x, 24, 32);
  ConvArgs<T> a = this->args(conv, in, 32, 32);
  std::vector<T> whole(in.size()), part(in.size(), T(7.0F));
  a.out_pitch = 32;
  a.out = whole.data();
  run_conv<T, T, 9, 32, false>(a);
  a.out = part.data();
  a.own_begin = 3;
  a.own_end = 17;
  a.sum_begin = 5;
  a.sum_end = 16;
  std::vector<float> partials(size_t{3} * 2 * 32);
  a.partials = partials.data();
  run_conv<T, T, 9, 32, false>(a);
  double sum = 0;
  for (int y = 5; y < 16; ++y)
    for (int i = 0; i < kWidth; ++i)
      sum += static_cast<float>(whole[(static_cast<size_t>(y) * kWidth + i) * 32 + 5]);
  EXPECT_NEAR(fold(partials.data(), 6, 32, 5, 0, 1), sum, 1e-3);
  for (int y = 0; y < kHeight; ++y) {
    const size_t at = static_cast<size_t>(y) * kWidth * 32 + 5;
    EXPECT_EQ(static_cast<float>(part[at]), y >= 3 && y < 17 ? static_cast<float>(whole[at]) : 7.0F);
  }
}

TEST(KernelVectors, FiltersOfADqa) {
  const auto net = network();
  const Dqa& dqa = net->blocks[0].dqa[1];
  const auto y = random_values(24, 6), mean = random_values(24, 7);
  std::vector<float> gate(24), want(size_t{24} * 9);
  reference::operators({})->dqa_vectors(dqa, y, mean, gate, want);

  const auto query = transposed(dqa.query), kernel0 = transposed(dqa.kernel0),
             kernel1 = transposed(dqa.kernel1);
  const auto key_weight = transposed(dqa.key), value_weight = transposed(dqa.value);
  std::vector<float> key(24), value(24), filter(size_t{9} * 32, 0.0F), mean_out(24), partials(size_t{3} * 32);
  for (int i = 0; i < 24; ++i) {
    key[i] = linear_value(key_weight.data(), dqa.key.bias.data(), y.data(), 24, 24, i);
    value[i] = linear_value(value_weight.data(), dqa.value.bias.data(), y.data(), 24, 24, i);
    for (int p = 0; p < 3; ++p) partials[p * 32 + i] = mean[i] * static_cast<float>(p + 1);  // six in all
  }
  DqaArgs d;
  d.nf = 24;
  d.channels = 32;
  d.gamma = dqa.gamma;
  d.query_weight = query.data();
  d.query_bias = dqa.query.bias.data();
  d.kernel0 = kernel0.data();
  d.kernel1 = kernel1.data();
  d.key = key.data();
  d.value = value.data();
  d.y = y.data();
  d.filter = filter.data();
  d.mean_out = mean_out.data();
  for (const bool given : {true, false}) {
    std::fill(filter.begin(), filter.end(), 0.0F);
    d.mean = given ? mean.data() : nullptr;
    d.partials = partials.data();
    d.partial_count = 3;
    d.partial_channels = 32;
    d.pixels = 6;
    DqaMemoryFloats memory;
    for (int t = 0; t < 32; ++t) dqa_mean(d, memory, t, 32);
    for (int t = 0; t < 32; ++t) dqa_attention(d, memory, t, 32);
    for (int t = 0; t < 32; ++t) dqa_hidden(d, memory, kFuseSlope, t, 32);
    for (int t = 0; t < 32; ++t) dqa_filter(d, memory, t, 32);
    std::vector<float> got(size_t{24} * 9);
    for (int c = 0; c < 24; ++c)
      for (int t = 0; t < 9; ++t) got[9 * c + t] = filter[t * 32 + c];
    EXPECT_LE(normalized_error(got, want), 1e-11);
    EXPECT_LE(normalized_error(mean_out, mean), 1e-12);
  }
}

TEST(KernelVectors, FirstLayer) {
  const auto net = network();
  const Image image = test_image(kWidth, kHeight);
  Planes in;
  for (int p = 0; p < 3; ++p) in.plane[p] = image.plane[p].data();
  in.stride = in.width = kWidth;
  in.height = kHeight;
  std::vector<float> picture, got(static_cast<size_t>(24) * kWidth * kHeight), want(got.size());
  for (const auto& plane : image.plane) picture.insert(picture.end(), plane.begin(), plane.end());
  for (int o = 0; o < 24; ++o) {
    float weights[27];
    for (int p = 0; p < 3; ++p)
      for (int k = 0; k < 9; ++k)
        weights[head_tap(3, p, k / 3, k % 3)] = net->head.weight[(static_cast<size_t>(o) * 3 + p) * 9 + k];
    run_head<3>(PlanesPixel<3>{in}, kWidth, kHeight,
                [&](int x, int y, const float* window, const HeadTile<3>& tile, int pixel) {
                  got[(static_cast<size_t>(o) * kHeight + y) * kWidth + x] =
                      head_value<3>(window, weights, net->head.bias[o]);
                  for (int p = 0; p < 3; ++p)
                    EXPECT_EQ(tile.centre(p, pixel), in.plane[p][y * in.stride + x]);
                });
  }
  reference::operators({})->conv(net->head, 1, {3, kHeight, kWidth, picture.data()}, nullptr,
                                 {24, kHeight, kWidth, want.data()});
  EXPECT_LE(normalized_error(got, want), 1e-11);
}

// Strides, paddings and several windows; the reference of a single layer is the encoder's own code.
TEST(KernelVectors, EncoderLayers) {
  for (const auto& [kernel, stride, padding] : {std::tuple{7, 1, 3}, {3, 2, 1}, {12, 12, 0}, {1, 1, 0}}) {
    constexpr int kIn = 5, kOut = 6, kW = 25, kH = 26;
    const Conv conv{kIn,
                    kOut,
                    kernel,
                    stride,
                    padding,
                    random_values(size_t{kOut} * kIn * kernel * kernel, 8),
                    random_values(kOut, 9)};
    const auto x = random_values(size_t{2} * kIn * kW * kH, 10);  // two windows, planar
    EncoderArgs e;
    e.width = kW;
    e.height = kH;
    e.channels = kIn;
    e.out_width = (kW + 2 * padding - kernel) / stride + 1;
    e.out_height = (kH + 2 * padding - kernel) / stride + 1;
    e.out_channels = kOut;
    e.kernel = kernel;
    e.stride = stride;
    e.padding = padding;
    e.slope = kEncoderSlope;
    std::vector<float> in(x.size()), weights(conv.weight.size());
    for (int w = 0; w < 2; ++w)
      for (int c = 0; c < kIn; ++c)
        for (int i = 0; i < kW * kH; ++i)
          in[(static_cast<size_t>(w) * kW * kH + i) * kIn + c] =
              x[(static_cast<size_t>(w) * kIn + c) * kW * kH + i];
    for (int o = 0; o < kOut; ++o)
      for (int c = 0; c < kIn; ++c)
        for (int k = 0; k < kernel * kernel; ++k)
          weights[(static_cast<size_t>(k) * kIn + c) * kOut + o] =
              conv.weight[(static_cast<size_t>(o) * kIn + c) * kernel * kernel + k];
    e.in = in.data();
    e.weights = weights.data();
    e.bias = conv.bias.data();
    for (int w = 0; w < 2; ++w) {
      double error = 0, power = 0;
      for (int o = 0; o < kOut; ++o)
        for (int y = 0; y < e.out_height; ++y)
          for (int bx = 0; bx < e.out_width; bx += kEncoderPixels) {
            float sums[kEncoderPixels];
            encoder_values(e, w, bx, y, o, sums);
            for (int i = 0; i < kEncoderPixels && bx + i < e.out_width; ++i) {
              double want = conv.bias[o];
              for (int c = 0; c < kIn; ++c)
                for (int ky = 0; ky < kernel; ++ky)
                  for (int kx = 0; kx < kernel; ++kx) {
                    const int xx = (bx + i) * stride - padding + kx, yy = y * stride - padding + ky;
                    if (xx < 0 || xx >= kW || yy < 0 || yy >= kH) continue;
                    want +=
                        static_cast<double>(
                            conv.weight[((static_cast<size_t>(o) * kIn + c) * kernel + ky) * kernel + kx]) *
                        x[((static_cast<size_t>(w) * kIn + c) * kH + yy) * kW + xx];
                  }
              if (want < 0) want *= kEncoderSlope;
              error += (sums[i] - want) * (sums[i] - want);
              power += want * want;
            }
          }
      EXPECT_LE(error / power, 1e-11) << kernel << "x" << kernel << " / " << stride;
    }
  }
}

// A block's threads one after the other, their sums added up as the kernel's tree does.
TEST(KernelVectors, NormalizedWindows) {
  for (const auto& [w, h] : {std::pair{1, 1}, {48, 48}, {7, 1}, {13, 90}}) {
    std::vector<float> window = random_values(static_cast<size_t>(3) * w * h, 12), want = window;
    normalize_window({want.data(), 1, 3 * static_cast<ptrdiff_t>(w), 3, w, h});
    WindowSums sums[256];
    for (int t = 0; t < 256; ++t) sums[t] = window_sums(window.data(), w, h, 3, t, 256);
    for (int step = 128; step > 0; step /= 2)
      for (int t = 0; t < step; ++t) {
        sums[t].value += sums[t + step].value;
        sums[t].across += sums[t + step].across;
        sums[t].down += sums[t + step].down;
      }
    for (int t = 0; t < 256; ++t) normalize_pixels(window.data(), w, h, 3, sums[0], t, 256);
    EXPECT_LE(normalized_error(window, want), 1e-13) << w << "x" << h;
  }
}

TEST(KernelVectors, PixelShuffle) {
  const auto values = random_values(size_t{48} * 6 * 5, 3);
  const Conv identity{12,
                      12,
                      1,
                      1,
                      0,
                      [] {
                        std::vector<float> w(144, 0.0F);
                        for (int i = 0; i < 12; ++i) w[size_t{13} * i] = 1;
                        return w;
                      }(),
                      std::vector<float>(12, 0.0F)};
  std::vector<float> planar(size_t{12} * 30), want(size_t{3} * 120);
  for (int c = 0; c < 12; ++c)
    for (int i = 0; i < 30; ++i) planar[c * 30 + i] = values[static_cast<size_t>(i) * 48 + c];
  const std::vector<float> picture(90, 0.0F);
  reference::operators({})->tail(identity, 2, Skip::None, {12, 5, 6, planar.data()},
                                 {3, 5, 6, picture.data()}, {3, 10, 12, want.data()});
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < 10; ++y)
      for (int x = 0; x < 12; ++x)
        EXPECT_EQ(shuffled(values.data(), 48, 6, 2, p, x, y), want[p * 120 + y * 12 + x]);
}

// Eight rows of 16 bytes from any first item lie in different banks: no conflicts in ldmatrix.
TEST(KernelVectors, NoBankConflicts) {
  for (int first = 0; first < 64; ++first)
    for (int half = 0; half < 2; ++half) {
      unsigned seen = 0;
      for (int i = 0; i < 8; ++i) seen |= 1U << swizzled(first + i, half) / 16 % 8;
      EXPECT_EQ(seen, 0xFFU);
    }
}

}  // namespace
}  // namespace cdsr::cuda::test
