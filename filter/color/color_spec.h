// From the colour tags of a frame to numbers.
#pragma once

#include <cstdint>

#include "filter/format/pixel_format.h"

namespace cdsr {

/// R'G'B' <-> Y'CbCr, all in nominal units: R'G'B' and Y' in [0,1], Cb and Cr in [-0.5, 0.5].
struct MatrixCoefficients {
  float kr = 0, kg = 0, kb = 0;    ///< Y' = kr R' + kg G' + kb B'
  float cb_to_b = 0, cr_to_r = 0;  ///< B' = Y' + cb_to_b Cb
  float cb_to_g = 0, cr_to_g = 0;  ///< G' = Y' + cb_to_g Cb + cr_to_g Cr
  float b_to_cb = 0, r_to_cr = 0;  ///< Cb = (B' - Y') b_to_cb
};

/// Code values <-> nominal units of one component.
struct Quantizer {
  float scale = 1, offset = 0;  ///< nominal = code * scale + offset
  float gain = 1, base = 0;     ///< code = nominal * gain + base
  float low = 0, high = 255;    ///< legal codes
};

/// The resolved colour of a frame. Tags are cdsr.h's numbers; none is "unspecified" where it matters.
struct ColorSpec {
  int32_t matrix = 0, range = 0, chroma_location = 0;
  bool guessed_matrix = false;
  MatrixCoefficients coefficients;
  Quantizer luma;    ///< of Y', R', G', B'
  Quantizer chroma;  ///< of Cb, Cr
  Quantizer alpha;   ///< always full range
  /// Where chroma sample 0 lies, in luma pixels from the centre of luma sample 0: 0, 0.5 or 1.
  double chroma_x = 0, chroma_y = 0;
};

/// Resolves a frame's tags by the rules of cdsr.h; guesses come from the size of the input. Throws
/// Unsupported for a matrix that is no matrix of R'G'B' (naming it) and InvalidArgument for a tag that does
/// not exist.
ColorSpec resolve_color(const PixelFormat& format, int width, int height, int32_t matrix, int32_t range,
                        int32_t chroma_location);

}  // namespace cdsr
