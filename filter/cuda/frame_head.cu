// The network's first layer on a frame: the colour conversion is part of it. Compiled without contraction of
// a * b + c, like color.cu: the planes have the CPU path's bits.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "filter/cuda/color_kernels.h"
#include "model/cuda/driver.h"
#include "model/cuda/head_block.h"

namespace cdsr::cuda {
namespace {

template <typename T, int kPlanes>
__global__ void __launch_bounds__(kThreads, kHeadBlocks)
    frame_head_kernel(const FrameArgs* frame, const __grid_constant__ HeadArgs<T> a) {
  using Memory = HeadMemory<kPlanes>;
  __shared__ Memory memory;
  head_block<true, kPlanes>(a, color::FramePixel<kPlanes>{frame->in}, memory);
}

}  // namespace

void load_frame_head_kernels() {
  const void* const all[] = {
      reinterpret_cast<const void*>(frame_head_kernel<float, 3>),
      reinterpret_cast<const void*>(frame_head_kernel<__half, 3>),
      reinterpret_cast<const void*>(frame_head_kernel<__nv_bfloat16, 3>),
      reinterpret_cast<const void*>(frame_head_kernel<float, 1>),
      reinterpret_cast<const void*>(frame_head_kernel<__half, 1>),
      reinterpret_cast<const void*>(frame_head_kernel<__nv_bfloat16, 1>),
  };
  cudaFuncAttributes attributes;
  for (const void* kernel : all) check(cudaFuncGetAttributes(&attributes, kernel), "loading kernels");
}

template <typename T>
void launch_frame_head(const FrameArgs* frame, const HeadArgs<T>& a, cudaStream_t stream) {
  const int blocks = tile_count(a.in.width, a.in.height);
  if (a.in.count == 1)
    frame_head_kernel<T, 1><<<blocks, kThreads, 0, stream>>>(frame, a);
  else
    frame_head_kernel<T, 3><<<blocks, kThreads, 0, stream>>>(frame, a);
  check(cudaGetLastError(), "launch of the first layer on a frame");
}
template void launch_frame_head<float>(const FrameArgs*, const HeadArgs<float>&, cudaStream_t);
template void launch_frame_head<__half>(const FrameArgs*, const HeadArgs<__half>&, cudaStream_t);
template void launch_frame_head<__nv_bfloat16>(const FrameArgs*, const HeadArgs<__nv_bfloat16>&,
                                               cudaStream_t);

}  // namespace cdsr::cuda
