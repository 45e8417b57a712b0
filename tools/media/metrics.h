// PSNR and SSIM on the luma, as the paper's tables have them.
#pragma once

#include "tools/media/image_io.h"

namespace cdsr::tools {

/// PSNR in dB of the luma difference (weights 65.738, 129.057, 25.064 over 256), `shave` pixels left out at
/// each edge; infinity for equal pictures. Throws InvalidArgument when the sizes differ or nothing is left.
double psnr_y(const Picture& a, const Picture& b, int shave);

/// Mean SSIM of the luma (65.481, 128.553, 24.966 over 255, plus 16, not rounded), `shave` pixels left out at
/// each edge, 11 x 11 Gaussian window of standard deviation 1.5, where it fits. Throws as psnr_y(); at least
/// 11 x 11 pixels must be left.
double ssim_y(const Picture& a, const Picture& b, int shave);

}  // namespace cdsr::tools
