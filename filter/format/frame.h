// A frame inside the library: checked, with everything resolved that a cdsr_frame leaves open.
#pragma once

#include <cstddef>
#include <cstdint>

#include "filter/color/color_spec.h"
#include "filter/format/pixel_format.h"
#include "filter/include/cdsr/cdsr.h"

namespace cdsr {

struct Frame {
  const PixelFormat* format = nullptr;
  int width = 0, height = 0;
  uint8_t* plane[4] = {};
  ptrdiff_t stride[4] = {};  ///< bytes, signed
  ColorSpec color;
  bool on_gpu = false;  ///< the planes lie in the GPU's memory

  /// First byte of row y of the plane that component c lies in.
  uint8_t* row(int c, int y) const {
    const int p = format->component[c].plane;
    return plane[p] + y * stride[p];
  }

  /// Code x of component c in the row that begins at `bytes`. For what is not worth a kernel.
  unsigned code(int c, const uint8_t* bytes, int x) const {
    const Component& at = format->component[c];
    const uint8_t* const first = bytes + (at.offset + ptrdiff_t{x} * at.step) * format->bytes;
    uint32_t word = 0;
    for (int i = 0; i < format->bytes; ++i)
      word = word << 8 | first[format->big_endian ? i : format->bytes - 1 - i];
    return word >> at.shift & static_cast<unsigned>(format->max_code(c));
  }
};

/// Longest side of an input frame.
inline constexpr int kMaxSide = 65536;

/// Throws InvalidArgument when a side of an input frame is out of 1..kMaxSide.
void check_size(const char* what, int width, int height);

/// Checks an input frame and resolves its colour. Throws InvalidArgument or Unsupported.
Frame input_frame(const cdsr_frame& frame);

/// Checks an output frame against its input. Its colour is the input's. Throws InvalidArgument.
Frame output_frame(const cdsr_frame& frame, const Frame& input, int scale);

}  // namespace cdsr
