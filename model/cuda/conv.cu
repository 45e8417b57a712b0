// Convolutions on tiles in shared memory: see conv_tile.h, where all index arithmetic is.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <type_traits>

#include "model/cuda/driver.h"
#include "model/cuda/fp8.h"
#include "model/cuda/kernels.h"

namespace cdsr::cuda {
namespace {

__device__ inline unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

/// 16 bytes into shared memory, or zeros; in the background where the chip can (sm_80).
__device__ inline void copy_in(unsigned char* memory, const Copy& copy, const void* valid) {
#if __CUDA_ARCH__ >= 800
  const int size = copy.source != nullptr ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(memory + copy.to)),
               "l"(copy.source != nullptr ? copy.source : valid), "r"(size));
#else
  *reinterpret_cast<uint4*>(memory + copy.to) =
      copy.source != nullptr ? *static_cast<const uint4*>(copy.source) : uint4{0, 0, 0, 0};
#endif
}
__device__ inline void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;");
#endif
}
/// Waits until at most `kLeft` of the newest groups are under way.
template <int kLeft>
__device__ inline void wait_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft));
#endif
}

__device__ inline void load_matrices(const unsigned char* address, unsigned (&r)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(address)));
}

template <typename T>
__device__ inline void multiply_add(float* c, const unsigned (&a)[4], unsigned b0, unsigned b1) {
  if constexpr (std::is_same_v<T, Fp8>) {
#if __CUDA_ARCH__ >= 890  // kFp8Capability
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
    return;
  }
#if __CUDA_ARCH__ >= 800
  if constexpr (std::is_same_v<T, __half>)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  else if constexpr (std::is_same_v<T, __nv_bfloat16>)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  // Turing multiplies eight channels at a time and knows no bf16: the engine does not offer it there.
  if constexpr (std::is_same_v<T, __half>) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(b0));
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[2]), "r"(a[3]), "r"(b1));
  }
#endif
}

/// One chunk: `a` is the halo tile (kTaps 9) or the depthwise result (1).
template <typename T, int kTaps, int kN>
__device__ inline void multiply(const unsigned char* a, const unsigned char* weights, int warp, int lane,
                                float (&sums)[kN]) {
  if constexpr (sizeof(T) <= 2) {
    constexpr int kSide = kTaps == 1 ? 1 : 3;
    // A row of taps at once leaves registers, all nine do not; fp8's conversions take those of a row too.
    [[maybe_unused]] constexpr int kAtOnce = sizeof(T) == 1 ? 1 : kSide;
#pragma unroll 1
    for (int ky = 0; ky < kSide; ++ky)
#pragma unroll kAtOnce
      for (int kx = 0; kx < kSide; ++kx) {
        unsigned x[2][4];
#pragma unroll
        for (int m = 0; m < 2; ++m)
          load_matrices(a + (kTaps == 1 ? a_result_address(warp, m, lane) : a_address(warp, m, ky, kx, lane)),
                        x[m]);
#pragma unroll
        for (int pair = 0; pair < kN / 16; ++pair) {
          unsigned w[4];
          load_matrices(weights + b_address<kN>(ky * kSide + kx, pair, lane), w);
#pragma unroll
          for (int m = 0; m < 2; ++m)
#pragma unroll
            for (int i = 0; i < 2; ++i)
              multiply_add<T>(&sums[m * (kN / 2) + (2 * pair + i) * 4], x[m], w[2 * i], w[2 * i + 1]);
        }
      }
  } else {
    constexpr int kOutputs = kN / 8;
#pragma unroll 1
    for (int tap = 0; tap < kTaps; ++tap)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float4 w[kOutputs];
#pragma unroll
        for (int j = 0; j < kOutputs; ++j)
          w[j] = *reinterpret_cast<const float4*>(weights + swizzled(tap * kN + j * 8 + (lane & 7), half));
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          const int pixel = i * 4 + (lane >> 3), row = 2 * warp + (pixel >> 4), column = pixel & 15;
          const int item = kTaps == 1 ? row * kTile + column : halo_item(row + tap / 3, column + tap % 3);
          const float4 x = *reinterpret_cast<const float4*>(a + swizzled(item, half));
#pragma unroll
          for (int j = 0; j < kOutputs; ++j) {
            float& s = sums[i * kOutputs + j];
            s += x.x * w[j].x;
            s += x.y * w[j].y;
            s += x.z * w[j].z;
            s += x.w * w[j].w;
          }
        }
      }
  }
}

/// What a block of threads makes, and who a thread is in it.
struct Place {
  int block, tile_x, tile_y, group, warp, lane;
  __device__ explicit Place(int width)
      : block(static_cast<int>(blockIdx.x)),
        tile_x(block % blocks_of(width, kTile)),
        tile_y(block / blocks_of(width, kTile)),
        group(static_cast<int>(blockIdx.y)),
        warp(static_cast<int>(threadIdx.x) / 32),
        lane(static_cast<int>(threadIdx.x) % 32) {}
};

/// Adds up the lanes and warps that hold the same output and writes the block's partial sums.
template <typename T, int kN>
__device__ inline void store_partials(const ConvArgs<T>& a, const Place& place, float (&values)[kN],
                                      float* memory) {
  constexpr bool kMma = Accumulators<T, kN>::kMma;
  constexpr int kOwn = kMma ? kN / 4 : kN / 8;  // outputs of a lane
  const int warp = place.warp, lane = place.lane;
  __syncthreads();
#pragma unroll
  for (int j = 0; j < kOwn; ++j) {
    float sum = 0;
    int first = 0;
    if constexpr (kMma) {
      first = j / 2 * 4 + j % 2;
      sum = (values[first] + values[first + 2]) + (values[first + kN / 2] + values[first + kN / 2 + 2]);
      sum += __shfl_xor_sync(~0U, sum, 4);
    } else {
      first = j;
#pragma unroll
      for (int i = 0; i < 8; ++i) sum += values[i * kOwn + j];
    }
    sum += __shfl_xor_sync(~0U, sum, 8);
    sum += __shfl_xor_sync(~0U, sum, 16);
    if (lane < (kMma ? 4 : 8)) memory[warp * kN + Accumulators<T, kN>::channel(lane, first)] = sum;
  }
  __syncthreads();
  const int n = warp * 32 + lane, channel = place.group * kN + n;
  if (n >= kN || channel >= a.out_channels) return;
  float sum = 0;
#pragma unroll
  for (int w = 0; w < 8; ++w) sum += memory[w * kN + n];
  a.partials[static_cast<ptrdiff_t>(place.block) * a.out_channels + channel] = sum;
}

/// The two neighbouring channels of a lane, from `from`'s pixel `at`.
template <typename T>
__device__ inline Two<T> two_of(const T* from, ptrdiff_t at, int pitch, int channel) {
  return *reinterpret_cast<const Two<T>*>(from + at * pitch + channel);
}

/// Stores what a lane has of mma's accumulators, four pairs of channels of a pixel at a time: what is added
/// is fetched for all of them before the first is stored, since the compiler must take a store for what may
/// change it. Returns whether all values are finite; leaves in `sums` what counts in the partial sums.
template <typename T, typename Out, int kN, bool kDqa>
__device__ inline bool store_pairs(const ConvArgs<T>& a, const Place& place, float (&sums)[kN]) {
  using Added = std::conditional_t<kDqa, T, typename ConvArgs<T>::Residual>;
  constexpr int kPairs = kDqa ? 2 : 4;  // as many as leave registers
  bool finite = true;
#pragma unroll
  for (int tiles = 0; tiles < kN / 8; tiles += kPairs) {
    const int channel = place.group * kN + 8 * tiles + (place.lane & 3) * 2;
    Two<float> bias[kPairs] = {}, gate[kPairs] = {};
#pragma unroll
    for (int n = 0; n < kPairs; ++n) {
      if (channel + 8 * n >= a.out_channels) continue;
      bias[n] = two_of(a.bias, 0, 0, channel + 8 * n);
      if constexpr (kDqa) gate[n] = two_of(a.gate, 0, 0, channel + 8 * n);
    }
#pragma unroll
    for (int part = 0; part < 4; ++part) {  // the lane's pixels: two in each row m
      const int m = part / 2, r = part % 2 * 2;
      const int pixel = (2 * place.warp + m) * kTile + (place.lane >> 2) + r * 4;
      ptrdiff_t at = 0;
      const bool own = own_pixel(a, place.tile_x, place.tile_y, pixel, at);
      const bool counts = counted(a, place.tile_y, pixel);
      Two<Added> first[kPairs] = {}, second[kPairs] = {};
#pragma unroll
      for (int n = 0; n < kPairs; ++n) {
        if (!own || channel + 8 * n >= a.out_channels) continue;
        if constexpr (kDqa) {
          first[n] = two_of(a.in, at, a.in_pitch, channel + 8 * n);
        } else {
          if (a.first != nullptr) first[n] = two_of(a.first, at, a.first_pitch, channel + 8 * n);
          if (a.second != nullptr) second[n] = two_of(a.second, at, a.second_pitch, channel + 8 * n);
        }
      }
#pragma unroll
      for (int n = 0; n < kPairs; ++n) {
        float* const pair = &sums[m * (kN / 2) + 4 * (tiles + n) + r];
        const int c = channel + 8 * n;
        if (!own || c >= a.out_channels) {
          pair[0] = pair[1] = 0;
          continue;
        }
        Two<Out> result;
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          result.value[i] =
              stored<Out>(a, combined<kDqa>(
                                 a, pair[i], c + i, bias[n].value[i], gate[n].value[i],
                                 [&] { return first[n].value[i]; }, [&] { return second[n].value[i]; }));
          const float kept = static_cast<float>(result.value[i]);
          finite = finite && isfinite(kept);
          pair[i] = counts ? kept : 0.0F;
        }
        *reinterpret_cast<Two<Out>*>(static_cast<Out*>(a.out) + at * a.out_pitch + c) = result;
      }
    }
  }
  return finite;
}

/// The same of float's accumulators, one by one.
template <int kN, bool kDqa>
__device__ inline bool store_singly(const ConvArgs<float>& a, const Place& place, float (&sums)[kN]) {
  using Own = Accumulators<float, kN>;
  bool finite = true;
#pragma unroll
  for (int i = 0; i < kN; ++i) {
    const int channel = place.group * kN + Own::channel(place.lane, i);
    const int pixel = Own::pixel(place.warp, place.lane, i);
    ptrdiff_t at = 0;
    const bool own = own_pixel(a, place.tile_x, place.tile_y, pixel, at) && channel < a.out_channels;
    const float value = own ? finished<kDqa>(a, sums[i], channel, at) : 0.0F;
    finite = finite && isfinite(value);
    sums[i] = counted(a, place.tile_y, pixel) ? value : 0.0F;
    if (own) static_cast<float*>(a.out)[at * a.out_pitch + channel] = value;
  }
  return finite;
}

template <typename T, typename Out, int kN, bool kDqa>
__device__ inline void finish(const ConvArgs<T>& a, const Place& place, float (&sums)[kN],
                              unsigned char* memory) {
  bool finite = true;
  if constexpr (Accumulators<T, kN>::kMma)
    finite = store_pairs<T, Out, kN, kDqa>(a, place, sums);
  else
    finite = store_singly<kN, kDqa>(a, place, sums);
  if (a.not_finite != nullptr && !finite) *a.not_finite = 1;
  if (a.partials != nullptr) store_partials(a, place, sums, reinterpret_cast<float*>(memory));
}

/// Copies of one chunk: the halo tile and the weights of all taps.
template <typename T, int kTaps, int kN>
__device__ inline void fetch(const ConvArgs<T>& a, const Place& at, int chunk, unsigned char* stage) {
  for (int i = threadIdx.x; i < 2 * kHaloPixels; i += kThreads)
    copy_in(stage, input_copy(a, at.tile_x, at.tile_y, chunk, i), a.in);
  for (int i = threadIdx.x; i < 2 * kTaps * kN; i += kThreads)
    copy_in(stage, weight_copy<T, kTaps, kN>(a, at.group, chunk, i), a.in);
}

/// Goes through the chunks: `use(stage)` works on one while `fetch(chunk, stage)`'s copies of the next are
/// under way into the other stage.
template <int kStage, typename Fetch, typename Use>
__device__ inline void for_chunks(int chunks, unsigned char* memory, const Fetch& fetch, const Use& use) {
  fetch(0, memory);
  commit_copies();
  for (int chunk = 0; chunk < chunks; ++chunk) {
    if (chunk + 1 < chunks) {
      fetch(chunk + 1, memory + (chunk + 1) % 2 * kStage);
      commit_copies();
      wait_copies<1>();
    } else {
      wait_copies<0>();
    }
    __syncthreads();
    use(memory + chunk % 2 * kStage);
    __syncthreads();
  }
}

template <typename T, typename Out, int kN>
__global__ void __launch_bounds__(kThreads, 2) conv_kernel(const __grid_constant__ ConvArgs<T> a) {
  extern __shared__ __align__(128) unsigned char memory[];
  using Memory = ConvMemory<9, kN>;
  const Place at(a.width);
  float sums[kN] = {};
  for_chunks<Memory::kStage>(
      a.chunks, memory, [&](int chunk, unsigned char* stage) { fetch<T, 9, kN>(a, at, chunk, stage); },
      [&](const unsigned char* stage) {
        multiply<T, 9, kN>(stage, stage + Memory::kInput, at.warp, at.lane, sums);
      });
  finish<T, Out, kN, false>(a, at, sums, memory);
}

template <typename T, int kN>
__global__ void __launch_bounds__(kThreads, 2) dqa_kernel(const __grid_constant__ ConvArgs<T> a) {
  extern __shared__ __align__(128) unsigned char memory[];
  using Memory = DqaMemory<T, kN>;
  constexpr int kInput = ConvMemory<1, kN>::kInput, kFilterAt = ConvMemory<1, kN>::kStage;
  const Place at(a.width);
  const int channels = a.chunks * kChunk<T>;
  unsigned char* const result = memory + 2 * Memory::kStage;
  float sums[kN] = {};
  for_chunks<Memory::kStage>(
      a.chunks, memory,
      [&](int chunk, unsigned char* stage) {
        fetch<T, 1, kN>(a, at, chunk, stage);
        // [9][kChunk] floats, four at a time.
        for (int i = threadIdx.x; i < 9 * kChunk<T> / 4; i += kThreads) {
          const int tap = i / (kChunk<T> / 4), part = i % (kChunk<T> / 4);
          copy_in(stage, {kFilterAt + 16 * i, a.filter + tap * channels + chunk * kChunk<T> + 4 * part},
                  a.in);
        }
      },
      [&](const unsigned char* stage) {
        const auto* const filter = reinterpret_cast<const float*>(stage + kFilterAt);
#pragma unroll 1
        for (int half = 0; half < 2; ++half)
          depthwise<T>(stage, filter, threadIdx.x, half, 0.1F, result + swizzled(threadIdx.x, half));
        __syncthreads();
        multiply<T, 1, kN>(result, stage + kInput, at.warp, at.lane, sums);
      });
  finish<T, T, kN, true>(a, at, sums, memory);
}

template <typename Kernel, typename T>
void launch(Kernel* kernel, int bytes, int group, const ConvArgs<T>& a, cudaStream_t stream) {
  const dim3 grid(tile_count(a.width, a.height), blocks_of(a.out_channels, group));
  kernel<<<grid, kThreads, bytes, stream>>>(a);
  check(cudaGetLastError(), "launch of a convolution");
}

/// More than 48 KiB must be asked for, in every context.
template <typename Kernel>
void allow(Kernel* kernel, int bytes) {
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
        "shared memory of a convolution");
}

template <typename T>
constexpr bool kWide = sizeof(T) == 2;  // floats and fp8 have registers for 32 outputs alone

}  // namespace

int tile_count(int width, int height) { return blocks_of(width, kTile) * blocks_of(height, kTile); }

template <typename T>
void load_conv_kernels() {
  // What is not the next layer's input: the last layer's floats; fp8's residuals.
  using Apart = std::conditional_t<sizeof(T) == 1, typename ResidualOf<T>::Type, float>;
  if constexpr (kWide<T>) {
    allow(conv_kernel<T, T, 64>, ConvMemory<9, 64>::kBytes);
    allow(conv_kernel<T, Apart, 64>, ConvMemory<9, 64>::kBytes);
    allow(dqa_kernel<T, 64>, DqaMemory<T, 64>::kBytes);
  }
  allow(conv_kernel<T, T, 32>, ConvMemory<9, 32>::kBytes);
  allow(conv_kernel<T, Apart, 32>, ConvMemory<9, 32>::kBytes);
  if constexpr (sizeof(T) > 1) allow(dqa_kernel<T, 32>, DqaMemory<T, 32>::kBytes);
}

template <typename T>
int output_group(int out_channels) {
  return kWide<T> && out_channels > 32 ? 64 : 32;
}

template <typename T, typename Out>
void launch_conv(const ConvArgs<T>& a, cudaStream_t stream) {
  if constexpr (kWide<T>)
    if (output_group<T>(a.out_channels) == 64)
      return launch(conv_kernel<T, Out, 64>, ConvMemory<9, 64>::kBytes, 64, a, stream);
  launch(conv_kernel<T, Out, 32>, ConvMemory<9, 32>::kBytes, 32, a, stream);
}

template <typename T>
void launch_dqa(const ConvArgs<T>& a, cudaStream_t stream) {
  if constexpr (kWide<T>)
    if (output_group<T>(a.out_channels) == 64)
      return launch(dqa_kernel<T, 64>, DqaMemory<T, 64>::kBytes, 64, a, stream);
  launch(dqa_kernel<T, 32>, DqaMemory<T, 32>::kBytes, 32, a, stream);
}

#define CDSR_INSTANTIATE(T)             \
  template void load_conv_kernels<T>(); \
  template int output_group<T>(int);    \
  template void launch_conv<T, T>(const ConvArgs<T>&, cudaStream_t);
CDSR_INSTANTIATE(float)
CDSR_INSTANTIATE(__half)
CDSR_INSTANTIATE(__nv_bfloat16)
CDSR_INSTANTIATE(Fp8)
#undef CDSR_INSTANTIATE
template void launch_conv<__half, float>(const ConvArgs<__half>&, cudaStream_t);
template void launch_conv<__nv_bfloat16, float>(const ConvArgs<__nv_bfloat16>&, cudaStream_t);
template void launch_conv<Fp8, __half>(const ConvArgs<Fp8>&, cudaStream_t);
template void launch_dqa<float>(const ConvArgs<float>&, cudaStream_t);
template void launch_dqa<__half>(const ConvArgs<__half>&, cudaStream_t);
template void launch_dqa<__nv_bfloat16>(const ConvArgs<__nv_bfloat16>&, cudaStream_t);

}  // namespace cdsr::cuda
