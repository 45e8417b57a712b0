// The 8-bit kernels, for every set of instructions that has them, against plain loops, bit for bit: odd
// widths, every number of channels, guards around what they may write. And the engine that runs them.
#include "model/cpu/int8.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "model/cpu/cpu.h"
#include "model/cpu/isa.h"
#include "model/error.h"
#include "tests/model/backend_run.h"
#include "tests/model/calibrated.h"
#include "tests/model/random_values.h"
#include "tests/model/tiny.h"

namespace cdsr::cpu {
namespace {

using test::random_values;

bool has([[maybe_unused]] Vnni vnni) {
#ifdef __x86_64__
  if (vnni == Vnni::Avx2) return __builtin_cpu_supports("avxvnni") != 0;
  return __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0;
#else
  return false;
#endif
}

std::vector<uint8_t> random_bytes(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(random() >> 8);
  return bytes;
}

struct Case {
  int width, in, out;
  bool adds, floats;
};

std::string text(const Case& c) {
  return fmt::format("{} pixels, {}->{}{}{}", c.width, c.in, c.out, c.adds ? ", added to" : "",
                     c.floats ? ", to floats" : "");
}

template <typename T>
void check(const Int8Kernels& kernels, const Case& c) {
  constexpr size_t kGuard = 64;
  const T guard = static_cast<T>(77);
  const size_t values = static_cast<size_t>(c.width) * c.out;
  std::vector<uint8_t> rows[3];
  for (int k = 0; k < 3; ++k) rows[k] = random_bytes(static_cast<size_t>(c.width) * c.in, k + 1);
  const std::vector<uint8_t> beside = random_bytes(c.in, 4), add = random_bytes(values, 5);
  std::vector<uint8_t> raw = random_bytes(size_t{9} * c.in * c.out, 6);
  std::vector<int8_t> weights(raw.begin(), raw.end());
  std::vector<float> factor = random_values(c.out, 7), bias = random_values(c.out, 8),
                     add_factor = random_values(c.out, 9), offset = random_values(c.out, 10);
  for (int o = 0; o < c.out; ++o) {
    factor[o] *= 4e-4F;  // sums of some hundred thousands, to both sides of what 8 bits hold
    bias[o] *= 300;
    offset[o] = std::round(100 + 100 * offset[o]);
  }
  std::vector<T> out(values + 2 * kGuard, guard);
  Int8Row r;
  for (int k = 0; k < 3; ++k) r.src[k] = rows[k].data();
  r.beside = beside.data();
  r.dst = out.data() + kGuard;
  r.add = c.adds ? add.data() : nullptr;
  r.width = c.width;
  r.in = c.in;
  r.out = c.out;
  r.weights = weights.data();
  r.factor = factor.data();
  r.bias = bias.data();
  r.add_factor = c.adds ? add_factor.data() : nullptr;
  r.offset = c.floats ? nullptr : offset.data();
  r.slope = 0.1F;
  kernels.row(r);
  for (size_t i = 0; i < kGuard; ++i) {
    ASSERT_EQ(out[i], guard);
    ASSERT_EQ(out[kGuard + values + i], guard);
  }
  for (int x = 0; x < c.width; ++x)
    for (int o = 0; o < c.out; ++o) {
      int sum = 0;
      for (int tap = 0; tap < 9; ++tap) {
        const int px = x + tap % 3 - 1;
        for (int i = 0; i < c.in; ++i) {
          const int feature =
              px < 0 || px >= c.width ? beside[i] : rows[tap / 3][static_cast<size_t>(px) * c.in + i];
          sum += feature * weights[((static_cast<size_t>(tap) * c.in + i) / 4 * c.out + o) * 4 + i % 4];
        }
      }
      const size_t at = static_cast<size_t>(x) * c.out + o;
      float value = std::fma(static_cast<float>(sum), factor[o], bias[o]);
      if (c.adds) value = std::fma(static_cast<float>(add[at]), add_factor[o], value);
      value = std::max(value, value * 0.1F);
      if (!c.floats) value = std::min(255.0F, std::max(0.0F, std::nearbyint(value + offset[o])));
      ASSERT_EQ(out[kGuard + at], static_cast<T>(value)) << "channel " << o << " of pixel " << x;
    }
}

void check_tail(const Int8Kernels& kernels, int width, int in, int stride) {
  const float guard = 77;
  std::vector<uint8_t> rows[3];
  for (int k = 0; k < 3; ++k) rows[k] = random_bytes(static_cast<size_t>(width) * in, k + 1);
  const std::vector<uint8_t> beside = random_bytes(in, 4);
  const std::vector<uint8_t> raw = random_bytes(size_t{3} * in * kInt8TailLanes, 6);
  const std::vector<int8_t> weights(raw.begin(), raw.end());  // not 0 in the lanes that must not matter
  const std::vector<float> factor = random_values(kInt8TailOutputs, 7),
                           bias = random_values(kInt8TailOutputs, 8);
  std::vector<float> out(static_cast<size_t>(width) * stride + 2, guard);
  Int8Row r;
  for (int k = 0; k < 3; ++k) r.src[k] = rows[k].data();
  r.beside = beside.data();
  r.dst = out.data() + 1;
  r.width = width;
  r.in = in;
  r.out = stride;
  r.weights = weights.data();
  r.factor = factor.data();
  r.bias = bias.data();
  kernels.tail(r);
  ASSERT_EQ(out.front(), guard);
  ASSERT_EQ(out.back(), guard);
  for (int x = 0; x < width; ++x)
    for (int o = 0; o < stride; ++o) {
      float want = guard;
      if (o < kInt8TailOutputs) {
        int sum = 0;
        for (int tap = 0; tap < 9; ++tap) {
          const int px = x + tap % 3 - 1;
          for (int i = 0; i < in; ++i) {
            const int feature =
                px < 0 || px >= width ? beside[i] : rows[tap / 3][static_cast<size_t>(px) * in + i];
            const int lane = (tap / 3 * in + i) / 4 * kInt8TailLanes + tap % 3 * kInt8TailOutputs + o;
            sum += feature * weights[lane * 4 + i % 4];
          }
        }
        want = std::fma(static_cast<float>(sum), factor[o], bias[o]);
      }
      ASSERT_EQ(out[1 + static_cast<size_t>(x) * stride + o], want) << "value " << o << " of pixel " << x;
    }
}

TEST(Int8, TailEqualsPlainLoops) {
  int checked = 0;
  for (Vnni vnni : {Vnni::Avx2, Vnni::Avx512}) {
    if (!has(vnni)) continue;
    ++checked;
    for (int in : {16, 32, 48, 64})
      for (int stride : {4, 16})
        for (int width : {1, 2, 3, 4, 5, 9, 21, 22, 23, 44, 45, 67}) {
          SCOPED_TRACE(
              fmt::format("{}, {} pixels, {}->4 of {}", int8_kernels(vnni)->name, width, in, stride));
          check_tail(*int8_kernels(vnni), width, in, stride);
          if (HasFatalFailure()) return;
        }
  }
  if (checked == 0) GTEST_SKIP() << "this processor has no VNNI";
}

TEST(Int8, EqualsPlainLoops) {
  int checked = 0;
  for (Vnni vnni : {Vnni::Avx2, Vnni::Avx512}) {
    if (!has(vnni)) continue;
    ++checked;
    for (int in : {16, 32, 48, 64})
      for (int out : {16, 32, 48, 64})
        for (int width : {1, 2, 5, 6, 7, 11, 12, 13, 24, 25, 37})
          for (bool adds : {false, true})
            for (bool floats : {false, true}) {
              const Case c{width, in, out, adds, floats};
              SCOPED_TRACE(std::string(int8_kernels(vnni)->name) + ", " + text(c));
              floats ? check<float>(*int8_kernels(vnni), c) : check<uint8_t>(*int8_kernels(vnni), c);
              if (HasFatalFailure()) return;
            }
  }
  if (checked == 0) GTEST_SKIP() << "this processor has no VNNI";
}

std::shared_ptr<const Network> stack(int blocks, int scale) {
  CdsrConfig config = config_by_name("cdsr-rt", scale);
  config.blocks = blocks;
  return test::calibrated(random_network(config, 3));
}

EngineOptions int8_options(int threads = 1) {
  EngineOptions options;
  options.precision = Precision::Int8;
  options.threads = threads;
  return options;
}

TEST(Int8, RunsTheEngine) {
  if (vnni() == Vnni::None) GTEST_SKIP() << "this processor has no VNNI";
  const auto engine = create_engine(stack(3, 2), int8_options(), "cpu");
  EXPECT_EQ(engine->info().precision, Precision::Int8);
  engine->plan(64, 40);
  std::set<std::string> layers;
  for (const Implementation& i : implementations(engine->backend())) {
    EXPECT_EQ(i.name, fmt::format("int8:{}", int8_kernels(vnni())->name)) << i.layer;
    layers.insert(i.layer);
  }
  EXPECT_EQ(layers, (std::set<std::string>{"32->4 3x3 int8 64x1", "32->32 3x3 int8 64x1"}));
}

TEST(Int8, IsCloseToTheReference) {
  if (vnni() == Vnni::None) GTEST_SKIP() << "this processor has no VNNI";
  for (const auto& [blocks, scale] : {std::pair(1, 2), {14, 2}, {3, 3}, {5, 4}}) {
    const auto network = stack(blocks, scale);
    const Image in = test_image(45, 37);
    const BackendResult want = run_backend("reference", network, {}, in);
    const BackendResult got = run_backend("cpu", network, int8_options(), in, &want);
    // Rows beside the frame's edge have neighbours that stand for 0.
    const int width = want.image.width, height = want.image.height;
    const auto error = [&](int begin, int end) {
      double sum = 0;
      for (int i = begin * width; i < end * width; ++i)
        sum += std::pow(255 * (static_cast<double>(got.image.plane[0][i]) - want.image.plane[0][i]), 2);
      return std::sqrt(sum / ((end - begin) * width));
    };
    const double all = error(0, height), top = error(0, 2), bottom = error(height - 2, height);
    fmt::print("{} blocks, x{}: {:.3f} code values, top {:.3f}, bottom {:.3f}\n", blocks, scale, all, top,
               bottom);
    EXPECT_LT(all, 0.05) << blocks << " blocks, x" << scale;
    EXPECT_LT(std::max(top, bottom), 2 * all) << blocks << " blocks, x" << scale;
    EXPECT_GT(all, 1e-4) << "it is not in 8 bits";
  }
}

TEST(Int8, BitsDependOnNeitherThreadsNorMemory) {
  if (vnni() == Vnni::None) GTEST_SKIP() << "this processor has no VNNI";
  const auto network = stack(4, 2);
  const Image in = test_image(61, 203);
  const BackendResult one = run_backend("cpu", network, int8_options(), in);
  for (int threads : {2, 7})
    EXPECT_TRUE(same_bits(one.image, run_backend("cpu", network, int8_options(threads), in).image));
  EngineOptions little = int8_options(2);
  little.memory_limit = size_t{450} << 10;
  EXPECT_TRUE(same_bits(one.image, run_backend("cpu", network, little, in).image));
}

/// Another embedding and back: the weights in 8 bits follow.
TEST(Int8, FollowsTheShot) {
  if (vnni() == Vnni::None) GTEST_SKIP() << "this processor has no VNNI";
  const auto engine = create_engine(stack(2, 2), int8_options(), "cpu");
  const Image a = test_image(40, 40, 1), b = test_image(40, 40, 9);
  const BackendResult first = run_engine(*engine, a), other = run_engine(*engine, b);
  EXPECT_FALSE(same_bits(first.image, other.image));
  EXPECT_TRUE(same_bits(first.image, run_engine(*engine, a).image));
}

TEST(Int8, IsRefusedWhereItCannotBe) {
  const auto message = [](const std::shared_ptr<const Network>& network) -> std::string {
    try {
      create_engine(network, int8_options(), "cpu");
      return "";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::Unsupported);
      return e.what();
    }
  };
  if (vnni() == Vnni::None) {
    EXPECT_NE(message(stack(2, 2)).find("needs AVX512_VNNI or AVX_VNNI"), std::string::npos);
    return;
  }
  EXPECT_NE(message(random_network(config_by_name("cdsr-rt", 2), 1)).find("cdsr calibrate"),
            std::string::npos);
  EXPECT_NE(message(random_network(config_by_name("cdsr-rt-dqa", 2), 1)).find("networks like cdsr-rt"),
            std::string::npos);
  EXPECT_NE(message(stack(15, 2)).find("at most 14 blocks"), std::string::npos);
  EXPECT_THROW(operators(int8_options()), Error);
}

TEST(Int8, IsAutomaticWhereItIsFastest) {
  const auto precision = [](const std::shared_ptr<const Network>& network) {
    return create_engine(network, {}, "cpu")->info().precision;
  };
  const Precision plain = has_amx() ? Precision::Bf16 : Precision::Fp32;
  EXPECT_EQ(precision(random_network(config_by_name("cdsr-rt", 2), 1)), plain);
  EXPECT_EQ(precision(stack(2, 2)), has_amx() || vnni() == Vnni::None ? plain : Precision::Int8);
  EXPECT_EQ(precision(random_network(config_by_name("cdsr-rt-dqa", 2), 1)),
            has_fast_bf16() ? Precision::Bf16 : Precision::Fp32);
}

}  // namespace
}  // namespace cdsr::cpu
