// v210: 4:2:2 with three samples of 10 bits in a word of 32. libcdsr has no such format: it gets planes.
#pragma once

#include <cdsr/cdsr.h>
#include <gst/video/video.h>

#include <cstdint>
#include <vector>

#include "gst_plugin/frame.h"

namespace cdsr::gst {

/// The samples of one frame as planes Y, U, V. Their memory is kept from frame to frame.
class V210Planes {
 public:
  /// `frame` becomes these planes, in place of the packed rows that it was; its size and colour stay.
  void lend(cdsr_frame& frame);
  /// Fills them with the picture of their size that begins at `crop` in `frame`.
  void unpack(const GstVideoFrame& frame, Crop crop);
  /// Writes them into `frame`.
  void pack(const GstVideoFrame& frame) const;

 private:
  /// The samples of row y of Y, U or V.
  uint16_t* row(int plane, int y) { return samples_.data() + offset(plane, y); }
  const uint16_t* row(int plane, int y) const { return samples_.data() + offset(plane, y); }
  size_t offset(int plane, int y) const;

  int width_ = 0, height_ = 0, chroma_width_ = 0;
  std::vector<uint16_t> samples_;
};

}  // namespace cdsr::gst
