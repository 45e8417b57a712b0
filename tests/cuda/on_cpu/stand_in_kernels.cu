#include <cuda_fp16.h>

#include "tests/cuda/on_cpu/stand_in_kernels.h"

namespace cuda_on_cpu::test {
namespace {

__global__ void fill(float* values, int count, float value) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) values[i] = value;
}
__global__ void add(float* value) { *value += 1; }
__global__ void never_loaded(float* value) { *value = 1; }

__global__ void reverse(float* values, bool barrier) {
  extern __shared__ float memory[];
  const int i = threadIdx.x;
  memory[i] = static_cast<float>(i);
  if (barrier) __syncthreads();
  values[i] = memory[255 - i];
}

__global__ void lonely_shuffle(float* values) {
  if (threadIdx.x < 16) values[threadIdx.x] = __shfl_xor_sync(~0U, 1.0F, 1);
}
__global__ void early_return(float* values) {
  if (threadIdx.x >= 32) return;
  __syncthreads();
  values[threadIdx.x] = 1;
}

__global__ void copy_async(float* values, bool wait) {
  __shared__ __align__(16) float memory[8];
  if (threadIdx.x > 0) return;
  for (int group = 0; group < 2; ++group) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     static_cast<unsigned>(__cvta_generic_to_shared(memory + 4 * group))),
                 "l"(values + 4 * group), "r"(16));
    asm volatile("cp.async.commit_group;");
  }
  if (wait)
    asm volatile("cp.async.wait_group %0;" ::"n"(0));
  else
    asm volatile("cp.async.wait_group 1;");
  for (int i = 0; i < 8; ++i) values[8 + i] = memory[i];
}

__global__ void product(float* values) {
  __shared__ __align__(16) __half a[16 * 16];
  __shared__ __align__(16) __half b[8 * 16];
  const int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32) a[i] = __half(static_cast<float>((i / 16 + 2 * (i % 16)) % 7));
  for (int i = lane; i < 128; i += 32) b[i] = __half(static_cast<float>((3 * (i / 16) + i % 16) % 5));
  __syncthreads();
  unsigned x[4], w[4];
  float c[4] = {};
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(a + lane % 16 * 16 + lane / 16 * 8))));
  // Of B the second pair of matrices is the first again.
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(b + lane % 8 * 16 + lane / 8 % 2 * 8))));
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(w[0]), "r"(w[1]));
  for (int i = 0; i < 4; ++i) values[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = c[i];
}

}  // namespace

void load_test_kernels() {
  cudaFuncAttributes attributes;
  for (const void* kernel : {reinterpret_cast<const void*>(fill), reinterpret_cast<const void*>(add)})
    cudaFuncGetAttributes(&attributes, kernel);
}

void launch_fill(float* values, int count, float value, cudaStream_t stream) {
  fill<<<1, 32, 0, stream>>>(values, count, value);
}
void launch_add(float* value, cudaStream_t stream) { add<<<1, 1, 0, stream>>>(value); }
void launch_never_loaded(float* value, cudaStream_t stream) { never_loaded<<<1, 1, 0, stream>>>(value); }
void launch_reverse(float* values, bool barrier, int bytes, cudaStream_t stream) {
  reverse<<<1, 256, bytes, stream>>>(values, barrier);
}
void launch_lonely_shuffle(float* values, cudaStream_t stream) {
  lonely_shuffle<<<1, 32, 0, stream>>>(values);
}
void launch_early_return(float* values, cudaStream_t stream) { early_return<<<1, 64, 0, stream>>>(values); }
void launch_copy_async(float* values, bool wait, cudaStream_t stream) {
  copy_async<<<1, 32, 0, stream>>>(values, wait);
}
void launch_product(float* values, cudaStream_t stream) { product<<<1, 32, 0, stream>>>(values); }

}  // namespace cuda_on_cpu::test
