// The blur kernels of the paper (section 4.1): anisotropic Gaussians.
#pragma once

#include <vector>

#include "tools/media/rng.h"

namespace cdsr::degrade {

/// Where the s-fold subsampled picture lies on the full one.
enum class Alignment {
  Paper,    ///< LR pixel i at HR coordinate s i - (s-1)/2: the published code's. For the paper's tables alone
  Aligned,  ///< LR pixel i at s i + (s-1)/2, as every ordinary upscaler has it. For everything else
};

const char* to_string(Alignment alignment);

/// Side of the array a kernel is stored in, for every scale.
inline constexpr int kKernelSide = 21;
/// What a picture is padded with before the blur.
inline constexpr int kKernelMargin = kKernelSide / 2;

/// A kernel for `scale` (2..4): 21 x 21 values, row major, sum 1. sig1 and sig2 are the eigenvalues of the
/// covariance in square HR pixels: VARIANCES, not standard deviations. theta (radians) turns the axis of sig1
/// from the x axis towards growing y. The Gaussian itself is n x n, n = 22 - scale, in the array's upper left
/// (Paper) or lower right (Aligned); used as a cross-correlation centred on the array it gives the alignment.
/// Throws InvalidArgument for another scale or variances that are not positive.
std::vector<float> gaussian_kernel(int scale, double sig1, double sig2, double theta, Alignment alignment);

/// An isotropic Gaussian of this variance (square HR pixels) in the middle of the array: it moves nothing.
std::vector<float> centred_gaussian(double variance);

/// How a picture is made small by averaging.
enum class Downsampling {
  Bicubic,  ///< Keys' cubic, a = -0.5, widened by the scale: the papers' "bicubic"
  Area,     ///< mean of scale x scale pixels
};

/// The weights of a resize by 1 / scale (2..4) as a kernel: 21 x 21, aligned, sum 1.
std::vector<float> downsampling_kernel(int scale, Downsampling kind);

/// One kernel of the paper's evaluation.
struct KernelSpec {
  double sig1, sig2, theta;
};

/// A kernel and the Gaussian it was made from.
struct RandomKernel {
  KernelSpec spec;
  std::vector<float> values;  ///< 21 x 21, sum 1
};

/// A kernel like those of DIV2KRK (Bell-Kligler, Shocher, Irani 2019): an anisotropic Gaussian of variances
/// U(0.6, 5) at x2 and in proportion to the scale, any angle, each tap multiplied by U(0.75, 1.25).
RandomKernel random_kernel(int scale, Rng& rng, Alignment alignment);

/// The nine kernels of the paper's evaluation for `scale`: sig1 in {1, 1+s, 1+2s}, sig2 in the same set up to
/// sig1, theta in {0, pi/4}, the second only where sig1 and sig2 differ.
std::vector<KernelSpec> paper_kernels(int scale);

}  // namespace cdsr::degrade
