#include "tools/degrade/blur.h"

#include <algorithm>
#include <cmath>

#include "tools/degrade/kernel.h"

// The sums fill the registers of AVX2.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tools/degrade/blur.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each set of instructions
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cdsr::degrade::HWY_NAMESPACE {
namespace {

// Vectors of the compiler's: arrays of floats would not stay in registers while all taps are added.
using Vector [[gnu::vector_size(32)]] = float;
constexpr int kVectors = kBlock / 8;  // sums in flight, which hide the latency of an addition

/// One row of the result. phases[i * scale + p] is every scale-th pixel of input row i, from pixel p on.
void blur_row(const float* phases, ptrdiff_t phase_size, const TrimmedKernel& k, int scale, int width,
              float* out) {
  for (int x = 0; x < width; x += kBlock) {
    Vector sum[kVectors] = {};
    const float* tap = k.taps.data();
    for (int i = 0; i < k.rows; ++i)
      for (int j = 0, phase = 0, shift = 0; j < k.columns; ++j, ++tap) {
        const float* in = phases + (i * scale + phase) * phase_size + shift + x;
        if (++phase == scale) phase = 0, ++shift;
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
          Vector pixels;
          __builtin_memcpy(&pixels, in + ptrdiff_t{8} * v, sizeof pixels);  // one unaligned load
          sum[v] += *tap * pixels;
        }
      }
    __builtin_memcpy(out + x, sum, sizeof(float) * HWY_MIN(kBlock, width - x));
  }
}

}  // namespace
}  // namespace cdsr::degrade::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cdsr::degrade {
namespace {

HWY_EXPORT(blur_row);

}  // namespace

TrimmedKernel::TrimmedKernel(std::span<const float> kernel) {
  constexpr int n = kKernelSide;
  const float least = 3e-4F * *std::max_element(kernel.begin(), kernel.end());  // bicubic's has negative taps
  int top = n, bottom = 0, left = n, right = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      if (std::abs(kernel[static_cast<size_t>(i) * n + j]) >= least) {
        top = std::min(top, i), bottom = std::max(bottom, i + 1);
        left = std::min(left, j), right = std::max(right, j + 1);
      }
  first_row = top, first_column = left, rows = bottom - top, columns = right - left;
  double sum = 0;
  for (int i = top; i < bottom; ++i)
    for (int j = left; j < right; ++j) {
      taps.push_back(kernel[static_cast<size_t>(i) * n + j]);
      sum += taps.back();
    }
  for (float& t : taps) t = static_cast<float>(t / sum);
}

void blur_subsample(PlaneView in, const TrimmedKernel& k, int scale, int width, int height, float* out) {
  // The columns a block reads past the width are zeros in the buffer, not neighbours in memory.
  const int used = scale * (width - 1) + k.columns;  // columns of `in` that matter
  const ptrdiff_t phase_size = width + kKernelSide + kBlock;
  const int in_rows = scale * (height - 1) + k.rows;
  std::vector<float> phases(static_cast<size_t>(in_rows) * scale * phase_size);
  for (int i = 0; i < in_rows; ++i) {
    const float* from = in.data + (k.first_row + i) * in.stride + k.first_column;
    for (int p = 0; p < scale; ++p) {
      float* to = &phases[(static_cast<size_t>(i) * scale + p) * phase_size];
      for (int j = p; j < used; j += scale) *to++ = from[j];
    }
  }
  const auto row = HWY_DYNAMIC_DISPATCH(blur_row);
  for (int y = 0; y < height; ++y)
    row(&phases[static_cast<size_t>(y) * scale * scale * phase_size], phase_size, k, scale, width,
        out + static_cast<ptrdiff_t>(y) * width);
}

void soften(std::span<float> plane, int width, int height, double sigma) {
  const int reach = static_cast<int>(std::ceil(3 * sigma));
  if (reach == 0) return;
  std::vector<float> taps(2 * static_cast<size_t>(reach) + 1);
  float sum = 0;
  for (int i = -reach; i <= reach; ++i)
    sum += taps[i + reach] = static_cast<float>(std::exp(-0.5 * i * i / (sigma * sigma)));
  for (float& t : taps) t /= sum;

  std::vector<float> row(static_cast<size_t>(width) + 2 * static_cast<size_t>(reach));
  for (int y = 0; y < height; ++y) {
    float* line = &plane[static_cast<size_t>(y) * width];
    for (int x = 0; x < width + 2 * reach; ++x) row[x] = line[std::clamp(x - reach, 0, width - 1)];
    std::fill_n(line, width, 0.0F);
    for (size_t i = 0; i < taps.size(); ++i)
      for (int x = 0; x < width; ++x) line[x] += taps[i] * row[x + i];
  }
  const std::vector<float> rows(plane.begin(), plane.end());
  for (int y = 0; y < height; ++y) {
    float* line = &plane[static_cast<size_t>(y) * width];
    std::fill_n(line, width, 0.0F);
    for (size_t i = 0; i < taps.size(); ++i) {
      const int from = std::clamp(y + static_cast<int>(i) - reach, 0, height - 1);
      const float* source = &rows[static_cast<size_t>(from) * width];
      for (int x = 0; x < width; ++x) line[x] += taps[i] * source[x];
    }
  }
}

}  // namespace cdsr::degrade
#endif
