// Two-dimensional upscaling of a stretch of columns, row after row, on the stack.
#pragma once

#include <algorithm>

#include "filter/color/resample.h"
#include "filter/color/row_kernels.h"

namespace cdsr {

/// Columns that the colour path handles at a time: its scratch rows then stay in the first-level cache and on
/// the stack. A multiple of 16, so that dithering, which has a period of 8 luma or chroma columns, needs no
/// offset.
inline constexpr int kTile = 256;
/// What a tile may be wider on either side for filters that look over its edge.
inline constexpr int kTileMargin = 4;
inline constexpr int kMaxColumns = kTile + 2 * kTileMargin;

/// Upscales kPlanes planes at once. `load(row, x, n, dst)` fills dst[plane][0..n) with columns x.. of an
/// input row; the columns may lie outside the picture, the row never does.
///
/// Every input row is loaded and widened once as long as rows are asked for in ascending order: a ring keeps
/// four.
template <int kPlanes, typename Load>
class RowResampler {
 public:
  /// For output columns [x, x + n), n <= kMaxColumns, of a plane whose input has in_height rows.
  RowResampler(const RowKernels& kernels, const BicubicTaps& across, const BicubicTaps& down, int in_height,
               int x, int n, Load load)
      : kernels_(kernels), across_(across), down_(down), in_height_(in_height), n_(n), load_(load) {
    first_group_ = x / across.scale;
    skip_ = x - first_group_ * across.scale;
    groups_ = (skip_ + n + across.scale - 1) / across.scale;
  }

  /// Output row y; the pointers are valid until the next call.
  const float* const* row(int y) {
    const int group = y / down_.scale;
    const BicubicPhase& phase = down_.phase[y - group * down_.scale];
    if (down_.scale == 1) {
      const int slot = widened(group);
      for (int p = 0; p < kPlanes; ++p) result_[p] = ring_[slot][p] + skip_;
      return result_;
    }
    int slots[4];
    for (int k = 0; k < 4; ++k) slots[k] = widened(std::clamp(group + phase.first + k, 0, in_height_ - 1));
    for (int p = 0; p < kPlanes; ++p) {
      const float* const rows[4] = {ring_[slots[0]][p] + skip_, ring_[slots[1]][p] + skip_,
                                    ring_[slots[2]][p] + skip_, ring_[slots[3]][p] + skip_};
      kernels_.blend4(rows, phase.weight, n_, blended_[p]);
      result_[p] = blended_[p];
    }
    return result_;
  }

 private:
  int widened(int row) {
    const int slot = row & 3;
    if (held_[slot] == row) return slot;
    float narrow[kPlanes][kMaxColumns + 8];
    float* dst[kPlanes];
    for (int p = 0; p < kPlanes; ++p) dst[p] = narrow[p];
    load_(row, first_group_ - 2, groups_ + 5, dst);
    for (int p = 0; p < kPlanes; ++p) kernels_.upscale(narrow[p], across_, groups_, ring_[slot][p]);
    held_[slot] = row;
    return slot;
  }

  const RowKernels& kernels_;
  const BicubicTaps& across_;
  const BicubicTaps& down_;
  int in_height_, n_;
  Load load_;
  int first_group_, skip_, groups_;
  int held_[4] = {-1, -1, -1, -1};
  const float* result_[kPlanes];
  float ring_[4][kPlanes][kMaxColumns + 8];
  float blended_[kPlanes][kMaxColumns];
};

}  // namespace cdsr
