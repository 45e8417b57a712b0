// The inner loops of the filter, each over a stretch of one row. One table for each instruction set.
//
// The tables give the same bits: they are compiled from one source without contraction of a * b + c, and
// every sum is written in a fixed order. Pointers need the alignment of their type; source and destination
// must not overlap; nothing is read or written outside the n samples (or what is said).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "filter/color/color_spec.h"
#include "filter/color/resample.h"

namespace cdsr {

/// How codes lie in memory, and their numbers.
struct CodeLayout {
  ptrdiff_t step = 1;  ///< samples from one to the next
  int shift = 0;       ///< value = (word >> shift) & mask
  unsigned mask = 0xFFFF;
  bool big_endian = false;  ///< words of more than a byte
  Quantizer quantizer;
};

struct RowKernels {
  const char* isa;  ///< "base", "avx2", "neon"

  /// dst[i] = code i * scale + offset.
  void (*load8)(const uint8_t* src, const CodeLayout& layout, int n, float* dst);
  void (*load16)(const uint16_t* src, const CodeLayout& layout, int n, float* dst);
  void (*load32)(const uint32_t* src, const CodeLayout& layout, int n, float* dst);

  /// Code i = floor(clamp(src[i] * gain + base, low, high) + dither[i]).
  void (*store8)(const float* src, const CodeLayout& layout, const float* dither, int n, uint8_t* dst);
  void (*store16)(const float* src, const CodeLayout& layout, const float* dither, int n, uint16_t* dst);
  /// Leaves the other bits of the words as they are.
  void (*store32)(const float* src, const CodeLayout& layout, const float* dither, int n, uint32_t* dst);

  /// Y'CbCr to R'G'B', clipped to [0,1].
  void (*ycbcr_to_rgb)(const float* y, const float* cb, const float* cr, const MatrixCoefficients& m, int n,
                       float* r, float* g, float* b);
  /// R'G'B', clipped to [0,1] first, to Y'CbCr. NaN counts as 0.
  void (*rgb_to_ycbcr)(const float* r, const float* g, const float* b, const MatrixCoefficients& m, int n,
                       float* y, float* cb, float* cr);
  void (*rgb_to_y)(const float* r, const float* g, const float* b, const MatrixCoefficients& m, int n,
                   float* y);

  /// dst = src clipped to [0,1]; NaN becomes 0.
  void (*clip)(const float* src, int n, float* dst);
  /// dst = base + amount (clip(top) - base).
  void (*mix)(const float* base, const float* top, float amount, int n, float* dst);
  /// dst = base + (to - from).
  void (*shift)(const float* base, const float* from, const float* to, int n, float* dst);

  /// dst = sum of c[k] rows[k].
  void (*blend4)(const float* const rows[4], const float c[4], int n, float* dst);
  void (*blend8)(const float* const rows[8], const float c[8], int n, float* dst);

  /// Whole groups: dst[0 .. scale * groups) of the upscaler; src is its input sample -2, read up to groups
  /// + 5.
  void (*upscale)(const float* src, const BicubicTaps& up, int groups, float* dst);
  /// Is any of src, which holds codes, outside [low, high]?
  bool (*leaves)(const float* src, int n, float low, float high);
  /// dst = src - (src cut to [low, high]).
  void (*excess)(const float* src, int n, float low, float high, float* dst);
  /// dst = code of src, cut to the legal ones, + excess.
  void (*add_excess)(const float* src, const Quantizer& quantizer, const float* excess, int n, float* dst);

  /// dst[i] = sum of c[k] src[2 i + k].
  void (*halve)(const float* src, const float c[8], int n, float* dst);

  /// sums[i] += code i.
  void (*accumulate8)(const uint8_t* src, int n, uint32_t* sums);
  void (*accumulate16)(const uint16_t* src, int shift, unsigned mask, int n, uint32_t* sums);
};

/// The fastest table this processor runs.
const RowKernels& row_kernels();

/// All tables this processor runs, slowest first. For tests and benchmarks.
std::span<const RowKernels* const> all_row_kernels();

}  // namespace cdsr
