#include "filter/cuda/frame_engine.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "filter/cuda/color_kernels.h"

namespace cdsr::cuda {

/// Colour in and out. The kernels read the frames' addresses from device memory.
class FrameEngine::Stages final : public FrameStages {
 public:
  FrameArgs args;
  cudaStream_t frames = nullptr;  ///< where frames come from and go to

  void begin(Stream& stream) override {
    stream.wait_for(frames);
    launch_store(args, memory(), stream);
  }
  void end(Stream& stream) override { stream.hold(frames); }

  void input(const Planes& to, cudaStream_t stream) const override { launch_color_in(memory(), to, stream); }
  void head(const HeadArgs<float>& a, cudaStream_t stream) const override {
    launch_frame_head(memory(), a, stream);
  }
  void head(const HeadArgs<__half>& a, cudaStream_t stream) const override {
    launch_frame_head(memory(), a, stream);
  }
  void head(const HeadArgs<__nv_bfloat16>& a, cudaStream_t stream) const override {
    launch_frame_head(memory(), a, stream);
  }
  void output(const TailArgs& tail, cudaStream_t stream) const override {
    launch_color_out(memory(), tail, stream);
  }
  void bicubic(cudaStream_t stream) const {
    launch_interpolated(memory(), args.out.frame.width, args.out.frame.height, stream);
  }

 private:
  FrameArgs* memory() const { return memory_.as<FrameArgs>(); }

  DeviceBuffer memory_{sizeof(FrameArgs)};
};

struct FrameEngine::Resources {
  Stages stages;
  Stream watch{true};  ///< the shot statistic: before the network's blocks
  DeviceBuffer cells;
  PinnedBuffer cells_host;
};

FrameEngine::FrameEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
    : CudaEngine(std::move(network), options) {
  const Context::Scope scope(context());
  load_color_kernels();
  load_frame_head_kernels();
  r_ = std::make_unique<Resources>();
}

FrameEngine::~FrameEngine() {
  try {
    const Context::Scope scope(context());
    cudaStreamSynchronize(stream());
    r_.reset();
  } catch (...) {
    // The context is gone and all device memory with it; freeing would make another context.
    static_cast<void>(r_.release());
  }
}

void FrameEngine::set_stream(void* stream) { r_->stages.frames = static_cast<cudaStream_t>(stream); }
void FrameEngine::set_input(const DeviceFrame& in) { r_->stages.args.in = in; }
void FrameEngine::set_output(const DeviceOutput& out) { r_->stages.args.out = out; }
DeviceStages& FrameEngine::stages() { return r_->stages; }

std::shared_ptr<uint8_t> FrameEngine::allocate(size_t bytes) {
  const Context::Scope scope(context());
  auto memory = std::make_shared<DeviceBuffer>(bytes);
  check(cudaMemset(memory->as<void>(), 0, bytes), "clearing memory of the GPU");
  check(cudaStreamSynchronize(nullptr), "clearing memory of the GPU");
  return {memory->as<uint8_t>(), [this, memory](uint8_t*) mutable {
            const Context::Scope inside(context());
            cudaStreamSynchronize(stream());
            memory.reset();
          }};
}

void FrameEngine::thumbnail(int columns, int rows, uint16_t* cells) {
  const Context::Scope scope(context());
  const size_t bytes = sizeof(uint16_t) * columns * rows;
  if (r_->cells.bytes() < bytes) {
    r_->cells = DeviceBuffer(bytes);
    r_->cells_host = PinnedBuffer(bytes);
  }
  r_->watch.wait_for(r_->stages.frames);
  launch_thumbnail(r_->stages.args.in, columns, rows, r_->cells.as<uint16_t>(), r_->watch);
  check(cudaMemcpyAsync(r_->cells_host.as<void>(), r_->cells.as<void>(), bytes, cudaMemcpyDeviceToHost,
                        r_->watch),
        "reading the shot statistic");
  r_->watch.synchronize("the shot statistic");
  std::copy_n(r_->cells_host.as<uint16_t>(), bytes / sizeof(uint16_t), cells);
}

void FrameEngine::bicubic() {
  const Context::Scope scope(context());
  r_->stages.begin(stream());
  r_->stages.bicubic(stream());
  r_->stages.end(stream());
}

}  // namespace cdsr::cuda
