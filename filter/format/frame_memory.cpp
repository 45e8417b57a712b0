#include "filter/format/frame_memory.h"

#include <cstring>

#include "model/error.h"

namespace cdsr {
FrameMemory::FrameMemory(const PixelFormat& format, int width, int height) {
  frame_.format = &format;
  frame_.width = width;
  frame_.height = height;
  frame_.color = resolve_color(format, width, height, CDSR_MATRIX_UNSPECIFIED, CDSR_RANGE_UNSPECIFIED,
                               CDSR_CHROMA_LOCATION_UNSPECIFIED);
  size_t bytes = 0;
  size_t offset[4] = {};
  for (int p = 0; p < format.planes; ++p) {
    const PlaneSize size = plane_size(format, p, width, height);
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
    const PlaneSize size = plane_size(*from.format, p, from.width, from.height);
    for (int y = 0; y < size.rows; ++y) {
      std::memcpy(frame_.plane[p] + y * frame_.stride[p], from.plane[p] + y * from.stride[p], size.row_bytes);
    }
  }
}

}  // namespace cdsr
