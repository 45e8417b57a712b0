// Noise for training data: a normal random number in about a nanosecond.
#pragma once

#include <cstdint>
#include <span>

#include "tools/media/rng.h"

namespace cdsr::degrade {

struct NoiseSpec {
  double gaussian = 0;     ///< standard deviation on 0..255
  double shot = 0;         ///< variance per unit of the signal: Poisson noise of 1 / shot counts a code value
  bool luma_only = false;  ///< the same value added to R, G and B

  bool none() const { return gaussian == 0 && shot == 0; }
};

/// Adds noise to a picture of three planes of `plane` floats on 0..255. Poisson noise is its Gaussian limit,
/// variance shot * value. The normals are the 65,536 quantiles of the distribution drawn uniformly (largest
/// 4.3). Advances `rng`.
void add_noise(const NoiseSpec& noise, std::span<float> planes, Rng& rng);

}  // namespace cdsr::degrade
