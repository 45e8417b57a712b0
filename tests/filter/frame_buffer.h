// Frames for tests: memory with guard bytes between and around the rows, strides of either sign, random
// content.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "filter/format/frame.h"

namespace cdsr::test {

/// Colour tags of a frame, as in cdsr_frame.
struct Tags {
  int32_t matrix = CDSR_MATRIX_UNSPECIFIED;
  int32_t range = CDSR_RANGE_UNSPECIFIED;
  int32_t chroma_location = CDSR_CHROMA_LOCATION_UNSPECIFIED;
};

class FrameBuffer {
 public:
  /// Every byte, samples included, is set to kGuard. bottom_up: strides are negative.
  FrameBuffer(const PixelFormat& format, int width, int height, bool bottom_up = false, Tags tags = {});

  static constexpr uint8_t kGuard = 0xA5;

  const PixelFormat& format() const { return *format_; }
  int width() const { return width_; }
  int height() const { return height_; }

  /// The C struct; planes stay this buffer's.
  cdsr_frame frame() const;
  /// As the library sees an input, or this buffer as output of `input`.
  Frame input() const { return input_frame(frame()); }
  Frame output(const FrameBuffer& input, int scale) const;

  int get(int component, int x, int y) const;
  void set(int component, int x, int y, int code);
  int width_of(int component) const { return format_->width_of(component, width_); }
  int height_of(int component) const { return format_->height_of(component, height_); }
  int max_code(int component = 0) const { return format_->max_code(component); }

  /// Random codes of the whole range; bits above the depth are random too.
  void fill_random(uint32_t seed);
  /// One code for every sample of a component.
  void fill(int component, int code);

  /// Whether every byte that is no sample still is kGuard.
  bool guards_intact() const;
  /// Whether no sample has bits beyond its depth.
  bool unused_bits_clear() const;

  bool operator==(const FrameBuffer& other) const { return planes_ == other.planes_; }

 private:
  struct Plane {
    std::vector<uint8_t> bytes;
    ptrdiff_t first = 0;  ///< of row 0
    ptrdiff_t stride = 0;
    int row_bytes = 0, rows = 0;
    bool operator==(const Plane& other) const { return bytes == other.bytes; }
  };

  /// The word that the sample lies in, as a number.
  uint32_t word(int component, int x, int y) const;
  uint8_t* sample(int component, int x, int y);
  const uint8_t* sample(int component, int x, int y) const;

  const PixelFormat* format_;
  int width_, height_;
  Tags tags_;
  std::vector<Plane> planes_;
};

/// Every format, but of the big-endian ones one of each kind: the others differ from their twins in nothing
/// but the order of bytes, which ColorParity.BigEndianIsTheSameSwapped looks at.
std::vector<const PixelFormat*> tested_formats();

}  // namespace cdsr::test
