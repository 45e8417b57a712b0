#include "filter/color/row_kernels.h"

#include <vector>

// GCC makes vectors of these loops. What SSE4 and AVX-512 have for them does not show.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "filter/color/row_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each set of instructions
#include <hwy/highway.h>

#include "model/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace cdsr::HWY_NAMESPACE {
namespace {

// The comparison is false for NaN, so NaN becomes 0.
inline float clip01(float x) {
  x = x > 0.0F ? x : 0.0F;
  return x < 1.0F ? x : 1.0F;
}

// NaN becomes `low`.
inline float cut(float v, float low, float high) {
  v = v > low ? v : low;
  return v < high ? v : high;
}

inline uint8_t swapped(uint8_t word) { return word; }
inline uint16_t swapped(uint16_t word) { return __builtin_bswap16(word); }
inline uint32_t swapped(uint32_t word) { return __builtin_bswap32(word); }

template <typename T, int kStep, bool kSwap>
void load_step(const T* __restrict src, ptrdiff_t step, int shift, unsigned mask, float scale, float offset,
               int n, float* __restrict dst) {
  for (int i = 0; i < n; ++i) {
    const T word = src[i * (kStep != 0 ? kStep : step)];
    const auto code = static_cast<int>(((kSwap ? swapped(word) : word) >> shift) & mask);
    dst[i] = static_cast<float>(code) * scale + offset;
  }
}

template <typename T, bool kSwap>
void load_words(const T* src, const CodeLayout& layout, int n, float* dst) {
  const float scale = layout.quantizer.scale;
  const float offset = layout.quantizer.offset;
  const auto loop = layout.step == 1   ? load_step<T, 1, kSwap>
                    : layout.step == 2 ? load_step<T, 2, kSwap>
                    : layout.step == 4 ? load_step<T, 4, kSwap>
                                       : load_step<T, 0, kSwap>;
  loop(src, layout.step, layout.shift, layout.mask, scale, offset, n, dst);
}

template <typename T>
void load(const T* src, const CodeLayout& layout, int n, float* dst) {
  if (sizeof(T) > 1 && layout.big_endian) {
    load_words<T, true>(src, layout, n, dst);
  } else {
    load_words<T, false>(src, layout, n, dst);
  }
}

template <typename T, bool kDense, bool kSwap>
void store_step(const float* __restrict src, const CodeLayout& layout, const float* __restrict dither, int n,
                T* __restrict dst) {
  const float gain = layout.quantizer.gain;
  const float base = layout.quantizer.base;
  const float low = layout.quantizer.low;
  const float high = layout.quantizer.high;
  const int shift = layout.shift;
  const ptrdiff_t step = kDense ? 1 : layout.step;
  [[maybe_unused]] const auto others = static_cast<T>(~(layout.mask << shift));
  for (int i = 0; i < n; ++i) {
    const float v = cut(src[i] * gain + base, low, high);
    auto word = static_cast<T>(static_cast<unsigned>(static_cast<int>(v + dither[i])) << shift);
    // Words of 32 bits have the other components in them.
    if constexpr (sizeof(T) == 4) word |= (kSwap ? swapped(dst[i * step]) : dst[i * step]) & others;
    dst[i * step] = kSwap ? swapped(word) : word;
  }
}

template <typename T, bool kSwap>
void store_words(const float* src, const CodeLayout& layout, const float* dither, int n, T* dst) {
  if (layout.step == 1) {
    store_step<T, true, kSwap>(src, layout, dither, n, dst);
  } else {
    store_step<T, false, kSwap>(src, layout, dither, n, dst);
  }
}

template <typename T>
void store(const float* src, const CodeLayout& layout, const float* dither, int n, T* dst) {
  if (sizeof(T) > 1 && layout.big_endian) {
    store_words<T, true>(src, layout, dither, n, dst);
  } else {
    store_words<T, false>(src, layout, dither, n, dst);
  }
}

void ycbcr_to_rgb(const float* __restrict y, const float* __restrict cb, const float* __restrict cr,
                  const MatrixCoefficients& m, int n, float* __restrict r, float* __restrict g,
                  float* __restrict b) {
  const float rr = m.cr_to_r;
  const float gb = m.cb_to_g;
  const float gr = m.cr_to_g;
  const float bb = m.cb_to_b;
  for (int i = 0; i < n; ++i) {
    r[i] = clip01(y[i] + rr * cr[i]);
    g[i] = clip01(y[i] + (gb * cb[i] + gr * cr[i]));
    b[i] = clip01(y[i] + bb * cb[i]);
  }
}

void rgb_to_ycbcr(const float* __restrict r, const float* __restrict g, const float* __restrict b,
                  const MatrixCoefficients& m, int n, float* __restrict y, float* __restrict cb,
                  float* __restrict cr) {
  const float kr = m.kr;
  const float kg = m.kg;
  const float kb = m.kb;
  const float to_cb = m.b_to_cb;
  const float to_cr = m.r_to_cr;
  for (int i = 0; i < n; ++i) {
    const float red = clip01(r[i]);
    const float blue = clip01(b[i]);
    const float luma = kr * red + kg * clip01(g[i]) + kb * blue;
    y[i] = luma;
    cb[i] = (blue - luma) * to_cb;
    cr[i] = (red - luma) * to_cr;
  }
}

void rgb_to_y(const float* __restrict r, const float* __restrict g, const float* __restrict b,
              const MatrixCoefficients& m, int n, float* __restrict y) {
  const float kr = m.kr;
  const float kg = m.kg;
  const float kb = m.kb;
  for (int i = 0; i < n; ++i) y[i] = kr * clip01(r[i]) + kg * clip01(g[i]) + kb * clip01(b[i]);
}

void clip(const float* __restrict src, int n, float* __restrict dst) {
  for (int i = 0; i < n; ++i) dst[i] = clip01(src[i]);
}

void mix(const float* __restrict base, const float* __restrict top, float amount, int n,
         float* __restrict dst) {
  for (int i = 0; i < n; ++i) dst[i] = base[i] + amount * (clip01(top[i]) - base[i]);
}

void shift(const float* __restrict base, const float* __restrict from, const float* __restrict to, int n,
           float* __restrict dst) {
  for (int i = 0; i < n; ++i) dst[i] = base[i] + (to[i] - from[i]);
}

void blend4(const float* const rows[4], const float c[4], int n, float* __restrict dst) {
  const float* __restrict a0 = rows[0];
  const float* __restrict a1 = rows[1];
  const float* __restrict a2 = rows[2];
  const float* __restrict a3 = rows[3];
  const float c0 = c[0];
  const float c1 = c[1];
  const float c2 = c[2];
  const float c3 = c[3];
  for (int i = 0; i < n; ++i) dst[i] = (c0 * a0[i] + c1 * a1[i]) + (c2 * a2[i] + c3 * a3[i]);
}

void blend8(const float* const rows[8], const float c[8], int n, float* __restrict dst) {
  const float* __restrict a0 = rows[0];
  const float* __restrict a1 = rows[1];
  const float* __restrict a2 = rows[2];
  const float* __restrict a3 = rows[3];
  const float* __restrict a4 = rows[4];
  const float* __restrict a5 = rows[5];
  const float* __restrict a6 = rows[6];
  const float* __restrict a7 = rows[7];
  const float c0 = c[0];
  const float c1 = c[1];
  const float c2 = c[2];
  const float c3 = c[3];
  const float c4 = c[4];
  const float c5 = c[5];
  const float c6 = c[6];
  const float c7 = c[7];
  for (int i = 0; i < n; ++i) {
    dst[i] = ((c0 * a0[i] + c1 * a1[i]) + (c2 * a2[i] + c3 * a3[i])) +
             ((c4 * a4[i] + c5 * a5[i]) + (c6 * a6[i] + c7 * a7[i]));
  }
}

template <int kScale>
void upscale_by(const float* __restrict src, const BicubicTaps& up, int groups, float* __restrict dst) {
  float c[kScale][4];
  const float* __restrict at[kScale];
  for (int ph = 0; ph < kScale; ++ph) {
    at[ph] = src + 2 + up.phase[ph].first;
    for (int k = 0; k < 4; ++k) c[ph][k] = up.phase[ph].weight[k];
  }
  for (int q = 0; q < groups; ++q) {
    for (int ph = 0; ph < kScale; ++ph) {
      const float* a = at[ph] + q;
      dst[q * kScale + ph] = (c[ph][0] * a[0] + c[ph][1] * a[1]) + (c[ph][2] * a[2] + c[ph][3] * a[3]);
    }
  }
}

void upscale(const float* src, const BicubicTaps& up, int groups, float* dst) {
  if (up.scale == 2) upscale_by<2>(src, up, groups, dst);
  if (up.scale == 3) upscale_by<3>(src, up, groups, dst);
  if (up.scale == 4) upscale_by<4>(src, up, groups, dst);
}

void halve(const float* __restrict src, const float c[8], int n, float* __restrict dst) {
  const float c0 = c[0];
  const float c1 = c[1];
  const float c2 = c[2];
  const float c3 = c[3];
  const float c4 = c[4];
  const float c5 = c[5];
  const float c6 = c[6];
  const float c7 = c[7];
  for (int i = 0; i < n; ++i) {
    const float* a = src + ptrdiff_t{2} * i;
    dst[i] = ((c0 * a[0] + c1 * a[1]) + (c2 * a[2] + c3 * a[3])) +
             ((c4 * a[4] + c5 * a[5]) + (c6 * a[6] + c7 * a[7]));
  }
}

bool leaves(const float* __restrict src, int n, float low, float high) {
  int out = 0;
  for (int i = 0; i < n; ++i) out |= static_cast<int>(src[i] < low) | static_cast<int>(src[i] > high);
  return out != 0;
}

void excess(const float* __restrict src, int n, float low, float high, float* __restrict dst) {
  for (int i = 0; i < n; ++i) dst[i] = src[i] - cut(src[i], low, high);
}

void add_excess(const float* __restrict src, const Quantizer& quantizer, const float* __restrict more, int n,
                float* __restrict dst) {
  const float gain = quantizer.gain;
  const float base = quantizer.base;
  const float low = quantizer.low;
  const float high = quantizer.high;
  for (int i = 0; i < n; ++i) dst[i] = cut(src[i] * gain + base, low, high) + more[i];
}

void accumulate8(const uint8_t* __restrict src, int n, uint32_t* __restrict sums) {
  for (int i = 0; i < n; ++i) sums[i] += src[i];
}

void accumulate16(const uint16_t* __restrict src, int shift, unsigned mask, int n,
                  uint32_t* __restrict sums) {
  for (int i = 0; i < n; ++i) sums[i] += (static_cast<unsigned>(src[i]) >> shift) & mask;
}

constexpr RowKernels kTable = {
    HWY_TARGET == HWY_AVX2   ? "avx2"
    : HWY_TARGET == HWY_NEON ? "neon"
                             : "base",
    load<uint8_t>,
    load<uint16_t>,
    load<uint32_t>,
    store<uint8_t>,
    store<uint16_t>,
    store<uint32_t>,
    ycbcr_to_rgb,
    rgb_to_ycbcr,
    rgb_to_y,
    clip,
    mix,
    shift,
    blend4,
    blend8,
    upscale,
    leaves,
    excess,
    add_excess,
    halve,
    accumulate8,
    accumulate16,
};

const RowKernels& table() { return kTable; }

}  // namespace
}  // namespace cdsr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cdsr {
namespace {

HWY_EXPORT(table);

std::vector<const RowKernels*> find_tables() {
  std::vector<const RowKernels*> tables;
  int64_t left = hwy::SupportedTargets();
  for (;; left &= left - 1) {  // without the best of them
    hwy::ChosenTarget target;
    target.Update(left);
    const RowKernels* const best = &dispatch_entry(HWY_DISPATCH_TABLE(table), target)();
    if (tables.empty() || tables.front() != best) tables.insert(tables.begin(), best);
    if (left == 0) return tables;
  }
}

}  // namespace

std::span<const RowKernels* const> all_row_kernels() {
  static const std::vector<const RowKernels*> tables = find_tables();
  return tables;
}

const RowKernels& row_kernels() {
  static const RowKernels& best = *all_row_kernels().back();
  return best;
}

}  // namespace cdsr
#endif
