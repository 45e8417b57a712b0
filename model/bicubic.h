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
  int first = -1;  ///< -2 or -1 where output samples lie evenly around their input sample
  float weight[4] = {0, 1, 0, 0};
};

/// Taps of all phases of an enlargement by `scale`.
struct BicubicTaps {
  int scale = 1;
  BicubicPhase phase[4];
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
inline BicubicTaps bicubic_taps(int scale) {
  BicubicTaps taps;
  taps.scale = scale;
  for (int p = 0; p < scale; ++p) taps.phase[p] = bicubic_phase(scale, p);
  return taps;
}

}  // namespace cdsr
