// The degradation of the paper (section 4.1): blur, subsample, noise, 8 bit. One thread; safe from many.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tools/media/image_io.h"

namespace cdsr::degrade {

/// Blurs with a 21 x 21 kernel (cross-correlation, edge pixels replicated) and keeps rows and columns 0, s,
/// 2s, ... Interleaved RGB on 0..255, ceil(width / scale) x ceil(height / scale), not rounded.
std::vector<float> blur_subsample(const tools::Picture& hr, std::span<const float> kernel, int scale);

/// Adds Gaussian noise of standard deviation `sigma` (0..255 scale) to every value. The same seed gives the
/// same noise.
void add_noise(std::span<float> values, double sigma, uint64_t seed);

/// Clamped to 0..255 and rounded to nearest even, as the paper's code does.
tools::Picture quantize(int width, int height, std::span<const float> rgb);
/// The same of some values; `to` has room for them.
void quantize(std::span<const float> rgb, uint8_t* to);

/// blur_subsample, add_noise (none for sigma 0), quantize: the network's input.
tools::Picture degrade(const tools::Picture& hr, std::span<const float> kernel, int scale, double sigma,
                       uint64_t seed);

/// The upper left part whose sides are multiples of `multiple`. Throws InvalidArgument if that is empty.
tools::Picture crop_to_multiple(const tools::Picture& picture, int multiple);

}  // namespace cdsr::degrade
