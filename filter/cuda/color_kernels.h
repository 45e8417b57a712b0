// The filter's kernels, as functions that queue them on a stream; as in model/cuda/kernels.h. Their bits are
// those of the CPU path.
#pragma once

#include "filter/cuda/color_math.h"
#include "model/cuda/kernels.h"

namespace cdsr::cuda {

/// What changes from frame to frame; lies in device memory, so that a graph can be launched again.
struct FrameArgs {
  DeviceFrame in;
  DeviceOutput out;
};

// color.cu ------------------------------------------------------------------------------------------------

/// Loads this file's kernels into the current context: to be called before the launches, since a graph's
/// capture must not load anything.
void load_color_kernels();

void launch_store(const FrameArgs& args, FrameArgs* to, cudaStream_t stream);

/// A frame of to.width x to.height to planes of floats: R'G'B', or Y' where to.count is 1.
void launch_color_in(const FrameArgs* frame, const Planes& to, cudaStream_t stream);
/// Pixel shuffle, bicubic skip and the conversion to the output's format; chroma (if the settings say so) and
/// alpha interpolated from the input's codes. After a luma network (tail.picture.count is 1) chroma must be.
void launch_color_out(const FrameArgs* frame, const TailArgs& tail, cudaStream_t stream);
/// Everything interpolated from the input's codes, without a network. width x height: of the output.
void launch_interpolated(const FrameArgs* frame, int width, int height, cudaStream_t stream);
/// columns x rows cells; see DeviceFrames::thumbnail().
void launch_thumbnail(const DeviceFrame& frame, int columns, int rows, uint16_t* cells, cudaStream_t stream);

// frame_head.cu -------------------------------------------------------------------------------------------

/// As load_color_kernels().
void load_frame_head_kernels();

/// launch_color_in() to args.in and the network's first layer, in one kernel.
template <typename T>
void launch_frame_head(const FrameArgs* frame, const HeadArgs<T>& args, cudaStream_t stream);

}  // namespace cdsr::cuda
