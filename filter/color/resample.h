// One-dimensional filters of the colour path: upscaling by a small integer, and halving.
//
// All of them are Keys' cubic with a = -0.5 (Catmull-Rom, model/bicubic.h); edges repeat the last sample.
#pragma once

#include "model/bicubic.h"

namespace cdsr {

/// Upscaling by `scale` along one axis: output sample j lies at input position j / scale + offset.
BicubicTaps make_taps(int scale, double offset);

/// Offset of make_taps() for a plane whose sample grid has pitch `pitch` (1: luma, 2: halved chroma) and
/// whose sample 0 lies `site` luma pixels from the centre of luma sample 0, before and after scaling the
/// picture.
double picture_offset(int scale, int pitch, double site);

/// Halving: out[c] = sum over k of coefficient[k] in[2 c - 3 + k]; the kernel is stretched by 2, so nothing
/// aliases.
struct Halver {
  float coefficient[8] = {};

  /// Output sample c lies at input position 2 c + site; site is 0, 0.5 or 1.
  static Halver make(double site);
};

}  // namespace cdsr
