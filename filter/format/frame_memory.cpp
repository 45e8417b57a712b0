#include "filter/format/frame_memory.h"

#include <algorithm>
#include <cstring>

#include "model/error.h"

namespace cdsr {
namespace {

/// Bytes of a row of plane p, without padding, and its rows.
struct PlaneSize {
  size_t row_bytes = 0;
  int rows = 0;
};

PlaneSize plane_size(const PixelFormat& format, int width, int height, int p) {
  PlaneSize size;
  for (int c = 0; c < format.components; ++c) {
    const Component& component = format.component[c];
    if (component.plane != p) continue;
    const size_t samples =
        static_cast<size_t>(format.width_of(c, width)) * static_cast<size_t>(component.step);
    size.row_bytes = std::max(size.row_bytes, samples * static_cast<size_t>(format.bytes()));
    size.rows = std::max(size.rows, format.height_of(c, height));
  }
  return size;
}

}  // namespace

FrameMemory::FrameMemory(const PixelFormat& format, int width, int height) {
  frame_.format = &format;
  frame_.width = width;
  frame_.height = height;
  frame_.color = resolve_color(format, width, height, CDSR_MATRIX_UNSPECIFIED, CDSR_RANGE_UNSPECIFIED,
                               CDSR_CHROMA_LOCATION_UNSPECIFIED);
  size_t bytes = 0;
  size_t offset[4] = {};
  for (int p = 0; p < format.planes; ++p) {
    const PlaneSize size = plane_size(format, width, height, p);
    offset[p] = bytes;
    frame_.stride[p] = static_cast<ptrdiff_t>(size.row_bytes);
    bytes += size.row_bytes * static_cast<size_t>(size.rows);
  }
  bytes_.resize(bytes);
  for (int p = 0; p < format.planes; ++p) frame_.plane[p] = bytes_.data() + offset[p];
}

void FrameMemory::copy(const Frame& from) {
  if (from.format != frame_.format || from.width != frame_.width || from.height != frame_.height) {
    fail(Errc::Internal, "a copy of {}x{} has memory for {}x{}", from.width, from.height, frame_.width,
         frame_.height);
  }
  frame_.color = from.color;
  for (int p = 0; p < from.format->planes; ++p) {
    const PlaneSize size = plane_size(*from.format, from.width, from.height, p);
    for (int y = 0; y < size.rows; ++y) {
      std::memcpy(frame_.plane[p] + y * frame_.stride[p], from.plane[p] + y * from.stride[p], size.row_bytes);
    }
  }
}

}  // namespace cdsr
