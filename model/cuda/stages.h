// What may stand before the network and after it in a frame's graph: the conversion of frames that lie in
// this GPU's memory, in a form that only its author knows (filter/cuda).
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "model/cuda/driver.h"
#include "model/cuda/kernels.h"
#include "model/picture_rows.h"

namespace cdsr::cuda {

/// Both ends of a frame. The kernels that input(), head() and output() queue are captured once and run for
/// every frame after: what changes from frame to frame they read where begin() puts it.
class FrameStages : public DeviceStages {
 public:
  /// Queues, outside the graph and before a frame's other kernels: waits for the frame, puts its addresses.
  virtual void begin(Stream& stream) = 0;
  /// After the frame's last kernel: whoever waits for the frame waits for `stream`.
  virtual void end(Stream& stream) = 0;

  /// Queues the input's conversion to planes.
  virtual void input(const Planes& to, cudaStream_t stream) const = 0;
  /// The same and the first layer in one kernel; args.in's planes are written. The bits of both one by one.
  virtual void head(const HeadArgs<float>& args, cudaStream_t stream) const = 0;
  virtual void head(const HeadArgs<__half>& args, cudaStream_t stream) const = 0;
  virtual void head(const HeadArgs<__nv_bfloat16>& args, cudaStream_t stream) const = 0;
  /// Queues the conversion of what the last layer made to the output.
  virtual void output(const TailArgs& tail, cudaStream_t stream) const = 0;
};

}  // namespace cdsr::cuda
