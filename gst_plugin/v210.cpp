#include "gst_plugin/v210.h"

#include <algorithm>

namespace cdsr::gst {
namespace {

/// Where a sample lies in a group of 6 pixels: the word of four, and its lowest bit there.
struct Place {
  int word, shift;
};
constexpr int kGroupBytes = 16;
constexpr uint32_t kMask = 0x3FF;

/// How one component's samples follow each other: `count` in a group.
struct Layout {
  int count;
  Place places[6];
};
constexpr Layout kLayouts[] = {
    {6, {{0, 10}, {1, 0}, {1, 20}, {2, 10}, {3, 0}, {3, 20}}},
    {3, {{0, 0}, {1, 10}, {2, 20}}},
    {3, {{0, 20}, {2, 0}, {3, 10}}},
};

/// Calls visit(word's bytes, shift, sample's number) for `count` samples of a row, from number `first` on.
template <typename Byte, typename Visit>
void for_samples(Byte* row, const Layout& layout, int first, int count, Visit visit) {
  Byte* group = row + ptrdiff_t{first / layout.count} * kGroupBytes;
  int at = first % layout.count;
  for (int x = 0; x < count; ++x) {
    visit(group + ptrdiff_t{4} * layout.places[at].word, layout.places[at].shift, x);
    if (++at == layout.count) {
      at = 0;
      group += kGroupBytes;
    }
  }
}

guint8* packed_row(const GstVideoFrame& frame, int y) {
  return static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
         ptrdiff_t{y} * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
}

}  // namespace

size_t V210Planes::offset(int plane, int y) const {
  const size_t luma = static_cast<size_t>(width_) * height_;
  const size_t chroma = static_cast<size_t>(chroma_width_) * height_;
  return plane == 0 ? static_cast<size_t>(width_) * y
                    : luma + (plane - 1) * chroma + static_cast<size_t>(chroma_width_) * y;
}

void V210Planes::lend(cdsr_frame& frame) {
  width_ = frame.width;
  height_ = frame.height;
  chroma_width_ = (width_ + 1) / 2;
  samples_.resize(offset(3, 0));
  for (int p = 0; p < 3; ++p) {
    frame.plane[p] = row(p, 0);
    frame.stride[p] = 2 * (p == 0 ? width_ : chroma_width_);
  }
}

void V210Planes::unpack(const GstVideoFrame& frame, Crop crop) {
  for (int y = 0; y < height_; ++y) {
    const guint8* packed = packed_row(frame, crop.y + y);
    for (int p = 0; p < 3; ++p) {
      uint16_t* out = row(p, y);
      for_samples(packed, kLayouts[p], p == 0 ? crop.x : crop.x / 2, p == 0 ? width_ : chroma_width_,
                  [out](const guint8* word, int shift, int x) {
                    out[x] = static_cast<uint16_t>((GST_READ_UINT32_LE(word) >> shift) & kMask);
                  });
    }
  }
}

void V210Planes::pack(const GstVideoFrame& frame) const {
  for (int y = 0; y < height_; ++y) {
    guint8* packed = packed_row(frame, y);
    std::fill_n(packed, (width_ + 5) / 6 * kGroupBytes, guint8{0});
    for (int p = 0; p < 3; ++p) {
      const uint16_t* in = row(p, y);
      for_samples(packed, kLayouts[p], 0, p == 0 ? width_ : chroma_width_,
                  [in](guint8* word, int shift, int x) {
                    GST_WRITE_UINT32_LE(word, GST_READ_UINT32_LE(word) | (in[x] & kMask) << shift);
                  });
    }
  }
}

}  // namespace cdsr::gst
