// What an engine on a GPU does with frames in its memory. Implemented in the module libcdsr_cuda.so
// (frame_engine.h); nothing of CUDA is needed here.
#pragma once

#include <cstdint>
#include <memory>

#include "filter/cuda/device_frame.h"
#include "model/engine.h"

namespace cdsr {

class DeviceFrames {
 public:
  virtual ~DeviceFrames() = default;

  /// Frames come from and go to this CUstream (nullptr: the legacy default stream) from now on: the engine
  /// waits for what is queued there before it reads, and makes it wait for its own work after each call.
  virtual void set_stream(void* stream) = 0;

  /// The frames that the calls below, and the engine's with stages(), read and write from now on.
  virtual void set_input(const DeviceFrame& in) = 0;
  virtual void set_output(const DeviceOutput& out) = 0;
  /// For RowSource::device() and RowSink::device(). The same object for the life of the engine.
  virtual DeviceStages& stages() = 0;

  /// Mean luma of columns x rows cells of the input, as the shot detector's thumbnail has it. Waits for this
  /// frame, not for the frames that are being upscaled.
  virtual void thumbnail(int columns, int rows, uint16_t* cells) = 0;

  /// Memory of the device, to be given back before the engine goes. Its end waits for the engine's work.
  virtual std::shared_ptr<uint8_t> allocate(size_t bytes) = 0;

  /// The whole output by bicubic interpolation of the input, without the network.
  virtual void bicubic() = 0;
};

/// Of an engine whose backend has them, which is then one object; else nullptr.
inline DeviceFrames* device_frames(Engine& engine) { return dynamic_cast<DeviceFrames*>(&engine.backend()); }

}  // namespace cdsr
