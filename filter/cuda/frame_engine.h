// The engine of the module libcdsr_cuda.so: the network's, and what it needs to take video frames that lie in
// the GPU.
#pragma once

#include <memory>

#include "filter/cuda/device_frames.h"
#include "model/cuda/engine.h"
#include "model/cuda/stages.h"

namespace cdsr::cuda {

class FrameEngine final : public CudaEngine, public DeviceFrames {
 public:
  FrameEngine(std::shared_ptr<const Network> network, const EngineOptions& options);
  ~FrameEngine() override;

  void set_stream(void* stream) override;
  void set_input(const DeviceFrame& in) override;
  void set_output(const DeviceOutput& out) override;
  DeviceStages& stages() override;
  std::shared_ptr<uint8_t> allocate(size_t bytes) override;
  void thumbnail(int columns, int rows, uint16_t* cells) override;
  void bicubic() override;

 private:
  class Stages;
  struct Resources;  ///< all that lives in the context

  std::unique_ptr<Resources> r_;
};

}  // namespace cdsr::cuda
