#include "tools/degrade/kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "model/error.h"

namespace cdsr::degrade {

std::vector<float> gaussian_kernel(int scale, double sig1, double sig2, double theta, Alignment alignment) {
  if (scale < 2 || scale > 4) fail(Errc::InvalidArgument, "kernel: scale is {}, must be 2 to 4", scale);
  if (!(sig1 > 0) || !(sig2 > 0))
    fail(Errc::InvalidArgument, "kernel: variances are {} and {}, must be above 0", sig1, sig2);
  const int n = kKernelSide - scale + 1;
  // Inverse of R diag(sig1, sig2) R^T.
  const double c = std::cos(theta), s = std::sin(theta);
  const double xx = c * c / sig1 + s * s / sig2;
  const double yy = s * s / sig1 + c * c / sig2;
  const double xy = c * s * (1 / sig1 - 1 / sig2);

  std::vector<double> density(static_cast<size_t>(n) * n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      const double y = i - (n - 1) / 2.0, x = j - (n - 1) / 2.0;
      density[static_cast<size_t>(i) * n + j] = std::exp(-0.5 * (xx * x * x + 2 * xy * x * y + yy * y * y));
    }
  const double floor =
      std::numeric_limits<double>::epsilon() * *std::max_element(density.begin(), density.end());
  double sum = 0;
  for (double& d : density) {
    if (d < floor) d = 0;
    sum += d;
  }
  const int offset = alignment == Alignment::Paper ? 0 : kKernelSide - n;
  std::vector<float> kernel(kKernelSide * kKernelSide, 0.0F);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      kernel[static_cast<size_t>(i + offset) * kKernelSide + j + offset] =
          static_cast<float>(density[static_cast<size_t>(i) * n + j] / sum);
  return kernel;
}

std::vector<KernelSpec> paper_kernels(int scale) {
  std::vector<KernelSpec> kernels;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j <= i; ++j) {
      const double sig1 = 1 + i * scale, sig2 = 1 + j * scale;
      kernels.push_back({sig1, sig2, 0});
      if (i != j) kernels.push_back({sig1, sig2, std::numbers::pi / 4});
    }
  return kernels;
}

}  // namespace cdsr::degrade
