// The first layer, on planes or on a frame: then the colour conversion is part of it. Compiled without
// contraction of a * b + c, like color.cu: the planes have the CPU path's bits.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "model/cuda/driver.h"
#include "model/cuda/head_tile.h"
#include "model/cuda/kernels.h"

namespace cdsr::cuda {
namespace {

constexpr int kHeadGroup = 16;  ///< outputs a thread makes at once: 32 bytes of half precision

/// A block is a tile of 16 x 16 pixels, a thread one pixel.
template <typename T, bool kFrame>
__global__ void __launch_bounds__(kThreads, 3) head_kernel(const __grid_constant__ HeadArgs<T> a) {
  __shared__ HeadTile tile;
  __shared__ float weights[kHeadGroup * 27];
  __shared__ float sums[8][kHeadGroup];
  const int columns = blocks_of(a.in.width, kTile);
  const int block = blockIdx.x, tile_x = block % columns, tile_y = block / columns;
  const int x = tile_x * kTile + threadIdx.x % kTile, y = tile_y * kTile + threadIdx.x / kTile;
  const bool own = x < a.in.width && y < a.in.height;
  if constexpr (kFrame)
    tile.load(FramePixel{a.frame->in}, a.in.width, a.in.height, tile_x, tile_y, threadIdx.x, kThreads);
  else
    tile.load(PlanesPixel{a.in}, a.in.width, a.in.height, tile_x, tile_y, threadIdx.x, kThreads);
  __syncthreads();
  if constexpr (kFrame)
    for (int p = 0; p < 3 && own; ++p)
      const_cast<float*>(a.in.plane[p])[y * a.in.stride + x] = tile.centre(p, threadIdx.x);
  float window[27];
  tile.window(threadIdx.x, window);
#pragma unroll 1
  for (int first = 0; first < a.channels; first += kHeadGroup) {
    for (int i = threadIdx.x; i < kHeadGroup * 27; i += kThreads) weights[i] = a.weights[first * 27 + i];
    __syncthreads();
    alignas(16) T values[kHeadGroup];
#pragma unroll
    for (int o = 0; o < kHeadGroup; ++o)
      values[o] = T(own ? head_value(window, weights + o * 27, a.bias[first + o]) : 0.0F);
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
        if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32][o] = sum;
      }
      __syncthreads();
      if (threadIdx.x < kHeadGroup) {
        float sum = 0;
        for (int w = 0; w < 8; ++w) sum += sums[w][threadIdx.x];
        a.partials[static_cast<ptrdiff_t>(block) * a.channels + first + threadIdx.x] = sum;
      }
    }
    __syncthreads();
  }
}

}  // namespace

void load_head_kernels() {
  const void* const all[] = {reinterpret_cast<const void*>(head_kernel<float, false>),
                             reinterpret_cast<const void*>(head_kernel<float, true>),
                             reinterpret_cast<const void*>(head_kernel<__half, false>),
                             reinterpret_cast<const void*>(head_kernel<__half, true>),
                             reinterpret_cast<const void*>(head_kernel<__nv_bfloat16, false>),
                             reinterpret_cast<const void*>(head_kernel<__nv_bfloat16, true>)};
  cudaFuncAttributes attributes;
  for (const void* kernel : all) check(cudaFuncGetAttributes(&attributes, kernel), "loading kernels");
}

template <typename T>
void launch_head(const HeadArgs<T>& a, cudaStream_t stream) {
  const int tiles = tile_count(a.in.width, a.in.height);
  if (a.frame != nullptr)
    head_kernel<T, true><<<tiles, kThreads, 0, stream>>>(a);
  else
    head_kernel<T, false><<<tiles, kThreads, 0, stream>>>(a);
  check(cudaGetLastError(), "launch of the first layer");
}
template void launch_head<float>(const HeadArgs<float>&, cudaStream_t);
template void launch_head<__half>(const HeadArgs<__half>&, cudaStream_t);
template void launch_head<__nv_bfloat16>(const HeadArgs<__nv_bfloat16>&, cudaStream_t);

}  // namespace cdsr::cuda
