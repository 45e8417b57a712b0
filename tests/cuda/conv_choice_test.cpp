// Own kernel or cuDNN: the decision, with times that are made up.
#include "model/cuda/conv_choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cdsr::cuda {
namespace {

using Times = std::vector<std::optional<double>>;

struct Fake {
  double own;
  Times times;
  std::vector<int> wrong;       ///< candidates whose results are not the own kernel's
  std::vector<int> asked = {};  ///< whose results were looked at

  Verdict run() {
    return choose_conv(static_cast<int>(times.size()), {[&] { return own; }, [&](int i) { return times[i]; },
                                                        [&](int i) {
                                                          asked.push_back(i);
                                                          return std::find(wrong.begin(), wrong.end(), i) ==
                                                                 wrong.end();
                                                        }});
  }
};

TEST(Choose, TheFastest) {
  Fake fake{100, {90.0, 50.0, 70.0}, {}};
  const Verdict v = fake.run();
  EXPECT_EQ(v.candidate, 1);
  EXPECT_EQ(v.own_us, 100);
  EXPECT_EQ(v.fastest_us, 50);
  EXPECT_EQ(fake.asked, std::vector<int>{1});
}

TEST(Choose, TheOwnKernelUnlessBeatenClearly) {
  EXPECT_EQ((Fake{100, {}, {}}.run().candidate), -1);
  EXPECT_EQ((Fake{100, {std::nullopt, std::nullopt}, {}}.run().candidate), -1);
  EXPECT_EQ((Fake{100, {150.0, 101.0}, {}}.run().candidate), -1);
  Fake close{100, {98.0}, {}};
  const Verdict v = close.run();
  EXPECT_EQ(v.candidate, -1);
  EXPECT_EQ(v.fastest_us, 98);
  EXPECT_TRUE(close.asked.empty());
  EXPECT_EQ((Fake{100, {96.0}, {}}.run().candidate), 0);
}

TEST(Choose, AmongEqualsTheFirst) {
  EXPECT_EQ((Fake{100, {50.4, 50.0, 50.2}, {}}.run().candidate), 0);
  EXPECT_EQ((Fake{100, {51.0, 50.0, 50.2}, {}}.run().candidate), 1);
}

TEST(Choose, NotWhatCannotBeRun) {
  EXPECT_EQ((Fake{100, {std::nullopt, 60.0, std::nullopt, 55.0}, {}}.run().candidate), 3);
}

TEST(Choose, NotWhatComputesSomethingElse) {
  Fake fake{100, {60.0, 50.0, 70.0}, {1, 0}};
  EXPECT_EQ(fake.run().candidate, 2);
  EXPECT_EQ(fake.asked, (std::vector<int>{1, 0, 2}));
  Fake none{100, {60.0, 50.0}, {0, 1}};
  const Verdict v = none.run();
  EXPECT_EQ(v.candidate, -1);
  EXPECT_EQ(v.fastest_us, 0);
}

TEST(Choose, Median) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({4, 1, 3, 2}), 2);
}

TEST(Choose, RoundingIsNoDifference) {
  const std::vector<float> a = {1, -2, 3, 0.5F};
  std::vector<float> b = a;
  EXPECT_TRUE(equal_but_for_rounding(a, a, Rounding::Fp16));
  b[1] *= 1 + 0x1p-11F;  // half a unit of fp16
  EXPECT_TRUE(equal_but_for_rounding(a, b, Rounding::Fp16));
  b[1] = -2 * (1 + 0x1p-8F);
  EXPECT_FALSE(equal_but_for_rounding(a, b, Rounding::Fp16));
  EXPECT_TRUE(equal_but_for_rounding(a, b, Rounding::Bf16));
  b[1] = -2.1F;
  EXPECT_FALSE(equal_but_for_rounding(a, b, Rounding::Bf16));
  b[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(equal_but_for_rounding(a, b, Rounding::Bf16));
  EXPECT_FALSE(equal_but_for_rounding(b, a, Rounding::Bf16));
  EXPECT_FALSE(equal_but_for_rounding({1, -2, 3}, a, Rounding::Bf16));
}

}  // namespace
}  // namespace cdsr::cuda
