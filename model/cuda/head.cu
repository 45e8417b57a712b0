// The first layer on planes. Compiled without contraction of a * b + c, like the filter's kernels, whose
// first layer on frames has the same bits.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "model/cuda/driver.h"
#include "model/cuda/head_block.h"

namespace cdsr::cuda {
namespace {

template <typename T, int kPlanes>
__global__ void __launch_bounds__(kThreads, kHeadBlocks) head_kernel(const __grid_constant__ HeadArgs<T> a) {
  using Memory = HeadMemory<kPlanes>;
  __shared__ Memory memory;
  head_block<false, kPlanes>(a, PlanesPixel<kPlanes>{a.in}, memory);
}

}  // namespace

void load_head_kernels() {
  const void* const all[] = {
      reinterpret_cast<const void*>(head_kernel<float, 3>),
      reinterpret_cast<const void*>(head_kernel<__half, 3>),
      reinterpret_cast<const void*>(head_kernel<__nv_bfloat16, 3>),
      reinterpret_cast<const void*>(head_kernel<float, 1>),
      reinterpret_cast<const void*>(head_kernel<__half, 1>),
      reinterpret_cast<const void*>(head_kernel<__nv_bfloat16, 1>),
  };
  cudaFuncAttributes attributes;
  for (const void* kernel : all) check(cudaFuncGetAttributes(&attributes, kernel), "loading kernels");
}

template <typename T>
void launch_head(const HeadArgs<T>& a, cudaStream_t stream) {
  const int blocks = tile_count(a.in.width, a.in.height);
  if (a.in.count == 1)
    head_kernel<T, 1><<<blocks, kThreads, 0, stream>>>(a);
  else
    head_kernel<T, 3><<<blocks, kThreads, 0, stream>>>(a);
  check(cudaGetLastError(), "launch of the first layer");
}
template void launch_head<float>(const HeadArgs<float>&, cudaStream_t);
template void launch_head<__half>(const HeadArgs<__half>&, cudaStream_t);
template void launch_head<__nv_bfloat16>(const HeadArgs<__nv_bfloat16>&, cudaStream_t);

}  // namespace cdsr::cuda
