// One block of the convolution kernels: shapes, shared memory, and where everything lies in it.
//
// A block makes 16 x 16 pixels of kN output channels from an input tile with its halo. It goes through the
// input channels in chunks of 32 bytes a pixel: a chunk of the halo tile and of the weights is copied to
// shared memory while the chunk before it is multiplied. All nine taps are read from the same tile.
//
// Products are mma.sync m16n8k16: A is 16 pixels of a row x 16 channels, B is 16 channels x 8 outputs, both
// fetched with ldmatrix. With fp8 it is m16n8k32: the same bytes in the same registers are twice the
// channels. The functions here say which address each lane gives and what a lane's accumulators mean; a host
// test plays both instructions after the PTX manual and compares with the reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/cuda/host_device.h"

namespace cdsr::cuda {

inline constexpr int kTile = 16;  ///< pixels a side
inline constexpr int kTilePixels = kTile * kTile;
inline constexpr int kThreads = 256;  ///< of a block; warp w makes rows 2 w and 2 w + 1
inline constexpr int kHalo = kTile + 2;
inline constexpr int kHaloPixels = kHalo * kHalo;
inline constexpr int kHaloPitch = 24;   ///< items of a halo row in memory, a multiple of 8: see a_address()
inline constexpr int kChunkBytes = 32;  ///< of a pixel's channels, and of an output's weights of one tap
inline constexpr int kPad = 16;         ///< tensors have a multiple of this many channels; padding is zero

template <typename T>
inline constexpr int kChunk = kChunkBytes / static_cast<int>(sizeof(T));  ///< channels

CDSR_HD constexpr int padded(int channels) { return (channels + kPad - 1) / kPad * kPad; }
CDSR_HD constexpr int blocks_of(int size, int block) { return (size + block - 1) / block; }

/// What residuals are, and results that are not inputs of the next layer: fp16 where products are of fp8.
template <typename T>
struct ResidualOf {
  using Type = T;
};

/// Tensors are pixels of `pitch` elements one after the other, rows without gap. A slice of a dense block's
/// buffer is a pointer with that buffer's pitch.
template <typename T>
struct ConvArgs {
  using Residual = typename ResidualOf<T>::Type;

  int width = 0, height = 0;
  const T* in = nullptr;
  int in_pitch = 0, chunks = 0;  ///< chunks of kChunk<T> input channels
  const T* weights = nullptr;    ///< pack_weights()
  int weight_rows = 0;           ///< outputs in `weights`, a multiple of kN
  const float* bias = nullptr;   ///< weight_rows
  void* out = nullptr;           ///< T, float for the last layer, or Residual
  int out_pitch = 0, out_channels = 0;
  float slope = 1;  ///< LeakyReLU; 1: none
  /// out = scale * lrelu(conv) + first_scale * first + second_scale * second; both may be null.
  float scale = 1, first_scale = 0, second_scale = 0;
  float sum_slope = 1;  ///< LeakyReLU of that, residuals included; 1: none
  const Residual* first = nullptr;
  const Residual* second = nullptr;
  int first_pitch = 0, second_pitch = 0;
  /// fp8: what the sums of each output are multiplied by, weight_rows values; and the scale of results stored
  /// in fp8, one value. Both follow the pictures: device memory.
  const float* factor = nullptr;
  const float* out_scale = nullptr;
  /// DQA: out = lrelu(conv1x1(lrelu(depthwise(in, filter))) + gate * in); filter is [9][in channels].
  const float* filter = nullptr;
  const float* gate = nullptr;
  /// Sums over the block's pixels of every output channel, [block][out_channels]; or null.
  float* partials = nullptr;
  int* not_finite = nullptr;       ///< set to 1 when a stored value is NaN or infinite; or null
  int own_begin = 0, own_end = 0;  ///< rows that are stored
  int sum_begin = 0, sum_end = 0;  ///< rows that count in `partials`: not a band's margin
};

/// Shared memory of a block, bytes.
template <int kTaps, int kN>
struct ConvMemory {
  static constexpr int kInput = kHalo * kHaloPitch * kChunkBytes;
  static constexpr int kWeights = kTaps * kN * kChunkBytes;
  static constexpr int kStage = kInput + kWeights;
  static constexpr int kBytes = 2 * kStage;
};
/// Of a DQA block: one chunk of filters beside each stage, and the depthwise result.
template <typename T, int kN>
struct DqaMemory {
  static constexpr int kFilter = 9 * kChunk<T> * 4;
  static constexpr int kStage = ConvMemory<1, kN>::kStage + kFilter;
  static constexpr int kResult = kTilePixels * kChunkBytes;
  static constexpr int kBytes = 2 * kStage + kResult;
};

/// Byte of 16-byte half `half` of item `item` in an array of 32-byte items. The halves of every other group
/// of four change places: eight items in a row, from any first one, then lie in different banks.
CDSR_HD int swizzled(int item, int half) { return item * kChunkBytes + ((half ^ (item >> 2 & 1)) << 4); }

/// The halo tile's item at a row and column.
CDSR_HD int halo_item(int row, int column) { return row * kHaloPitch + column; }

/// One 16-byte copy into shared memory: from `source`, or zeros.
struct Copy {
  int to = 0;
  const void* source = nullptr;
};

/// Copy i (0 <= i < 2 kHaloPixels) of a chunk of the halo tile.
template <typename T>
CDSR_HD Copy input_copy(const ConvArgs<T>& a, int tile_x, int tile_y, int chunk, int i) {
  const int pixel = i >> 1, half = i & 1;
  const int x = tile_x * kTile + pixel % kHalo - 1, y = tile_y * kTile + pixel / kHalo - 1;
  Copy copy{swizzled(halo_item(pixel / kHalo, pixel % kHalo), half), nullptr};
  if (x >= 0 && x < a.width && y >= 0 && y < a.height)
    copy.source = a.in + (static_cast<ptrdiff_t>(y) * a.width + x) * a.in_pitch + chunk * kChunk<T> +
                  half * (kChunk<T> / 2);
  return copy;
}

/// Copy i (0 <= i < 2 kTaps kN) of a chunk of the weights, to behind the input.
template <typename T, int kTaps, int kN>
CDSR_HD Copy weight_copy(const ConvArgs<T>& a, int group, int chunk, int i) {
  const int item = i >> 1, half = i & 1, tap = item / kN, n = item % kN;
  const ptrdiff_t row = (static_cast<ptrdiff_t>(chunk) * kTaps + tap) * a.weight_rows + group * kN + n;
  return {ConvMemory<kTaps, kN>::kInput + swizzled(item, half),
          a.weights + row * kChunk<T> + half * (kChunk<T> / 2)};
}

/// ldmatrix.x4 of A: the address lane `lane` gives, for m-tile `m` (0, 1) of a warp and a tap. The four
/// matrices come in the order of the mma's registers: rows 0-7 and 8-15 of channels 0-7, then of 8-15.
/// swizzled() recurs after eight items, so rows are a constant apart: three addresses a lane, one a column.
CDSR_HD int a_address(int warp, int m, int ky, int kx, int lane) {
  return swizzled(halo_item(2 * warp, (lane & 15) + kx), lane >> 4) + halo_item(m + ky, 0) * kChunkBytes;
}
/// The same for a DQA: A is the depthwise result, [pixel of the tile].
CDSR_HD int a_result_address(int warp, int m, int lane) {
  return swizzled((2 * warp + m) * kTile + (lane & 15), lane >> 4);
}
/// ldmatrix.x4 of B for n-tiles 2 pair and 2 pair + 1 (8 outputs each): two registers for each of them. Taps
/// and pairs are a constant apart.
template <int kN>
CDSR_HD int b_address(int tap, int pair, int lane) {
  return swizzled((lane >> 4) * 8 + (lane & 7), lane >> 3 & 1) + (tap * kN + pair * 16) * kChunkBytes;
}

/// What accumulator `i` of a lane is. Halves and fp8: [m][n-tile][4] of mma.m16n8. float: 8 pixels x kN / 8
/// outputs.
template <typename T, int kN>
struct Accumulators {
  static constexpr bool kMma = sizeof(T) <= 2;
  static constexpr int kCount = kN;                      ///< 2 rows of 16 pixels x kN outputs over 32 lanes
  CDSR_HD static int pixel(int warp, int lane, int i) {  ///< of the tile's 256
    if constexpr (kMma) {
      const int m = i / (kN / 2), r = i & 3;
      return (2 * warp + m) * kTile + (lane >> 2) + (r >> 1) * 8;
    } else {
      return 2 * warp * kTile + i / (kN / 8) * 4 + (lane >> 3);
    }
  }
  CDSR_HD static int channel(int lane, int i) {  ///< of the group's kN
    if constexpr (kMma)
      return i % (kN / 2) / 4 * 8 + (lane & 3) * 2 + (i & 1);
    else
      return i % (kN / 8) * 8 + (lane & 7);
  }
};

/// Where the tile's pixel lies in the picture; false if it is outside or not to be stored.
template <typename T>
CDSR_HD bool own_pixel(const ConvArgs<T>& a, int tile_x, int tile_y, int pixel, ptrdiff_t& at) {
  const int x = tile_x * kTile + pixel % kTile, y = tile_y * kTile + pixel / kTile;
  at = static_cast<ptrdiff_t>(y) * a.width + x;
  return x < a.width && y < a.height && y >= a.own_begin && y < a.own_end;
}
/// Whether a stored pixel counts in the partial sums.
template <typename T>
CDSR_HD bool counted(const ConvArgs<T>& a, int tile_y, int pixel) {
  const int y = tile_y * kTile + pixel / kTile;
  return y >= a.sum_begin && y < a.sum_end;
}

CDSR_HD float leaky(float v, float slope) { return v < 0 ? slope * v : v; }

/// What is stored for a convolution's sum; `first` and `second` give the residuals there, of a DQA `first`
/// the input.
template <bool kDqa, typename T, typename First, typename Second>
CDSR_HD float combined(const ConvArgs<T>& a, float sum, int channel, float bias, float gate,
                       const First& first, const Second& second) {
  if constexpr (sizeof(T) == 1) sum *= a.factor[channel];
  float v = sum + bias;
  if constexpr (kDqa) return leaky(v + gate * static_cast<float>(first()), a.slope);
  v = a.scale * leaky(v, a.slope);
  if (a.first != nullptr) v += a.first_scale * static_cast<float>(first());
  if (a.second != nullptr) v += a.second_scale * static_cast<float>(second());
  return leaky(v, a.sum_slope);
}

/// What is stored for an accumulator; `at` is the pixel, which must be inside.
template <bool kDqa, typename T>
CDSR_HD float finished(const ConvArgs<T>& a, float sum, int channel, ptrdiff_t at) {
  if (channel >= a.out_channels) return 0;
  if constexpr (kDqa)
    return combined<true>(
        a, sum, channel, a.bias[channel], a.gate[channel], [&] { return a.in[at * a.in_pitch + channel]; },
        [] { return 0.0F; });
  return combined<false>(
      a, sum, channel, a.bias[channel], 0, [&] { return a.first[at * a.first_pitch + channel]; },
      [&] { return a.second[at * a.second_pitch + channel]; });
}

/// The value as memory of type Out holds it.
template <typename Out, typename T>
CDSR_HD Out stored(const ConvArgs<T>& a, float v) {
  if constexpr (sizeof(Out) == 1) v *= *a.out_scale;
  return Out(v);
}

/// Two values that lie side by side, in one access.
template <typename T>
struct alignas(2 * sizeof(T)) Two {
  T value[2];
};

/// 16 bytes as values, in one access; both 16-byte aligned.
template <typename T>
CDSR_HD void copy16(const void* from, void* to) {
#if defined(__CUDA_ARCH__)
  *static_cast<uint4*>(to) = *static_cast<const uint4*>(from);
#else
  std::memcpy(to, from, 16);
#endif
}

/// Depthwise 3x3 and LeakyReLU of half a chunk at one pixel of the tile. `tile` is the halo chunk, `filter`
/// [9][kChunk<T>], `result` the half chunk in the block's memory.
template <typename T>
CDSR_HD void depthwise(const unsigned char* tile, const float* filter, int pixel, int half, float slope,
                       void* result) {
  constexpr int kHalf = kChunk<T> / 2;
  float sum[kHalf] = {};
  alignas(16) T values[kHalf];
  const int corner = halo_item(pixel / kTile, pixel % kTile);
#if defined(__CUDACC__)
#pragma unroll 3
#endif
  for (int tap = 0; tap < 9; ++tap) {
    copy16<T>(tile + swizzled(corner + halo_item(tap / 3, tap % 3), half), values);
    const float* const k = filter + tap * kChunk<T> + half * kHalf;
    CDSR_UNROLL
    for (int c = 0; c < kHalf; ++c) sum[c] += static_cast<float>(values[c]) * k[c];
  }
  CDSR_UNROLL
  for (int c = 0; c < kHalf; ++c) values[c] = static_cast<T>(leaky(sum[c], slope));
  copy16<T>(values, result);
}

}  // namespace cdsr::cuda
