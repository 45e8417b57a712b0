// The kernels, as functions that queue them on a stream. Of T: float, __half, __nv_bfloat16; of the
// convolutions Fp8 too.
//
// All launches return at once; errors of a launch are thrown by the function, errors of its execution by
// whatever waits for the stream.
#pragma once

#include <cuda_runtime_api.h>

#include "model/cuda/conv_tile.h"
#include "model/cuda/fp8.h"
#include "model/cuda/fp8_math.h"
#include "model/cuda/head_tile.h"
#include "model/cuda/pixel_math.h"
#include "model/cuda/planes.h"

namespace cdsr::cuda {

// conv.cu ------------------------------------------------------------------------------------------------

/// Loads this file's kernels of T into the current context and allows them their shared memory: to be called
/// before the launches, since a graph's capture must not load anything.
template <typename T>
void load_conv_kernels();

/// Outputs a block makes at once: weights are packed in groups of this many (pack_weights()).
template <typename T>
int output_group(int out_channels);

/// 3x3 convolution; Out is T, or float for the last layer, or __half where T is Fp8.
template <typename T, typename Out>
void launch_conv(const ConvArgs<T>& args, cudaStream_t stream);

/// Depthwise, LeakyReLU, 1x1, gate and LeakyReLU in one pass.
template <typename T>
void launch_dqa(const ConvArgs<T>& args, cudaStream_t stream);

/// Blocks in the two launches, which is rows in `partials`.
int tile_count(int width, int height);

// fp8.cu -------------------------------------------------------------------------------------------------

/// As load_conv_kernels().
void load_fp8_kernels();

/// An fp16 map to the first channels of an fp8 buffer, times its scale. Sets *not_held to 1 for what fp8 does
/// not hold, and when the scale is not known.
void launch_quantize(const QuantizeArgs<__half, Fp8>& args, cudaStream_t stream);
/// Raises *most to the largest absolute value among `count`, a multiple of 4.
void launch_range(const float* values, int64_t count, float* most, cudaStream_t stream);
/// Scales and factors from what was measured, which is forgotten then.
void launch_scales(const Fp8Scales& scales, cudaStream_t stream);

// head.cu ------------------------------------------------------------------------------------------------

/// As load_conv_kernels().
void load_head_kernels();

/// First layer. `weights` [channels][9 in.count], bias [channels]; `partials` as in ConvArgs, or null.
template <typename T>
struct HeadArgs {
  Planes in;
  const float* weights = nullptr;
  const float* bias = nullptr;
  int channels = 0;  ///< padded; a multiple of kPad
  float slope = 1;   ///< LeakyReLU; 1: none
  T* out = nullptr;
  int out_pitch = 0;
  float* partials = nullptr;
  int sum_begin = 0, sum_end = 0;  ///< rows that count in `partials`
};
template <typename T>
void launch_head(const HeadArgs<T>& args, cudaStream_t stream);

// pixel.cu -----------------------------------------------------------------------------------------------

/// As load_conv_kernels().
void load_pixel_kernels();

/// First stage of a mean: `count` rows of partial sums to kFolds.
inline constexpr int kFolds = 64;
void launch_fold(const float* partials, int count, int channels, float* folded, cudaStream_t stream);

/// A DQA's dynamic filter from its mean or its partial sums.
void launch_dqa_vectors(const DqaArgs& args, cudaStream_t stream);

/// Windows of a picture, side by side in `out`: [window][y][x][in.count].
struct WindowArgs {
  Planes in;
  int x[16] = {}, y[16] = {};
  int count = 0, width = 0, height = 0;
  float* out = nullptr;
};
void launch_windows(const WindowArgs& args, cudaStream_t stream);
/// LpeInput::Normalized: `count` windows side by side, in place.
void launch_normalize(float* windows, int count, int width, int height, int channels, cudaStream_t stream);
void launch_encoder(const EncoderArgs& args, cudaStream_t stream);
/// Mean over the pixels of each window: [window][pixel][channels] to [window][channels].
void launch_means(const float* in, int windows, int pixels, int channels, float* out, cudaStream_t stream);

/// A convolution's weights of a shot: to[i] = sum over k of share[k] sets[k count + i].
template <typename T>
struct MixArgs {
  static constexpr int kMost = 17;  ///< weight sets
  const float* sets = nullptr;      ///< [experts][count], in the order of `to`
  float share[kMost] = {};
  int experts = 0;
  int64_t count = 0;
  T* to = nullptr;
};
template <typename T>
void launch_mix(const MixArgs<T>& args, cudaStream_t stream);

/// What the last layer and the low-resolution picture make: as many planes of floats as the picture has.
struct TailArgs {
  const float* values = nullptr;  ///< [pixel][pitch]
  int pitch = 0, scale = 2;
  bool skip = false;
  Planes picture;
  BicubicTaps taps;  ///< of the skip
};
void launch_planes(const TailArgs& args, float* const out[3], ptrdiff_t stride, cudaStream_t stream);

/// Fills memory with values that look like features, for measurements (noise_value()).
template <typename T>
void launch_noise(T* values, int64_t count, cudaStream_t stream);

/// Adds one to *counter, which may lie in the processor's memory.
void launch_count(int64_t* counter, cudaStream_t stream);

}  // namespace cdsr::cuda
