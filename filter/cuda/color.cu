// Frames in and out and the shot statistic, on the GPU: the functions of color_math.h, a block of threads at
// a time. Compiled without contraction of a * b + c: the bits are those of the CPU path.
#include "filter/cuda/color_kernels.h"
#include "model/cuda/driver.h"

namespace cdsr::cuda {
namespace {

constexpr int kColorThreads = 256;

__global__ void store_kernel(const FrameArgs args, FrameArgs* to) { *to = args; }

template <int kPlanes>
__global__ void color_in_kernel(const FrameArgs* frame, const Planes to) {
  const DeviceFrame& f = frame->in;
  const int x = blockIdx.y * blockDim.x + threadIdx.x,
            y = blockIdx.x;  // rows in x: there may be more than 65535
  if (x >= f.width) return;
  float values[kPlanes];
  color::FramePixel<kPlanes>{f}(x, y, values);
#pragma unroll
  for (int p = 0; p < kPlanes; ++p) const_cast<float*>(to.plane[p])[y * to.stride + x] = values[p];
}

/// The network's picture: last layer, shuffled, with its bicubic skip.
struct Network {
  const TailArgs& tail;
  __device__ void operator()(int x, int y, float rgb[3]) const {
    float skip[3] = {};
    if (tail.skip) bicubic_pixel<3>(tail.picture, tail.taps, x, y, skip);
#pragma unroll
    for (int p = 0; p < 3; ++p)
      rgb[p] = shuffled(tail.values, tail.pitch, tail.picture.width, tail.scale, p, x, y) + skip[p];
  }
};

__global__ void __launch_bounds__(kColorThreads)
    color_out_kernel(const FrameArgs* frame, const TailArgs tail) {
  __shared__ color::TileMemory memory;
  const DeviceFrame& in = frame->in;
  const DeviceOutput& out = frame->out;
  color::tile_convert(in, out, tail.picture, Network{tail}, memory, blockIdx.x, blockIdx.y, threadIdx.x,
                      kColorThreads);
  __syncthreads();
  color::tile_halve_rows(out, memory, threadIdx.x, kColorThreads);
  __syncthreads();
  color::tile_halve_columns(in, out, memory, blockIdx.x, blockIdx.y, threadIdx.x, kColorThreads);
  for (int i = threadIdx.x; i < color::kTileX * color::kTileY; i += kColorThreads)
    color::write_interpolated(in, out, /*all=*/false, blockIdx.x * color::kTileX + i % color::kTileX,
                              blockIdx.y * color::kTileY + i / color::kTileX);
}

/// Of a luma network; a thread makes a pixel.
__global__ void luma_out_kernel(const FrameArgs* frame, const TailArgs tail) {
  const int x = blockIdx.y * blockDim.x + threadIdx.x, y = blockIdx.x;
  if (x >= tail.picture.width * tail.scale) return;
  float skip = 0;
  if (tail.skip) bicubic_pixel<1>(tail.picture, tail.taps, x, y, &skip);
  const float luma = shuffled(tail.values, tail.pitch, tail.picture.width, tail.scale, 0, x, y) + skip;
  color::write_luma(frame->in, frame->out, tail.picture, luma, x, y);
  color::write_interpolated(frame->in, frame->out, /*all=*/false, x, y);
}

__global__ void interpolated_kernel(const FrameArgs* frame) {
  const int x = blockIdx.y * blockDim.x + threadIdx.x, y = blockIdx.x;
  color::write_interpolated(frame->in, frame->out, /*all=*/true, x, y);
}

/// A block makes one cell. Sums of integers: the order does not matter.
__global__ void thumbnail_kernel(const DeviceFrame f, int columns, int rows, uint16_t* cells) {
  __shared__ unsigned long long total;
  const int cx = blockIdx.x, cy = blockIdx.y;
  const int left = color::cell_edge(cx, columns, f.width), right = color::cell_edge(cx + 1, columns, f.width);
  const int top = color::cell_edge(cy, rows, f.height), bottom = color::cell_edge(cy + 1, rows, f.height);
  if (threadIdx.x == 0) total = 0;
  __syncthreads();
  const int width = right - left, pixels = width * (bottom - top);
  unsigned long long sum = 0;
  for (int i = threadIdx.x; i < pixels; i += blockDim.x)
    sum += color::shot_luma(f, left + i % width, top + i / width);
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0U, sum, step);
  if (threadIdx.x % 32 == 0) atomicAdd(&total, sum);
  __syncthreads();
  if (threadIdx.x == 0) cells[cy * columns + cx] = color::cell_value(f, total, pixels);
}

dim3 tiles(const TailArgs& tail) {
  return dim3(blocks_of(tail.picture.width * tail.scale, color::kTileX),
              blocks_of(tail.picture.height * tail.scale, color::kTileY));
}

}  // namespace

void load_color_kernels() {
  const void* const all[] = {
      reinterpret_cast<const void*>(store_kernel),       reinterpret_cast<const void*>(color_in_kernel<3>),
      reinterpret_cast<const void*>(color_in_kernel<1>), reinterpret_cast<const void*>(color_out_kernel),
      reinterpret_cast<const void*>(luma_out_kernel),    reinterpret_cast<const void*>(interpolated_kernel),
      reinterpret_cast<const void*>(thumbnail_kernel)};
  cudaFuncAttributes attributes;
  for (const void* kernel : all) check(cudaFuncGetAttributes(&attributes, kernel), "loading kernels");
}

void launch_store(const FrameArgs& args, FrameArgs* to, cudaStream_t stream) {
  store_kernel<<<1, 1, 0, stream>>>(args, to);
  check(cudaGetLastError(), "launch with a frame's addresses");
}

void launch_color_in(const FrameArgs* frame, const Planes& to, cudaStream_t stream) {
  const dim3 grid(to.height, blocks_of(to.width, 128));
  if (to.count == 1)
    color_in_kernel<1><<<grid, 128, 0, stream>>>(frame, to);
  else
    color_in_kernel<3><<<grid, 128, 0, stream>>>(frame, to);
  check(cudaGetLastError(), "launch of the colour conversion");
}

void launch_color_out(const FrameArgs* frame, const TailArgs& tail, cudaStream_t stream) {
  const int width = tail.picture.width * tail.scale, height = tail.picture.height * tail.scale;
  if (tail.picture.count == 1)
    luma_out_kernel<<<dim3(height, blocks_of(width, 128)), 128, 0, stream>>>(frame, tail);
  else
    color_out_kernel<<<tiles(tail), kColorThreads, 0, stream>>>(frame, tail);
  check(cudaGetLastError(), "launch of the output's colour conversion");
}

void launch_interpolated(const FrameArgs* frame, int width, int height, cudaStream_t stream) {
  interpolated_kernel<<<dim3(height, blocks_of(width, 128)), 128, 0, stream>>>(frame);
  check(cudaGetLastError(), "launch of the interpolation");
}

void launch_thumbnail(const DeviceFrame& frame, int columns, int rows, uint16_t* cells, cudaStream_t stream) {
  thumbnail_kernel<<<dim3(columns, rows), 128, 0, stream>>>(frame, columns, rows, cells);
  check(cudaGetLastError(), "launch of the shot statistic");
}

}  // namespace cdsr::cuda
