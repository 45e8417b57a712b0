// Scales of fp8, and maps on their way into it: see fp8_math.h.
#include "model/cuda/driver.h"
#include "model/cuda/kernels.h"

namespace cdsr::cuda {
namespace {

__global__ void quantize_kernel(const QuantizeArgs<__half, Fp8> a) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < a.pixels * (a.channels / 16) && !quantize16(a, i)) *a.not_held = 1;
}

/// Absolute values in the order of their bits, a NaN above all: the largest does not depend on the order.
__global__ void range_kernel(const float4* values, int64_t count, unsigned* most) {
  unsigned largest = 0;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count;
       i += int64_t{gridDim.x} * blockDim.x) {
    const float4 v = values[i];
    largest = max(largest, max(max(__float_as_uint(fabsf(v.x)), __float_as_uint(fabsf(v.y))),
                               max(__float_as_uint(fabsf(v.z)), __float_as_uint(fabsf(v.w)))));
  }
#pragma unroll
  for (int step = 16; step > 0; step /= 2) largest = max(largest, __shfl_xor_sync(~0U, largest, step));
  if (threadIdx.x % 32 == 0) atomicMax(most, largest);
}

/// A block for each buffer.
__global__ void scales_kernel(const Fp8Scales s) {
  const int buffer = blockIdx.x;
  const float scale = next_scale(s.scale[buffer * kScaleStride], s.most[buffer]);
  __syncthreads();
  if (threadIdx.x == 0) {
    s.scale[buffer * kScaleStride] = scale;
    s.most[buffer] = 0;
  }
  for (int i = threadIdx.x; i < s.rows; i += blockDim.x)
    s.factor[buffer * s.rows + i] = s.descale[buffer * s.rows + i] / scale;
}

}  // namespace

void load_fp8_kernels() {
  const void* const all[] = {reinterpret_cast<const void*>(quantize_kernel),
                             reinterpret_cast<const void*>(range_kernel),
                             reinterpret_cast<const void*>(scales_kernel)};
  cudaFuncAttributes attributes;
  for (const void* kernel : all) check(cudaFuncGetAttributes(&attributes, kernel), "loading kernels");
}

void launch_quantize(const QuantizeArgs<__half, Fp8>& a, cudaStream_t stream) {
  const int64_t blocks = (a.pixels * (a.channels / 16) + 255) / 256;
  quantize_kernel<<<static_cast<unsigned>(blocks), 256, 0, stream>>>(a);
  check(cudaGetLastError(), "launch of a conversion to fp8");
}

void launch_range(const float* values, int64_t count, float* most, cudaStream_t stream) {
  range_kernel<<<1024, 256, 0, stream>>>(reinterpret_cast<const float4*>(values), count / 4,
                                         reinterpret_cast<unsigned*>(most));
  check(cudaGetLastError(), "launch of a range");
}

void launch_scales(const Fp8Scales& scales, cudaStream_t stream) {
  scales_kernel<<<scales.buffers, 256, 0, stream>>>(scales);
  check(cudaGetLastError(), "launch of the scales of fp8");
}

}  // namespace cdsr::cuda
