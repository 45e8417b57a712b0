// A picture in memory of the library's own.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/format/frame.h"

namespace cdsr {

class FrameMemory {
 public:
  FrameMemory() = default;
  /// Black or green, whatever zeros are; untagged colour. Rows without padding. Allocates.
  FrameMemory(const PixelFormat& format, int width, int height);
  FrameMemory(FrameMemory&&) = default;
  FrameMemory& operator=(FrameMemory&&) = default;

  const Frame& frame() const { return frame_; }

  /// Copies samples and colour of a frame of the same format and size; throws Internal for another one.
  /// Allocates nothing.
  void copy(const Frame& from);

 private:
  Frame frame_;
  std::vector<uint8_t> bytes_;
};

}  // namespace cdsr
