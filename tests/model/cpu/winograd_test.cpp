// Winograd's kernel, for every set of instructions this processor has, against plain loops in double: odd
// sizes, channels that fill no vector, rows with a stride, guards around what it may write, rows it must not
// read. And that the engine runs it.
#include "model/cpu/winograd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "model/cpu/cpu.h"
#include "model/cpu/isa.h"
#include "model/cpu/kernels.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"

namespace cdsr::cpu {
namespace {

using test::random_values;

constexpr float kGuard = -12345.5F;

/// This processor's, the best first.
std::vector<const WinogradKernels*> all_kernels() {
  std::set<const WinogradKernels*> found;
  std::vector<const WinogradKernels*> all;
  for (Isa isa : {Isa::Avx512, Isa::Avx2, Isa::Base})
    if (found.insert(&winograd(isa)).second) all.push_back(&winograd(isa));
  return all;
}

struct Case {
  int width, height, in, out;
  float slope;
  bool add;
};

/// An input of `height` rows between rows of zeros, and what a convolution makes of it.
class Subject {
 public:
  explicit Subject(const Case& c)
      : c_(c),
        stride_((c.out + 15) / 16 * 16 + 16),
        weights_(random_values(static_cast<size_t>(c.out) * c.in * 9, 1)),
        bias_(random_values(stride_, 2)),
        input_(static_cast<size_t>(c.height + 2) * row(), 0.0F),
        add_(random_values(static_cast<size_t>(c.height) * out_row(), 3)) {
    const std::vector<float> values = random_values(static_cast<size_t>(c.height) * row(), 4);
    std::copy(values.begin(), values.end(), input_.begin() + static_cast<ptrdiff_t>(row()));
  }

  size_t row() const { return static_cast<size_t>(c_.width) * c_.in; }
  size_t out_row() const { return static_cast<size_t>(c_.width) * stride_; }

  double expected(int y, int x, int o) const {
    double sum = bias_[o];
    for (int ky = 0; ky < 3; ++ky)
      for (int kx = 0; kx < 3; ++kx) {
        const int px = x + kx - 1;
        if (px < 0 || px >= c_.width) continue;
        const float* pixel = &input_[(y + ky) * row() + static_cast<size_t>(px) * c_.in];
        for (int i = 0; i < c_.in; ++i)
          sum += static_cast<double>(pixel[i]) *
                 weights_[((static_cast<size_t>(o) * c_.in + i) * 3 + ky) * 3 + kx];
      }
    if (sum < 0) sum *= c_.slope;
    return c_.add ? sum + add_[y * out_row() + static_cast<size_t>(x) * stride_ + o] : sum;
  }

  /// Rows [first, last) as the engine makes them: pairs from even rows on; unwanted rows are null, and the
  /// row of input that is then not to be read is null too.
  void run(const WinogradKernels& kernels, int first, int last, std::vector<float>& output) const {
    std::vector<float> transformed(kernels.weights(c_.in, c_.out) + 1, kGuard),
        scratch(kernels.scratch(c_.in) + 1, kGuard);
    kernels.transform(weights_.data(), c_.in, c_.out, transformed.data());
    ASSERT_EQ(transformed.back(), kGuard);
    WinogradRows r;
    r.width = c_.width;
    r.in = c_.in;
    r.out = c_.out;
    r.stride = stride_;
    r.weights = transformed.data();
    r.bias = bias_.data();
    r.slope = c_.slope;
    r.scratch = scratch.data();
    for (int y = first / 2 * 2; y < last; y += 2) {
      for (int k = 0; k < 2; ++k) {
        const bool wanted = y + k >= first && y + k < last;
        const size_t at = (y + k) * out_row();
        r.dst[k] = wanted ? &output[at] : nullptr;
        r.add[k] = wanted && c_.add ? &add_[at] : nullptr;
      }
      for (int k = 0; k < 4; ++k) r.src[k] = &input_[std::min(y + k, c_.height + 1) * row()];
      if (r.dst[0] == nullptr) r.src[0] = nullptr;
      if (r.dst[1] == nullptr) r.src[3] = nullptr;
      kernels.rows(r);
    }
    ASSERT_EQ(scratch.back(), kGuard);
  }

  void check(const WinogradKernels& kernels) const {
    const size_t size = c_.height * out_row();
    std::vector<float> output(size + out_row(), kGuard);  // a row of guards
    run(kernels, 0, c_.height, output);
    const int written = (c_.out + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
    double error = 0, power = 0;
    for (int y = 0; y < c_.height; ++y)
      for (int x = 0; x < c_.width; ++x)
        for (int o = 0; o < stride_; ++o) {
          const float got = output[y * out_row() + static_cast<size_t>(x) * stride_ + o];
          if (o >= written) {
            ASSERT_EQ(got, kGuard) << "channel " << o << " of pixel " << x << ',' << y;
          } else if (o < c_.out) {
            const double want = expected(y, x, o), difference = std::abs(got - want);
            ASSERT_LE(difference, 1e-4) << "channel " << o << " of pixel " << x << ',' << y;
            error += difference * difference;
            power += want * want;
          }
        }
    for (size_t i = size; i < output.size(); ++i) ASSERT_EQ(output[i], kGuard);
    // Direct convolution in fp32 has about 3e-7; the transforms' small factors cost three times that at most.
    EXPECT_LE(std::sqrt(error / power), 1e-6);

    // Wherever a strip starts and ends.
    for (int first : {0, 1, 2, 3})
      for (int last : {c_.height, c_.height - 1, c_.height - 2}) {
        if (first >= last) continue;
        std::vector<float> part(output.size(), kGuard);
        run(kernels, first, last, part);
        for (size_t i = 0; i < part.size(); ++i)
          ASSERT_EQ(part[i], i >= first * out_row() && i < last * out_row() ? output[i] : kGuard);
      }
  }

 private:
  Case c_;
  int stride_;
  std::vector<float> weights_, bias_, input_, add_;
};

TEST(Winograd, EqualsPlainLoops) {
  const Case cases[] = {{1, 1, 16, 1, 1, false},    {2, 3, 16, 4, 0.1F, false},  {3, 2, 32, 12, 1, true},
                        {4, 5, 32, 32, 0.2F, true}, {5, 4, 16, 8, 0, false},     {47, 5, 32, 32, 0.1F, false},
                        {48, 4, 32, 16, 1, true},   {49, 3, 48, 48, 0.1F, true}, {101, 4, 64, 24, 1, false},
                        {203, 3, 32, 27, 1, false}, {31, 2, 16, 64, 0.1F, false}};
  for (const WinogradKernels* kernels : all_kernels())
    for (const Case& c : cases) {
      SCOPED_TRACE(fmt::format("{}: {}x{}, {}->{}", kernels->name, c.width, c.height, c.in, c.out));
      Subject(c).check(*kernels);
      if (HasFatalFailure()) return;
    }
}

TEST(Winograd, UsesWhatIsAllowed) {
  EXPECT_LE(winograd(Isa::Base).lanes, 4);
  if (kernel_isa() != Isa::Base) {
    EXPECT_STREQ(winograd(Isa::Avx2).name, "AVX2");
  }
  if (kernel_isa() >= Isa::Avx512) {
    EXPECT_EQ(winograd(Isa::Avx512).lanes, 16);
  }
}

TEST(Winograd, RunsTheEngine) {
  for (const char* name : {"cdsr-rt", "cdsr-2"}) {
    EngineOptions options;
    options.precision = Precision::Fp32;
    options.threads = 1;
    const auto engine = create_engine(random_network(config_by_name(name, 2), 1), options, "cpu");
    engine->plan(64, 40);
    const std::string want = fmt::format("winograd:{}", winograd(kernel_isa()).name);
    std::set<std::string> layers;
    for (const Implementation& i : implementations(engine->backend()))
      if (i.name == want) layers.insert(i.layer);
    const CdsrConfig& config = engine->network().config;
    const int nf = config.nf, outputs = 4 * config.channels();
    EXPECT_EQ(layers.count(fmt::format("{0}->{0} 3x3 fp32 64x2", nf)), 1U) << name;
    const bool own_tail = outputs <= kTailOutputs && kernel_isa() >= Isa::Avx512;  // tail_test.cpp
    EXPECT_EQ(layers.count(fmt::format("{}->{} 3x3 fp32 64x2", nf, outputs)), own_tail ? 0U : 1U) << name;
  }
}

}  // namespace
}  // namespace cdsr::cpu
