// Frame and sink settings to what the colour kernels read.
#pragma once

#include "filter/color/frame_sink.h"
#include "filter/cuda/device_frame.h"
#include "filter/format/frame.h"

namespace cdsr {

/// Any frame; where its planes lie does not matter here.
DeviceFrame device_frame(const Frame& frame);
DeviceOutput device_output(const Frame& out, int scale, const FrameSink::Settings& settings);

}  // namespace cdsr
