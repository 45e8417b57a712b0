// The paper's blur kernels: anisotropic Gaussians (paper section 4.1; as the published code draws them).
#pragma once

#include <vector>

namespace cdsr::degrade {

/// Where the n x n kernel (n = 21 - scale + 1) lies in its 21 x 21 array, and so where low-resolution pixel i
/// sits on the high-resolution grid.
enum class Alignment {
  Paper,    ///< upper left: pixel i at scale * i - (scale - 1) / 2, as the paper's numbers were made
  Aligned,  ///< lower right: pixel i at scale * i + (scale - 1) / 2, where every ordinary upscaler puts it
};

/// Side of the array a kernel is stored in.
inline constexpr int kKernelSide = 21;

/// A kernel's parameters: eigenvalues of the covariance (variances, in high-resolution pixels squared) and
/// the angle of the first eigenvector in radians.
struct KernelSpec {
  double sig1, sig2, theta;
};

/// The density on the n x n grid, values under eps * max set to 0, normalized to sum 1, placed in 21 x 21
/// floats, row major. scale 2..4; sig1, sig2 > 0. Throws InvalidArgument.
std::vector<float> gaussian_kernel(int scale, double sig1, double sig2, double theta, Alignment alignment);

/// The evaluation's nine kernels of a scale: sig1, sig2 in {1, 1 + s, 1 + 2 s}, sig2 <= sig1, theta in {0, pi
/// / 4}, no angle where sig1 = sig2.
std::vector<KernelSpec> paper_kernels(int scale);

}  // namespace cdsr::degrade
