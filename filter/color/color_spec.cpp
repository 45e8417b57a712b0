#include "filter/color/color_spec.h"

#include "filter/include/cdsr/cdsr.h"
#include "model/error.h"

namespace cdsr {
namespace {

struct NamedMatrix {
  int32_t id;
  const char* name;
  double kr, kb;  ///< 0: known by name, but not a matrix of R'G'B'
};

constexpr NamedMatrix kMatrices[] = {
    {CDSR_MATRIX_RGB, "RGB (identity)", 0, 0},
    {CDSR_MATRIX_BT709, "BT.709", 0.2126, 0.0722},
    {CDSR_MATRIX_FCC, "FCC", 0.30, 0.11},
    {CDSR_MATRIX_BT470BG, "BT.470BG", 0.299, 0.114},
    {CDSR_MATRIX_SMPTE170M, "SMPTE 170M", 0.299, 0.114},
    {CDSR_MATRIX_SMPTE240M, "SMPTE 240M", 0.212, 0.087},
    {8, "YCgCo", 0, 0},
    {CDSR_MATRIX_BT2020_NCL, "BT.2020 non-constant luminance", 0.2627, 0.0593},
    {10, "BT.2020 constant luminance", 0, 0},
    {11, "SMPTE 2085 (Y'D'zD'x)", 0, 0},
    {12, "chromaticity-derived non-constant luminance", 0, 0},
    {13, "chromaticity-derived constant luminance", 0, 0},
    {14, "ICtCp", 0, 0},
    {15, "IPT-C2", 0, 0},
    {16, "YCgCo-Re", 0, 0},
    {17, "YCgCo-Ro", 0, 0},
};

MatrixCoefficients coefficients_of(double kr, double kb) {
  const double kg = 1 - kr - kb;
  const double cb_to_b = 2 * (1 - kb);
  const double cr_to_r = 2 * (1 - kr);
  MatrixCoefficients m;
  m.kr = static_cast<float>(kr);
  m.kg = static_cast<float>(kg);
  m.kb = static_cast<float>(kb);
  m.cb_to_b = static_cast<float>(cb_to_b);
  m.cr_to_r = static_cast<float>(cr_to_r);
  m.cb_to_g = static_cast<float>(-kb * cb_to_b / kg);
  m.cr_to_g = static_cast<float>(-kr * cr_to_r / kg);
  m.b_to_cb = static_cast<float>(1 / cb_to_b);
  m.r_to_cr = static_cast<float>(1 / cr_to_r);
  return m;
}

MatrixCoefficients find_matrix(int32_t id) {
  for (const NamedMatrix& matrix : kMatrices) {
    if (matrix.id != id) continue;
    if (matrix.kr == 0) {
      fail(Errc::Unsupported,
           "matrix coefficients {} ({}) in a YUV format; supported: BT.709, FCC, BT.470BG, SMPTE 170M, "
           "SMPTE 240M, BT.2020 non-constant luminance",
           id, matrix.name);
    }
    return coefficients_of(matrix.kr, matrix.kb);
  }
  fail(Errc::Unsupported, "matrix coefficients {}: not known", id);
}

/// code = nominal * gain + base.
Quantizer quantizer(double gain, double base, double low, double high) {
  return {static_cast<float>(1 / gain), static_cast<float>(-base / gain), static_cast<float>(gain),
          static_cast<float>(base),     static_cast<float>(low),          static_cast<float>(high)};
}

void set_range(ColorSpec& spec, const PixelFormat& format) {
  const int bits = format.bits;
  const double k = 1 << (bits - 8);
  const double max = (1 << bits) - 1;
  if (spec.range == CDSR_RANGE_LIMITED) {
    spec.luma = quantizer(219 * k, 16 * k, 16 * k, 235 * k);
    spec.chroma = quantizer(224 * k, 128 * k, 16 * k, 240 * k);
  } else {
    spec.luma = quantizer(max, 0, 0, max);
    spec.chroma = quantizer(max, 128 * k, 0, max);
  }
  if (format.has(3)) spec.alpha = quantizer(format.max_code(3), 0, 0, format.max_code(3));
}

void set_siting(ColorSpec& spec, const PixelFormat& format) {
  if (spec.chroma_location == CDSR_CHROMA_LOCATION_UNSPECIFIED) {
    spec.chroma_location = CDSR_CHROMA_LOCATION_LEFT;
  }
  const int32_t at = spec.chroma_location;
  const bool left = at == CDSR_CHROMA_LOCATION_LEFT || at == CDSR_CHROMA_LOCATION_TOPLEFT ||
                    at == CDSR_CHROMA_LOCATION_BOTTOMLEFT;
  const bool top = at == CDSR_CHROMA_LOCATION_TOP || at == CDSR_CHROMA_LOCATION_TOPLEFT;
  const bool bottom = at == CDSR_CHROMA_LOCATION_BOTTOM || at == CDSR_CHROMA_LOCATION_BOTTOMLEFT;
  spec.chroma_x = format.log2_w == 0 || left ? 0 : 0.5;
  spec.chroma_y = format.log2_h == 0 || top ? 0 : bottom ? 1 : 0.5;
}

}  // namespace

ColorSpec resolve_color(const PixelFormat& format, int width, int height, int32_t matrix, int32_t range,
                        int32_t chroma_location) {
  if (range < CDSR_RANGE_UNSPECIFIED || range > CDSR_RANGE_FULL) {
    fail(Errc::InvalidArgument, "colour range {}: must be 0 (unspecified), 1 (limited) or 2 (full)", range);
  }
  if (chroma_location < CDSR_CHROMA_LOCATION_UNSPECIFIED || chroma_location > CDSR_CHROMA_LOCATION_BOTTOM) {
    fail(Errc::InvalidArgument, "chroma location {}: must be 0..{}", chroma_location,
         static_cast<int>(CDSR_CHROMA_LOCATION_BOTTOM));
  }
  ColorSpec spec;
  spec.matrix = matrix;
  spec.range = range;
  spec.chroma_location = chroma_location;
  const bool yuv = format.model == ColorModel::Yuv;
  if (range == CDSR_RANGE_UNSPECIFIED) spec.range = yuv ? CDSR_RANGE_LIMITED : CDSR_RANGE_FULL;
  if (yuv) {
    if (matrix == CDSR_MATRIX_UNSPECIFIED) {
      spec.guessed_matrix = true;
      spec.matrix = width >= 1280 || height > 576 ? CDSR_MATRIX_BT709 : CDSR_MATRIX_SMPTE170M;
    }
    spec.coefficients = find_matrix(spec.matrix);
  } else {
    // What "luma" means where the format does not say: gray output of the network, chroma=bicubic of RGB.
    spec.coefficients = find_matrix(CDSR_MATRIX_BT709);
    if (format.model == ColorModel::Rgb) spec.matrix = CDSR_MATRIX_RGB;
  }
  if (yuv && format.log2_w > 0) set_siting(spec, format);
  set_range(spec, format);
  return spec;
}

}  // namespace cdsr
