// The degradation protocol: kernels by their moments, alignment by what it does to a ramp.
#include "tools/degrade/degrade.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <tuple>

#include "model/error.h"
#include "tools/degrade/kernel.h"

namespace cdsr::degrade {
namespace {

struct Moments {
  double sum = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
};

/// Of the kernel as a density over (column, row), relative to the array's middle.
Moments moments(const std::vector<float>& kernel) {
  Moments m;
  for (int i = 0; i < 21; ++i)
    for (int j = 0; j < 21; ++j) {
      const double w = kernel[static_cast<size_t>(i) * 21 + j];
      m.sum += w;
      m.x += w * (j - 10);
      m.y += w * (i - 10);
    }
  m.x /= m.sum;
  m.y /= m.sum;
  for (int i = 0; i < 21; ++i)
    for (int j = 0; j < 21; ++j) {
      const double w = kernel[static_cast<size_t>(i) * 21 + j] / m.sum, dx = j - 10 - m.x, dy = i - 10 - m.y;
      m.xx += w * dx * dx;
      m.xy += w * dx * dy;
      m.yy += w * dy * dy;
    }
  return m;
}

class KernelTest : public ::testing::TestWithParam<std::tuple<int, Alignment>> {
 protected:
  int scale() const { return std::get<0>(GetParam()); }
  Alignment alignment() const { return std::get<1>(GetParam()); }
  /// HR coordinate of LR pixel 0.
  double shift() const {
    return alignment() == Alignment::Paper ? -(scale() - 1) / 2.0 : (scale() - 1) / 2.0;
  }
};

TEST_P(KernelTest, CentreIsWhereTheAlignmentPutsIt) {
  for (const KernelSpec& k : paper_kernels(scale())) {
    const Moments m = moments(gaussian_kernel(scale(), k.sig1, k.sig2, k.theta, alignment()));
    EXPECT_NEAR(m.sum, 1, 1e-6);
    EXPECT_NEAR(m.x, shift(), 1e-6);
    EXPECT_NEAR(m.y, shift(), 1e-6);
  }
}

// The eigenvalues are variances: a kernel of 4 and 1 has standard deviations 2 and 1. The grid is wide enough
// for these, and sampling a Gaussian of variance 1 or more changes its moments by less than 1e-3.
TEST_P(KernelTest, EigenvaluesAreVariances) {
  const Moments upright = moments(gaussian_kernel(scale(), 4, 1, 0, alignment()));
  EXPECT_NEAR(upright.xx, 4, 1e-3);
  EXPECT_NEAR(upright.yy, 1, 1e-3);
  EXPECT_NEAR(upright.xy, 0, 1e-6);
  const Moments turned = moments(gaussian_kernel(scale(), 4, 1, std::numbers::pi / 2, alignment()));
  EXPECT_NEAR(turned.xx, 1, 1e-3);
  EXPECT_NEAR(turned.yy, 4, 1e-3);
  const Moments diagonal = moments(gaussian_kernel(scale(), 4, 1, std::numbers::pi / 4, alignment()));
  EXPECT_NEAR(diagonal.xx, 2.5, 1e-3);
  EXPECT_NEAR(diagonal.yy, 2.5, 1e-3);
  EXPECT_NEAR(diagonal.xy, 1.5, 1e-3);
}

TEST_P(KernelTest, LiesInItsCorner) {
  const int n = 22 - scale();
  const std::vector<float> k = gaussian_kernel(scale(), 30, 30, 0, alignment());
  for (int i = 0; i < 21; ++i)
    for (int j = 0; j < 21; ++j) {
      const bool inside = alignment() == Alignment::Paper ? i < n && j < n : i >= 21 - n && j >= 21 - n;
      EXPECT_EQ(k[static_cast<size_t>(i) * 21 + j] > 0, inside) << i << ' ' << j;
    }
}

// On a ramp whose value is its own coordinate, LR pixel i reads where it lies: s i + shift.
TEST_P(KernelTest, RampShowsWhereLowResolutionPixelsLie) {
  const int s = scale(), side = 60 * s;
  tools::Picture ramp{side, side, std::vector<uint8_t>(3 * static_cast<size_t>(side) * side)};
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      ramp.rgb[3 * (static_cast<size_t>(y) * side + x)] = static_cast<uint8_t>(x);
      ramp.rgb[3 * (static_cast<size_t>(y) * side + x) + 1] = static_cast<uint8_t>(y);
      ramp.rgb[3 * (static_cast<size_t>(y) * side + x) + 2] = 77;
    }
  const std::vector<float> lr = blur_subsample(ramp, gaussian_kernel(s, 5, 2, 0.3, alignment()), s);
  ASSERT_EQ(lr.size(), 3U * 60 * 60);
  for (int i = 12 / s + 1; i < 60 - 12 / s - 1; ++i) {
    const size_t at = 3 * (static_cast<size_t>(i) * 60 + i);
    EXPECT_NEAR(lr[at], s * i + shift(), 1e-3);
    EXPECT_NEAR(lr[at + 1], s * i + shift(), 1e-3);
    EXPECT_NEAR(lr[at + 2], 77, 1e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(All, KernelTest,
                         ::testing::Combine(::testing::Values(2, 3, 4),
                                            ::testing::Values(Alignment::Paper, Alignment::Aligned)),
                         [](const auto& info) {
                           return std::string(to_string(std::get<1>(info.param))) + "_x" +
                                  std::to_string(std::get<0>(info.param));
                         });

TEST(Kernel, NineAreThePapersForX4) {
  const double q = std::numbers::pi / 4;
  const double expected[9][3] = {{1, 1, 0}, {5, 1, 0}, {5, 1, q}, {5, 5, 0}, {9, 1, 0},
                                 {9, 1, q}, {9, 5, 0}, {9, 5, q}, {9, 9, 0}};
  const auto kernels = paper_kernels(4);
  ASSERT_EQ(kernels.size(), 9U);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(kernels[i].sig1, expected[i][0]);
    EXPECT_EQ(kernels[i].sig2, expected[i][1]);
    EXPECT_EQ(kernels[i].theta, expected[i][2]);
  }
  EXPECT_EQ(paper_kernels(2).size(), 9U);
  EXPECT_EQ(paper_kernels(3).back().sig1, 7);
}

TEST(Kernel, RefusesWhatIsNoGaussian) {
  EXPECT_THROW(gaussian_kernel(1, 1, 1, 0, Alignment::Aligned), Error);
  EXPECT_THROW(gaussian_kernel(2, 0, 1, 0, Alignment::Aligned), Error);
  EXPECT_THROW(gaussian_kernel(2, 1, std::nan(""), 0, Alignment::Aligned), Error);
}

TEST(Degrade, EdgesAreReplicated) {
  tools::Picture p{7, 5, std::vector<uint8_t>(size_t{3} * 7 * 5, 200)};
  for (float v : blur_subsample(p, gaussian_kernel(2, 5, 5, 0, Alignment::Aligned), 2))
    EXPECT_NEAR(v, 200, 1e-3);
}

// Cross-correlation and not convolution: a kernel with its weight right of the middle reads to the right.
TEST(Degrade, IsCrossCorrelation) {
  tools::Picture p{8, 8, std::vector<uint8_t>(size_t{3} * 8 * 8)};
  p.rgb[size_t{3} * (4 * 8 + 5)] = 100;  // x = 5, y = 4
  std::vector<float> kernel(size_t{21} * 21);
  kernel[size_t{10} * 21 + 11] = 1;
  const std::vector<float> lr = blur_subsample(p, kernel, 2);
  EXPECT_EQ(lr[size_t{3} * (2 * 4 + 2)], 100);  // LR (2, 2) is HR (4, 4), read at (5, 4)
  EXPECT_EQ(std::accumulate(lr.begin(), lr.end(), 0.0F), 100);
}

TEST(Degrade, NoiseHasItsDeviationAndSeed) {
  std::vector<float> a(100'000), b(100'000), c(100'000);
  add_noise(a, 15, 1);
  add_noise(b, 15, 1);
  add_noise(c, 15, 2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  double sum = 0, squares = 0, fourth = 0, neighbours = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i];
    squares += std::pow(a[i], 2);
    fourth += std::pow(a[i], 4);
    if (i > 0) neighbours += static_cast<double>(a[i]) * a[i - 1];
  }
  const double n = static_cast<double>(a.size()), variance = squares / n;
  EXPECT_NEAR(sum / n, 0, 0.2);
  EXPECT_NEAR(std::sqrt(variance), 15, 0.15);
  EXPECT_NEAR(fourth / n / (variance * variance), 3, 0.1);  // a Gaussian's kurtosis
  EXPECT_NEAR(neighbours / n / variance, 0, 0.02);
}

TEST(Degrade, QuantizesLikeThePaper) {
  const std::vector<float> v = {-3.0F, 0.5F, 1.5F, 254.6F, 300.0F, 2.49F};
  EXPECT_EQ(quantize(2, 1, v).rgb, (std::vector<uint8_t>{0, 0, 2, 255, 255, 2}));
}

TEST(Degrade, CropsToAMultiple) {
  tools::Picture p{5, 7, std::vector<uint8_t>(size_t{3} * 5 * 7)};
  std::iota(p.rgb.begin(), p.rgb.end(), uint8_t{0});
  const tools::Picture out = crop_to_multiple(p, 3);
  EXPECT_EQ(out.width, 3);
  EXPECT_EQ(out.height, 6);
  EXPECT_EQ(out.rgb[9], p.rgb[15]);
  EXPECT_THROW(crop_to_multiple(p, 6), Error);
}

}  // namespace
}  // namespace cdsr::degrade
