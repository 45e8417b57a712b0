// The kernel of a tail with few outputs, for every set of instructions that has it, against plain loops in
// double: odd widths, strides, guards around what it may write and NaN around what it may read. And that the
// engine runs it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "model/cpu/cpu.h"
#include "model/cpu/isa.h"
#include "model/cpu/kernels.h"
#include "model/cpu/memory.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"

namespace cdsr::cpu {
namespace {

using test::random_values;

constexpr float kGuard = -12345.5F;

template <typename T>
T from_float(float f) {
  if constexpr (sizeof(T) == sizeof(float))
    return f;
  else
    return narrow(f);
}
float to_float(float f) { return f; }
float to_float(Bf16 v) {
  const uint32_t bits = static_cast<uint32_t>(v.bits) << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

template <typename T>
std::vector<T> values(size_t count, int seed) {
  std::vector<T> all;
  for (float f : random_values(count, seed)) all.push_back(from_float<T>(f));
  return all;
}

template <typename T>
void check(const FeatureKernels& kernels, int width, int channels, int stride) {
  const int step = kernels.tail_step;
  const auto weights = values<T>(size_t{9} * channels * kTailOutputs, 1);
  const std::vector<float> bias = random_values(kTailOutputs, 2);
  std::vector<T> rows[3];
  const void* from[3];
  const size_t count = static_cast<size_t>(width) * channels;
  for (int k = 0; k < 3; ++k) {
    rows[k] = values<T>(count, 3 + k);
    rows[k].insert(rows[k].begin(), 64, from_float<T>(std::numeric_limits<float>::quiet_NaN()));
    rows[k].insert(rows[k].end(), 64, from_float<T>(std::numeric_limits<float>::quiet_NaN()));
    from[k] = rows[k].data() + 64;
  }
  std::vector<float> out(static_cast<size_t>(width) * stride + 32, kGuard);
  kernels.tail(from, width, channels, weights.data(), bias.data(), stride, out.data() + 16);
  for (size_t i = 0; i < out.size(); ++i) {
    const ptrdiff_t at = static_cast<ptrdiff_t>(i) - 16;
    const auto x = static_cast<int>(at / stride), o = static_cast<int>(at % stride);
    if (at < 0 || x >= width || o >= kTailOutputs) {
      ASSERT_EQ(out[i], kGuard) << "value " << at;
      continue;
    }
    double want = bias[o];
    for (int tap = 0; tap < 9; ++tap) {
      const int px = x + tap % 3 - 1;
      if (px < 0 || px >= width) continue;
      for (int c = 0; c < channels; ++c)
        want +=
            static_cast<double>(to_float(rows[tap / 3][64 + static_cast<size_t>(px) * channels + c])) *
            to_float(weights[((static_cast<size_t>(tap) * (channels / step) + c / step) * kTailOutputs + o) *
                                 step +
                             c % step]);
    }
    ASSERT_NEAR(out[i], want, 2e-5) << "channel " << o << " of pixel " << x;
  }
}

TEST(Tail, EqualsPlainLoops) {
  for (Isa isa : {Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16}) {
    if (isa > kernel_isa()) continue;
    for (Type type : {Type::F32, Type::Bf16}) {
      const FeatureKernels& rows = kernels(isa).rows[static_cast<size_t>(type)];
      if (rows.tail_step == 0) continue;
      for (int channels = rows.tail_step; channels <= kTailChannels; channels += rows.tail_step)
        for (int width : {1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 101})
          for (int stride : {kTailOutputs, 16}) {
            SCOPED_TRACE(fmt::format("{}, type {}, {} channels, {} pixels", kernels(isa).name,
                                     static_cast<int>(type), channels, width));
            if (type == Type::F32)
              check<float>(rows, width, channels, stride);
            else
              check<Bf16>(rows, width, channels, stride);
            if (HasFatalFailure()) return;
          }
    }
  }
}

TEST(Kernels, AreThoseOfTheInstructionsAllowed) {
#ifdef __x86_64__
  const char* const names[] = {"base", "avx2", "avx512", "avx512bf16"};
#else
  const char* const names[] = {"neon"};
#endif
  for (int isa = 0; isa <= static_cast<int>(kernel_isa()); ++isa)
    EXPECT_STREQ(kernels(static_cast<Isa>(isa)).name, names[isa]);
}

TEST(Tail, RunsTheEngine) {
  if (kernel_isa() < Isa::Avx512) GTEST_SKIP() << "Winograd's kernel is faster here";
  for (Precision precision : {Precision::Fp32, Precision::Bf16}) {
    if (precision == Precision::Bf16 && !has_fast_bf16()) continue;
    EngineOptions options;
    options.precision = precision;
    options.threads = 1;
    const auto engine = create_engine(random_network(config_by_name("cdsr-rt", 2), 1), options, "cpu");
    engine->plan(64, 40);
    std::set<std::string> names;
    for (const Implementation& i : implementations(engine->backend()))
      if (i.layer == fmt::format("32->4 3x3 {} 64x1", to_string(precision))) names.insert(i.name);
    EXPECT_EQ(names, std::set<std::string>{fmt::format("tail:{}", kernels(kernel_isa()).name)});
  }
}

}  // namespace
}  // namespace cdsr::cpu
