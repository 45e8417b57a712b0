// The first layer's kernel but for where its pixels come from: device code, for .cu files that add that
// (head.cu: planes; the filter: frames, so that colour conversion and first layer are one kernel).
#pragma once

#include "model/cuda/head_tile.h"
#include "model/cuda/kernels.h"

namespace cdsr::cuda {

inline constexpr int kHeadGroup = 16;  ///< outputs a thread makes at once: 32 bytes of half precision
inline constexpr int kHeadBlocks = 3;  ///< that a multiprocessor shall hold, for __launch_bounds__

/// What the threads of a block share.
template <int kPlanes>
struct HeadMemory {
  HeadTile<kPlanes> tile;
  float weights[kHeadGroup * 9 * kPlanes], bias[kHeadGroup];
  float sums[8][kHeadGroup];
};

/// A block of kThreads is a tile of 16 x 16 pixels, a thread one pixel. kStore: `pixel` is not a.in, whose
/// planes are written.
template <bool kStore, int kPlanes, typename T, typename Pixel>
__device__ void head_block(const HeadArgs<T>& a, const Pixel& pixel, HeadMemory<kPlanes>& memory) {
  constexpr int kTaps = 9 * kPlanes;
  const int columns = blocks_of(a.in.width, kTile);
  const int block = blockIdx.x, tile_x = block % columns, tile_y = block / columns;
  const int x = tile_x * kTile + threadIdx.x % kTile, y = tile_y * kTile + threadIdx.x / kTile;
  const bool own = x < a.in.width && y < a.in.height;
  memory.tile.load(pixel, a.in.width, a.in.height, tile_x, tile_y, threadIdx.x, kThreads);
  __syncthreads();
  if constexpr (kStore)
    for (int p = 0; p < kPlanes && own; ++p)
      const_cast<float*>(a.in.plane[p])[y * a.in.stride + x] = memory.tile.centre(p, threadIdx.x);
  float window[kTaps];
  memory.tile.window(threadIdx.x, window);
#pragma unroll 1
  for (int first = 0; first < a.channels; first += kHeadGroup) {
    for (int i = threadIdx.x; i < kHeadGroup * kTaps; i += kThreads)
      memory.weights[i] = a.weights[first * kTaps + i];
    if (threadIdx.x < kHeadGroup) memory.bias[threadIdx.x] = a.bias[first + threadIdx.x];
    __syncthreads();
    alignas(16) T values[kHeadGroup];
#pragma unroll
    for (int o = 0; o < kHeadGroup; ++o) {
      const float* const weights = memory.weights + o * kTaps;
      values[o] = T(own ? leaky(head_value<kPlanes>(window, weights, memory.bias[o]), a.slope) : 0.0F);
    }
    if (own) {
      T* const out = a.out + (static_cast<ptrdiff_t>(y) * a.in.width + x) * a.out_pitch + first;
#pragma unroll
      for (int i = 0; i < kHeadGroup; i += 16 / sizeof(T)) copy16<T>(values + i, out + i);
    }
    if (a.partials != nullptr) {
#pragma unroll
      for (int o = 0; o < kHeadGroup; ++o) {
        float sum = y >= a.sum_begin && y < a.sum_end ? static_cast<float>(values[o]) : 0.0F;
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0U, sum, step);
        if (threadIdx.x % 32 == 0) memory.sums[threadIdx.x / 32][o] = sum;
      }
      __syncthreads();
      if (threadIdx.x < kHeadGroup) {
        float sum = 0;
        for (int w = 0; w < 8; ++w) sum += memory.sums[w][threadIdx.x];
        a.partials[static_cast<ptrdiff_t>(block) * a.channels + first + threadIdx.x] = sum;
      }
    }
    __syncthreads();
  }
}

}  // namespace cdsr::cuda
