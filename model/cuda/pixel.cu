// The kernels around the convolutions: a few lines each around the functions of pixel_math.h.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "model/cuda/driver.h"
#include "model/cuda/graph.h"
#include "model/cuda/kernels.h"

namespace cdsr::cuda {
namespace {

// Rows of a picture are blockIdx.x: a grid may have 65535 blocks in y, and a picture more rows.

__global__ void fold_kernel(const float* partials, int count, int channels, float* folded) {
  for (int c = threadIdx.x; c < channels; c += blockDim.x)
    folded[blockIdx.x * channels + c] = fold(partials, count, channels, c, blockIdx.x, gridDim.x);
}

__global__ void dqa_vectors_kernel(const DqaArgs d) {
  __shared__ DqaMemoryFloats memory;
  dqa_mean(d, memory, threadIdx.x, blockDim.x);
  __syncthreads();
  dqa_attention(d, memory, threadIdx.x, blockDim.x);
  __syncthreads();
  dqa_hidden(d, memory, 0.1F, threadIdx.x, blockDim.x);
  __syncthreads();
  dqa_filter(d, memory, threadIdx.x, blockDim.x);
}

__global__ void windows_kernel(const WindowArgs a) {
  const int x = blockIdx.y * blockDim.x + threadIdx.x, y = blockIdx.x, window = blockIdx.z;
  if (x >= a.width) return;
  float* const out = a.out + ((static_cast<ptrdiff_t>(window) * a.height + y) * a.width + x) * a.in.count;
  const ptrdiff_t at = (a.y[window] + y) * a.in.stride + a.x[window] + x;
#pragma unroll  // else the arguments lie in memory
  for (int p = 0; p < 3; ++p)
    if (p < a.in.count) out[p] = a.in.plane[p][at];
}

/// A block normalizes a window; its sums are added up in a fixed order.
__global__ void normalize_kernel(float* windows, int width, int height, int channels) {
  __shared__ WindowSums sums[256];
  float* const window = windows + static_cast<ptrdiff_t>(blockIdx.x) * width * height * channels;
  sums[threadIdx.x] = window_sums(window, width, height, channels, threadIdx.x, 256);
  __syncthreads();
  for (int step = 128; step > 0; step /= 2) {
    if (threadIdx.x < step) {
      sums[threadIdx.x].value += sums[threadIdx.x + step].value;
      sums[threadIdx.x].across += sums[threadIdx.x + step].across;
      sums[threadIdx.x].down += sums[threadIdx.x + step].down;
    }
    __syncthreads();
  }
  normalize_pixels(window, width, height, channels, sums[0], threadIdx.x, 256);
}

/// threadIdx.x: outputs, which lie side by side in memory; threadIdx.y: groups of pixels of a row.
__global__ void encoder_kernel(const EncoderArgs e) {
  const int o = blockIdx.z * blockDim.x + threadIdx.x;
  const int x = (blockIdx.y * blockDim.y + threadIdx.y) * kEncoderPixels;
  const int y = blockIdx.x % e.out_height, window = blockIdx.x / e.out_height;
  if (o >= e.out_channels || x >= e.out_width) return;
  float sums[kEncoderPixels];
  encoder_values(e, window, x, y, o, sums);
  float* const out =
      e.out + ((static_cast<ptrdiff_t>(window) * e.out_height + y) * e.out_width + x) * e.out_channels + o;
#pragma unroll
  for (int i = 0; i < kEncoderPixels; ++i)
    if (x + i < e.out_width) out[static_cast<ptrdiff_t>(i) * e.out_channels] = sums[i];
}

/// A block for 32 channels of a window; rows of the block share the pixels.
__global__ void means_kernel(const float* in, int pixels, int channels, float* out) {
  __shared__ float sums[8][32];
  const int c = blockIdx.x * 32 + threadIdx.x, window = blockIdx.y;
  const bool inside = c < channels;
  sums[threadIdx.y][threadIdx.x] = inside ? fold(in + static_cast<ptrdiff_t>(window) * pixels * channels,
                                                 pixels, channels, c, threadIdx.y, 8)
                                          : 0.0F;
  __syncthreads();
  if (threadIdx.y > 0 || !inside) return;
  float sum = 0;
  for (int i = 0; i < 8; ++i) sum += sums[i][threadIdx.x];
  out[static_cast<ptrdiff_t>(window) * channels + c] = sum / static_cast<float>(pixels);
}

struct PlanePointers {
  float* plane[3];
};

template <int kPlanes>
__global__ void planes_kernel(const TailArgs t, PlanePointers out, ptrdiff_t stride) {
  const int x = blockIdx.y * blockDim.x + threadIdx.x, y = blockIdx.x;
  if (x >= t.picture.width * t.scale) return;
  float skip[kPlanes] = {};
  if (t.skip) bicubic_pixel<kPlanes>(t.picture, t.taps, x, y, skip);
#pragma unroll
  for (int p = 0; p < kPlanes; ++p)
    out.plane[p][y * stride + x] = shuffled(t.values, t.pitch, t.picture.width, t.scale, p, x, y) + skip[p];
}

template <typename T>
__global__ void mix_kernel(const __grid_constant__ MixArgs<T> a) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < a.count) a.to[i] = T(mixed(a.sets, a.share, a.experts, a.count, i));
}

template <typename T>
__global__ void noise_kernel(T* values, int64_t count) {
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count;
       i += int64_t{gridDim.x} * blockDim.x)
    values[i] = T(noise_value(static_cast<uint32_t>(i)));
}

__global__ void count_kernel(int64_t* counter) { ++*counter; }

__global__ void condition_kernel(cudaGraphConditionalHandle handle, const int* not_finite) {
  cudaGraphSetConditional(handle, *not_finite != 0 ? 1U : 0U);
}

}  // namespace

void load_pixel_kernels() {
  load_head_kernels();
  const void* const all[] = {
      reinterpret_cast<const void*>(fold_kernel),      reinterpret_cast<const void*>(dqa_vectors_kernel),
      reinterpret_cast<const void*>(windows_kernel),   reinterpret_cast<const void*>(normalize_kernel),
      reinterpret_cast<const void*>(encoder_kernel),   reinterpret_cast<const void*>(means_kernel),
      reinterpret_cast<const void*>(planes_kernel<3>), reinterpret_cast<const void*>(planes_kernel<1>),
      reinterpret_cast<const void*>(condition_kernel), reinterpret_cast<const void*>(count_kernel)};
  cudaFuncAttributes attributes;
  for (const void* kernel : all) check(cudaFuncGetAttributes(&attributes, kernel), "loading kernels");
}

void launch_fold(const float* partials, int count, int channels, float* folded, cudaStream_t stream) {
  fold_kernel<<<kFolds, 256, 0, stream>>>(partials, count, channels, folded);
  check(cudaGetLastError(), "launch of a mean");
}

void launch_dqa_vectors(const DqaArgs& args, cudaStream_t stream) {
  dqa_vectors_kernel<<<1, 576, 0, stream>>>(args);
  check(cudaGetLastError(), "launch of a dynamic filter");
}

void launch_windows(const WindowArgs& a, cudaStream_t stream) {
  windows_kernel<<<dim3(a.height, blocks_of(a.width, 64), a.count), 64, 0, stream>>>(a);
  check(cudaGetLastError(), "launch of the encoder's windows");
}

void launch_normalize(float* windows, int count, int width, int height, int channels, cudaStream_t stream) {
  normalize_kernel<<<count, 256, 0, stream>>>(windows, width, height, channels);
  check(cudaGetLastError(), "launch of the encoder's normalization");
}

void launch_encoder(const EncoderArgs& e, cudaStream_t stream) {
  const dim3 threads(32, 8);
  const dim3 grid(e.out_height * e.windows, blocks_of(blocks_of(e.out_width, kEncoderPixels), threads.y),
                  blocks_of(e.out_channels, threads.x));
  encoder_kernel<<<grid, threads, 0, stream>>>(e);
  check(cudaGetLastError(), "launch of an encoder layer");
}

void launch_means(const float* in, int windows, int pixels, int channels, float* out, cudaStream_t stream) {
  means_kernel<<<dim3(blocks_of(channels, 32), windows), dim3(32, 8), 0, stream>>>(in, pixels, channels, out);
  check(cudaGetLastError(), "launch of the encoder's means");
}

void launch_planes(const TailArgs& t, float* const out[3], ptrdiff_t stride, cudaStream_t stream) {
  const int width = t.picture.width * t.scale, height = t.picture.height * t.scale;
  const dim3 grid(height, blocks_of(width, 128));
  const PlanePointers to{{out[0], out[1], out[2]}};
  if (t.picture.count == 1)
    planes_kernel<1><<<grid, 128, 0, stream>>>(t, to, stride);
  else
    planes_kernel<3><<<grid, 128, 0, stream>>>(t, to, stride);
  check(cudaGetLastError(), "launch of the pixel shuffle");
}

template <typename T>
void launch_mix(const MixArgs<T>& a, cudaStream_t stream) {
  mix_kernel<T><<<static_cast<unsigned>((a.count + 255) / 256), 256, 0, stream>>>(a);
  check(cudaGetLastError(), "launch of a shot's weights");
}
template void launch_mix<float>(const MixArgs<float>&, cudaStream_t);
template void launch_mix<__half>(const MixArgs<__half>&, cudaStream_t);
template void launch_mix<__nv_bfloat16>(const MixArgs<__nv_bfloat16>&, cudaStream_t);

template <typename T>
void launch_noise(T* values, int64_t count, cudaStream_t stream) {
  noise_kernel<T><<<1024, 256, 0, stream>>>(values, count);
  check(cudaGetLastError(), "launch of noise");
}
template void launch_noise<__half>(__half*, int64_t, cudaStream_t);
template void launch_noise<Fp8>(Fp8*, int64_t, cudaStream_t);
template void launch_noise<__nv_bfloat16>(__nv_bfloat16*, int64_t, cudaStream_t);

void launch_condition(cudaGraphConditionalHandle handle, const int* not_finite, cudaStream_t stream) {
  condition_kernel<<<1, 1, 0, stream>>>(handle, not_finite);
  check(cudaGetLastError(), "launch of a graph's condition");
}

void launch_count(int64_t* counter, cudaStream_t stream) {
  count_kernel<<<1, 1, 0, stream>>>(counter);
  check(cudaGetLastError(), "launch of a counter");
}

}  // namespace cdsr::cuda
