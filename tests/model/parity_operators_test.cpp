// Every operator of the cpu backend against the reference's, on random maps of odd sizes, with guards around
// outputs.
//
// Bounds are on the normalized error, sum of squared differences over sum of squares. fp32: the reference
// sums in double, oneDNN in fp32 in another order: rounding of 2^-24 a product, far below 1e-11. bf16: input,
// weights and result are rounded to 8 bits, each an error of about 2^-9 / sqrt(3) of the value, 1.3e-6 in
// power; a handful of such roundings one after the other stay below 3e-5.
#include <gtest/gtest.h>

#include "model/error.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

using test::random_values;

constexpr double kFp32Bound = 1e-11, kBf16Bound = 3e-5;
constexpr size_t kGuard = 64;
constexpr float kGuardValue = -12345.5F;

/// A map between guards.
struct Guarded {
  int channels, height, width;
  std::vector<float> data;

  Guarded(int c, int h, int w)
      : channels(c), height(h), width(w), data(static_cast<size_t>(c) * h * w + 2 * kGuard, kGuardValue) {}
  Map map() { return {channels, height, width, data.data() + kGuard}; }
  std::vector<float> values() const { return {data.begin() + kGuard, data.end() - kGuard}; }
  bool intact() const {
    for (size_t i = 0; i < kGuard; ++i)
      if (data[i] != kGuardValue || data[data.size() - 1 - i] != kGuardValue) return false;
    return true;
  }
};

std::unique_ptr<Operators> operators_of(const std::string& name, Precision precision, int threads = 2) {
  EngineOptions options;
  options.precision = precision;
  options.threads = threads;
  for (const Backend& b : backends())
    if (b.name == name) return b.operators(options);
  return nullptr;
}

using Case = std::tuple<Precision, std::pair<int, int>>;

class Parity : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    try {
      cpu_ = operators_of("cpu", std::get<0>(GetParam()));
    } catch (const Error& e) {
      // A processor without bfloat16 is no fault; every processor has fp32.
      if (e.code() != Errc::Unsupported || std::get<0>(GetParam()) == Precision::Fp32) throw;
      GTEST_SKIP() << e.what();
    }
    reference_ = operators_of("reference", Precision::Fp32);
    ASSERT_NE(cpu_, nullptr);
    std::tie(width_, height_) = std::get<1>(GetParam());
    config_ = tiny_config(Body::Rrdb, 2);
    config_.nf = 24;  // stored as 32: padding channels count
    config_.gc = 16;
    network_ = random_network(config_, 5);
  }

  ConstMap map(const std::vector<float>& values, int channels) const {
    return {channels, height_, width_, values.data()};
  }
  std::vector<float> input(int channels, uint32_t seed) const {
    return random_values(static_cast<size_t>(channels) * height_ * width_, seed);
  }
  /// Runs `call(operators, out)` on both backends and compares.
  template <typename Call>
  void compare(const char* what, int channels, int scale, Call&& call) {
    Guarded got(channels, height_ * scale, width_ * scale), want(channels, height_ * scale, width_ * scale);
    call(*cpu_, got.map());
    call(*reference_, want.map());
    EXPECT_TRUE(got.intact()) << what << " wrote outside its output";
    const double bound = cpu_->precision() == Precision::Bf16 ? kBf16Bound : kFp32Bound;
    const double error = normalized_error(got.values(), want.values());
    EXPECT_LE(error, bound) << what;
    RecordProperty(what, fmt::format("{:.3g}", error / bound));  // share of the bound used
  }

  std::unique_ptr<Operators> cpu_, reference_;
  int width_ = 0, height_ = 0;
  CdsrConfig config_;
  std::shared_ptr<const Network> network_;
};

TEST_P(Parity, Convolution) {
  const auto x = input(24, 1), residual = input(24, 2);
  const ConstMap r = map(residual, 24);
  const Conv& conv = network_->trunk;
  compare("plain", 24, 1, [&](Operators& o, Map out) { o.conv(conv, 1, map(x, 24), nullptr, out); });
  compare("activated", 24, 1, [&](Operators& o, Map out) { o.conv(conv, 0.1F, map(x, 24), nullptr, out); });
  compare("residual", 24, 1, [&](Operators& o, Map out) { o.conv(conv, 1, map(x, 24), &r, out); });
  compare("pointwise", 24, 1, [&](Operators& o, Map out) {
    o.conv(network_->blocks[0].dqa[0].conv, 0.1F, map(x, 24), nullptr, out);
  });
}

TEST_P(Parity, Dqa) {
  const Dqa& dqa = network_->blocks[1].dqa[1];
  const auto x = input(24, 3), gate = random_values(24, 4), filter = random_values(size_t{24} * 9, 5);
  compare("dqa", 24, 1, [&](Operators& o, Map out) { o.dqa(dqa, gate, filter, map(x, 24), out); });
}

TEST_P(Parity, DqaVectors) {
  const Dqa& dqa = network_->blocks[0].dqa[1];
  const auto y = random_values(24, 6), query = random_values(24, 7);
  std::vector<float> gate[2], filter[2];
  int i = 0;
  for (Operators* o : {cpu_.get(), reference_.get()}) {
    gate[i].resize(24);
    filter[i].resize(size_t{24} * 9);
    o->dqa_vectors(dqa, y, query, gate[i], filter[i]);
    ++i;
  }
  EXPECT_LE(normalized_error(gate[0], gate[1]), kFp32Bound);  // vectors are fp32 in every precision
  EXPECT_LE(normalized_error(filter[0], filter[1]), kFp32Bound);
}

TEST_P(Parity, DenseBlock) {
  const auto x = input(24, 8);
  compare("dense", 24, 1,
          [&](Operators& o, Map out) { o.dense_block(network_->blocks[0].rdb[1], map(x, 24), out); });
}

TEST_P(Parity, Tail) {
  const auto x = input(24, 9), picture = input(3, 10);
  for (int scale : {2, 3, 4}) {
    config_.scale = scale;
    const auto network = random_network(config_, 11);
    for (Skip skip : {Skip::None, Skip::Bicubic})
      compare("tail", 3, scale, [&](Operators& o, Map out) {
        o.tail(network->tail, scale, skip, map(x, 24), map(picture, 3), out);
      });
  }
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const auto [w, h] = std::get<1>(info.param);
  return fmt::format("{}_{}x{}", to_string(std::get<0>(info.param)), w, h);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Parity,
                         testing::Combine(testing::Values(Precision::Fp32, Precision::Bf16),
                                          testing::Values(std::pair{1, 1}, std::pair{2, 1}, std::pair{11, 11},
                                                          std::pair{13, 7}, std::pair{33, 47},
                                                          std::pair{5, 150}, std::pair{301, 3})),
                         case_name);

// The guards themselves: a write just outside must be seen.
TEST(ParityGuards, SeeAWriteOutside) {
  Guarded map(1, 2, 2);
  EXPECT_TRUE(map.intact());
  map.map().data[4] = 0;
  EXPECT_FALSE(map.intact());
}

}  // namespace
}  // namespace cdsr
