// A mapped GStreamer frame as libcdsr takes it.
#pragma once

#include <cdsr/cdsr.h>
#include <gst/video/video.h>

namespace cdsr::gst {

/// The part of a buffer that is the picture, in pixels of the buffer.
struct Crop {
  int x = 0, y = 0;
};

/// Where the picture of caps `info` begins in a buffer with a GstVideoCropMeta: a rectangle of the size of
/// the caps is honoured. Rounded down to whole chroma samples: the picture may move by a pixel, its colours
/// stay on it. A rectangle of another size is for whoever shows the picture, see metas.h: the whole buffer is
/// upscaled.
Crop crop_of(GstBuffer* buffer, const GstVideoInfo& info);

/// Lends the picture of `info` that begins at `crop` in `frame` to libcdsr. False if it does not lie inside.
bool wrap(const GstVideoFrame& frame, const GstVideoInfo& info, Crop crop, cdsr_frame& result);

}  // namespace cdsr::gst
