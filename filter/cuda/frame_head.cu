// The network's first layer on a frame: the colour conversion is part of it. Compiled without contraction of
// a * b + c, like color.cu: the planes have the CPU path's bits.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "filter/cuda/color_kernels.h"
#include "model/cuda/driver.h"
#include "model/cuda/head_block.h"

namespace cdsr::cuda {
namespace {

template <typename T>
__global__ void __launch_bounds__(kThreads, kHeadBlocks)
    frame_head_kernel(const FrameArgs* frame, const __grid_constant__ HeadArgs<T> a) {
  __shared__ HeadMemory memory;
  head_block<true>(a, color::FramePixel{frame->in}, memory);
}

}  // namespace

void load_frame_head_kernels() {
  const void* const all[] = {reinterpret_cast<const void*>(frame_head_kernel<float>),
                             reinterpret_cast<const void*>(frame_head_kernel<__half>),
                             reinterpret_cast<const void*>(frame_head_kernel<__nv_bfloat16>)};
  cudaFuncAttributes attributes;
  for (const void* kernel : all) check(cudaFuncGetAttributes(&attributes, kernel), "loading kernels");
}

template <typename T>
void launch_frame_head(const FrameArgs* frame, const HeadArgs<T>& a, cudaStream_t stream) {
  frame_head_kernel<T><<<tile_count(a.in.width, a.in.height), kThreads, 0, stream>>>(frame, a);
  check(cudaGetLastError(), "launch of the first layer on a frame");
}
template void launch_frame_head<float>(const FrameArgs*, const HeadArgs<float>&, cudaStream_t);
template void launch_frame_head<__half>(const FrameArgs*, const HeadArgs<__half>&, cudaStream_t);
template void launch_frame_head<__nv_bfloat16>(const FrameArgs*, const HeadArgs<__nv_bfloat16>&,
                                               cudaStream_t);

}  // namespace cdsr::cuda
