// Frame and sink settings to what the colour kernels read.
#pragma once

#include "filter/color/device_frame.h"
#include "filter/color/frame_sink.h"
#include "filter/format/frame.h"
#include "model/engine.h"

namespace cdsr {

/// Any frame; where its planes lie does not matter here.
DeviceFrame device_frame(const Frame& frame);
DeviceOutput device_output(const Frame& out, int scale, const FrameSink::Settings& settings);

/// A frame in the GPU as the engine's source. Its rows cannot be read here: read() throws Internal.
class DeviceSource final : public RowSource {
 public:
  void bind(const Frame& frame) { frame_ = device_frame(frame); }
  void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const override;
  const DeviceFrame* device() const override { return &frame_; }

 private:
  DeviceFrame frame_;
};

/// An output frame in the GPU. write() throws Internal.
class DeviceSink final : public RowSink {
 public:
  void bind(const Frame& out, int scale, const FrameSink::Settings& settings) {
    output_ = device_output(out, scale, settings);
  }
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override;
  const DeviceOutput* device() const override { return &output_; }

 private:
  DeviceOutput output_;
};

}  // namespace cdsr
