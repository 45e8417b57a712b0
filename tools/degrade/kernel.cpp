#include "tools/degrade/kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "model/bicubic.h"
#include "model/error.h"

namespace cdsr::degrade {

const char* to_string(Alignment alignment) { return alignment == Alignment::Paper ? "paper" : "aligned"; }

std::vector<float> gaussian_kernel(int scale, double sig1, double sig2, double theta, Alignment alignment) {
  if (scale < 2 || scale > 4) fail(Errc::InvalidArgument, "kernel: scale is {}, must be 2 to 4", scale);
  if (!(sig1 > 0 && sig2 > 0 && std::isfinite(sig1) && std::isfinite(sig2)))
    fail(Errc::InvalidArgument, "kernel: variances are {} and {}, must be positive", sig1, sig2);

  // Inverse covariance, R diag(1/sig1, 1/sig2) R^T.
  const double c = std::cos(theta), s = std::sin(theta);
  const double xx = c * c / sig1 + s * s / sig2, yy = s * s / sig1 + c * c / sig2;
  const double xy = c * s * (1 / sig1 - 1 / sig2);

  const int n = kKernelSide - scale + 1;
  const int corner = alignment == Alignment::Paper ? 0 : kKernelSide - n;
  const double centre = (n - 1) / 2.0;
  std::vector<double> density(static_cast<size_t>(n) * n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      const double y = i - centre, x = j - centre;
      density[static_cast<size_t>(i) * n + j] = std::exp(-0.5 * (xx * x * x + 2 * xy * x * y + yy * y * y));
    }
  const double least =
      std::numeric_limits<double>::epsilon() * *std::max_element(density.begin(), density.end());
  double sum = 0;
  for (double& d : density) {
    if (d < least) d = 0;
    sum += d;
  }
  std::vector<float> kernel(static_cast<size_t>(kKernelSide) * kKernelSide);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      kernel[static_cast<size_t>(i + corner) * kKernelSide + j + corner] =
          static_cast<float>(density[static_cast<size_t>(i) * n + j] / sum);
  return kernel;
}

namespace {

/// outer(w, w) over its own sum.
std::vector<float> separable(const std::vector<double>& w) {
  double sum = 0;
  for (double v : w) sum += v;
  std::vector<float> kernel;
  for (double y : w)
    for (double x : w) kernel.push_back(static_cast<float>(y * x / (sum * sum)));
  return kernel;
}

}  // namespace

std::vector<float> centred_gaussian(double variance) {
  if (!(variance > 0)) fail(Errc::InvalidArgument, "kernel: variance is {}, must be positive", variance);
  std::vector<double> w;
  for (int j = -kKernelMargin; j <= kKernelMargin; ++j) w.push_back(std::exp(-j * j / (2 * variance)));
  return separable(w);
}

std::vector<float> downsampling_kernel(int scale, Downsampling kind) {
  if (scale < 2 || scale > 4) fail(Errc::InvalidArgument, "kernel: scale is {}, must be 2 to 4", scale);
  std::vector<double> w;
  for (int j = 0; j < kKernelSide; ++j) {
    const double distance = (j - kKernelMargin - (scale - 1) / 2.0) / scale;
    w.push_back(kind == Downsampling::Bicubic ? keys_cubic(distance) : std::abs(distance) < 0.5 ? 1.0 : 0.0);
  }
  return separable(w);
}

RandomKernel random_kernel(int scale, Rng& rng, Alignment alignment) {
  RandomKernel k;
  k.spec.sig1 = rng.uniform(0.3, 2.5) * scale;
  k.spec.sig2 = rng.uniform(0.3, 2.5) * scale;
  k.spec.theta = rng.uniform(0, std::numbers::pi);
  k.values = gaussian_kernel(scale, k.spec.sig1, k.spec.sig2, k.spec.theta, alignment);
  double sum = 0;
  for (float& v : k.values) {
    v *= static_cast<float>(rng.uniform(0.75, 1.25));
    sum += v;
  }
  for (float& v : k.values) v = static_cast<float>(v / sum);
  return k;
}

std::vector<KernelSpec> paper_kernels(int scale) {
  std::vector<KernelSpec> out;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b <= a; ++b)
      for (double theta : {0.0, std::numbers::pi / 4})
        if (theta == 0 || a != b) out.push_back({1.0 + a * scale, 1.0 + b * scale, theta});
  return out;
}

}  // namespace cdsr::degrade
