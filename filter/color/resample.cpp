#include "filter/color/resample.h"

#include <cmath>

namespace cdsr {

BicubicTaps make_taps(int scale, double offset) {
  BicubicTaps taps;
  taps.scale = scale;
  for (int ph = 0; ph < scale; ++ph) {
    const double position = static_cast<double>(ph) / scale + offset;
    BicubicPhase& phase = taps.phase[ph];
    phase.first = static_cast<int>(std::floor(position)) - 1;
    for (int k = 0; k < 4; ++k)
      phase.weight[k] = static_cast<float>(keys_cubic(position - (phase.first + k)));
  }
  return taps;
}

double picture_offset(int scale, int pitch, double site) {
  // Measured from the picture's edge, in luma pixels, sample i lies at pitch * i + site + 0.5 before and
  // after; an output position is `scale` times the input position.
  return (site + 0.5) / pitch * (1.0 / scale - 1);
}

Halver Halver::make(double site) {
  Halver half;
  double weight[8];
  double sum = 0;
  for (int k = 0; k < 8; ++k) sum += weight[k] = keys_cubic((k - 3 - site) / 2);
  for (int k = 0; k < 8; ++k) half.coefficient[k] = static_cast<float>(weight[k] / sum);
  return half;
}

}  // namespace cdsr
