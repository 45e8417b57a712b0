#include "filter/frame_path.h"

#include <algorithm>
#include <utility>

#include "filter/cuda/device_color.h"
#include "filter/cuda/device_frames.h"
#include "filter/format/frame_memory.h"
#include "filter/still_areas.h"
#include "model/error.h"

namespace cdsr {
namespace {

class HostPath final : public FramePath {
 public:
  HostPath(Engine& engine, bool reuse) : engine_(engine), still_(engine) {
    if (reuse) still_.enable();
  }

  void bind(const Frame& in) override {
    if (in.width != width_) thumbnailer_.plan(in.width);
    width_ = in.width;
    picture_ = {0, 0, in.width, in.height};
    barred_ = false;
    source_.bind(in, engine_.network().config.colour);
  }
  Barred crop(const Frame& in, bool new_shot, const Barred* known) override {
    const Area whole = picture_;
    if (known != nullptr) bars_.take(in, *known);
    const Barred found = known != nullptr ? *known : bars_.follow(in, new_shot);
    picture_ = found.picture;
    barred_ = picture_ != whole;
    if (barred_) source_.bind(cropped(in, picture_), engine_.network().config.colour);
    return found;
  }
  const RowSource& source() const override { return source_; }
  const Thumbnail& thumbnail() override {
    thumbnailer_.make(source_.frame(), thumbnail_);
    return thumbnail_;
  }
  bool embeds_at_once() const override { return false; }
  double upscale(const Frame& out, const FrameSink::Settings& settings) override {
    const Frame picture = bind_sink(out, settings);
    return still_.upscale(source_, sink_, picture, settings);
  }
  void set_progress(const RowsDone& progress) override { sink_.set_progress(progress); }
  void forget() override { still_.forget(); }
  void interpolate(const Frame& out, const FrameSink::Settings& settings) override {
    bind_sink(out, settings);
    sink_.write_bicubic();
  }
  double take_color_ms() override {
    return static_cast<double>(source_.take_time() + sink_.take_time()) * 1e-6;
  }

 private:
  /// Returns the part of `out` that the picture goes to; the bars around it are written.
  Frame bind_sink(const Frame& out, const FrameSink::Settings& settings) {
    const int scale = engine_.network().config.scale;
    const Frame picture = cropped(
        out, {picture_.x * scale, picture_.y * scale, picture_.width * scale, picture_.height * scale});
    if (barred_) bars_.fill(out, scale);
    sink_.bind(source_, picture, scale, settings);
    return picture;
  }

  Engine& engine_;
  int width_ = 0;
  Thumbnailer thumbnailer_;
  Thumbnail thumbnail_;
  Bars bars_;
  Area picture_;
  bool barred_ = false;
  FrameSource source_;
  FrameSink sink_;
  StillAreas still_;
};

class GpuPath final : public FramePath {
 public:
  GpuPath(Engine& engine, DeviceFrames& frames)
      : engine_(engine), frames_(frames), source_(frames.stages()), sink_(frames.stages()) {}

  void bind(const Frame& in) override {
    thumbnail_.width = std::min(in.width, kThumbnailWidth);
    thumbnail_.height = std::min(in.height, kThumbnailHeight);
    frames_.set_input(device_frame(in));
  }
  const RowSource& source() const override { return source_; }
  const Thumbnail& thumbnail() override {
    frames_.thumbnail(thumbnail_.width, thumbnail_.height, thumbnail_.cell);
    return thumbnail_;
  }
  bool embeds_at_once() const override { return true; }
  double upscale(const Frame& out, const FrameSink::Settings& settings) override {
    set_output(out, settings);
    engine_.upscale(source_, sink_);
    return 0;
  }
  void interpolate(const Frame& out, const FrameSink::Settings& settings) override {
    set_output(out, settings);
    frames_.bicubic();
  }
  double take_color_ms() override { return 0; }

 private:
  /// The engine reads and writes these itself.
  class Source final : public RowSource {
   public:
    explicit Source(DeviceStages& stages) : stages_(stages) {}
    void read(int, int, float* const[3], ptrdiff_t) const override {
      fail(Errc::Internal, "a frame in the GPU's memory was to be read by the processor");
    }
    DeviceStages* device() const override { return &stages_; }

   private:
    DeviceStages& stages_;
  };
  class Sink final : public RowSink {
   public:
    explicit Sink(DeviceStages& stages) : stages_(stages) {}
    void write(int, int, const float* const[3], ptrdiff_t) override {
      fail(Errc::Internal, "a frame in the GPU's memory was to be written by the processor");
    }
    DeviceStages* device() const override { return &stages_; }

   private:
    DeviceStages& stages_;
  };

  void set_output(const Frame& out, const FrameSink::Settings& settings) {
    frames_.set_output(device_output(out, engine_.network().config.scale, settings));
  }

  Engine& engine_;
  DeviceFrames& frames_;
  Thumbnail thumbnail_;
  Source source_;
  Sink sink_;
};

/// A black frame in the memory of a device.
class DeviceFrameMemory {
 public:
  DeviceFrameMemory(DeviceFrames& device, const PixelFormat& format, int width, int height)
      : frame_(FrameMemory(format, width, height).frame()) {
    for (int p = 0; p < format.planes; ++p) {
      const PlaneSize size = plane_size(format, p, width, height);
      memory_[p] = device.allocate(size.row_bytes * static_cast<size_t>(size.rows));
      frame_.plane[p] = memory_[p].get();
    }
    frame_.on_gpu = true;
  }
  const Frame& frame() const { return frame_; }

 private:
  Frame frame_;
  std::shared_ptr<uint8_t> memory_[4];
};

}  // namespace

FramePaths::FramePaths(Engine& engine, bool reuse)
    : engine_(engine), host_(std::make_unique<HostPath>(engine, reuse)) {
  if (DeviceFrames* const frames = device_frames(engine)) gpu_ = std::make_unique<GpuPath>(engine, *frames);
}

FramePath& FramePaths::gpu() {
  if (gpu_ != nullptr) return *gpu_;
  fail(Errc::Unsupported, "frames in a GPU's memory need backend cuda, this session runs {}: {}",
       engine_.info().backend, engine_.info().detail);
}

void FramePaths::warm_gpu(const PixelFormat& format, int width, int height,
                          const FrameSink::Settings& settings) {
  DeviceFrames* const device = device_frames(engine_);
  if (device == nullptr || format.bytes > 2) return;  // no such frames
  const int scale = engine_.network().config.scale;
  const DeviceFrameMemory in(*device, format, width, height),
      out(*device, format, width * scale, height * scale);
  gpu_->bind(in.frame());
  gpu_->thumbnail();
  gpu_->interpolate(out.frame(), settings);
  // Twice: the engine queues the first frame and records the second.
  for (int n = 0; n < 2; ++n) gpu_->upscale(out.frame(), settings);
}

void FramePaths::set_gpu_stream(void* stream) {
  gpu();  // throws where there is none
  device_frames(engine_)->set_stream(stream);
}

}  // namespace cdsr
