// Bicubic interpolation by a whole factor: the network's skip (Skip::Bicubic), the filter's `strength` and
// `chroma=bicubic`, and the LibTorch module use this one definition.
//
// Keys' kernel with a = -0.5. Output sample j sits at low-resolution coordinate (j + 0.5) / scale - 0.5.
// Samples outside the picture repeat its edge. No antialiasing: it only enlarges.
#pragma once

#include <cmath>

namespace cdsr {

/// The four taps of one output phase: output sample scale * i + phase is the sum over t of
/// weight[t] * in[i + first + t], indices clamped to the picture.
struct BicubicPhase {
  int first = 0;  ///< -2 or -1
  float weight[4] = {};
};

/// Keys' cubic, a = -0.5, support 2.
inline double keys_cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/// Taps of `phase` (0 to scale - 1). The weights sum to 1 but for rounding.
inline BicubicPhase bicubic_phase(int scale, int phase) {
  const double position = (phase + 0.5) / scale - 0.5;  // relative to sample i
  BicubicPhase p;
  p.first = static_cast<int>(std::floor(position)) - 1;
  for (int t = 0; t < 4; ++t) p.weight[t] = static_cast<float>(keys_cubic(position - (p.first + t)));
  return p;
}

}  // namespace cdsr
