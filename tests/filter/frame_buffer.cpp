#include "tests/filter/frame_buffer.h"

#include <algorithm>
#include <utility>

namespace cdsr::test {
namespace {

constexpr int kMargin = 64;  // guard bytes before, after and between rows; even, for 16-bit samples

}  // namespace

FrameBuffer::FrameBuffer(const PixelFormat& format, int width, int height, bool bottom_up, Tags tags)
    : format_(&format), width_(width), height_(height), tags_(tags), planes_(format.planes) {
  for (int c = 0; c < 4; ++c) {
    if (!format.has(c)) continue;
    Plane& plane = planes_[format.component[c].plane];
    plane.rows = height_of(c);
    plane.row_bytes = std::max(plane.row_bytes, width_of(c) * format.component[c].step * format.bytes);
  }
  for (Plane& plane : planes_) plane.stride = plane.row_bytes + kMargin + (plane.row_bytes & 1);
  for (Plane& plane : planes_) {
    plane.bytes.assign(plane.stride * plane.rows + kMargin, kGuard);
    plane.first = kMargin;
    if (bottom_up) {
      plane.first += plane.stride * (plane.rows - 1);
      plane.stride = -plane.stride;
    }
  }
}

cdsr_frame FrameBuffer::frame() const {
  cdsr_frame frame{};
  frame.version = CDSR_API_VERSION;
  frame.format = format_->id;
  frame.width = width_;
  frame.height = height_;
  for (size_t p = 0; p < planes_.size(); ++p) {
    frame.plane[p] = const_cast<uint8_t*>(planes_[p].bytes.data() + planes_[p].first);
    frame.stride[p] = planes_[p].stride;
  }
  frame.matrix = tags_.matrix;
  frame.range = tags_.range;
  frame.chroma_location = tags_.chroma_location;
  return frame;
}

Frame FrameBuffer::output(const FrameBuffer& input, int scale) const {
  return output_frame(frame(), input.input(), scale);
}

const uint8_t* FrameBuffer::sample(int component, int x, int y) const {
  const Component& place = format_->component[component];
  const Plane& plane = planes_[place.plane];
  return plane.bytes.data() + plane.first + y * plane.stride +
         ptrdiff_t{format_->bytes} * (x * place.step + place.offset);
}

uint8_t* FrameBuffer::sample(int component, int x, int y) {
  return const_cast<uint8_t*>(std::as_const(*this).sample(component, x, y));
}

uint32_t FrameBuffer::word(int component, int x, int y) const {
  const uint8_t* at = sample(component, x, y);
  uint32_t word = 0;
  for (int i = 0; i < format_->bytes; ++i)
    word |= uint32_t{at[i]} << 8 * (format_->big_endian ? format_->bytes - 1 - i : i);
  return word;
}

int FrameBuffer::get(int component, int x, int y) const {
  return static_cast<int>(word(component, x, y) >> format_->component[component].shift) & max_code(component);
}

void FrameBuffer::set(int component, int x, int y, int code) {
  const int shift = format_->component[component].shift;
  uint32_t word = static_cast<uint32_t>(code) << shift;
  if (format_->bytes == 4)
    word |= this->word(component, x, y) & ~(static_cast<uint32_t>(max_code(component)) << shift);
  // A packed row of an odd width ends with its last luma again.
  const bool twice = format_->pads_luma() && component == 0 && x == width_ - 1 && width_ % 2 != 0;
  for (int at = x; at <= x + (twice ? 1 : 0); ++at)
    for (int i = 0; i < format_->bytes; ++i)
      sample(component, at, y)[i] =
          static_cast<uint8_t>(word >> 8 * (format_->big_endian ? format_->bytes - 1 - i : i));
}

void FrameBuffer::fill_random(uint32_t seed) {
  std::mt19937 random(seed);
  for (Plane& plane : planes_) {
    for (int y = 0; y < plane.rows; ++y) {
      uint8_t* row = plane.bytes.data() + plane.first + y * plane.stride;
      std::generate(row, row + plane.row_bytes, [&] { return static_cast<uint8_t>(random()); });
    }
  }
}

void FrameBuffer::fill(int component, int code) {
  for (int y = 0; y < height_of(component); ++y) {
    for (int x = 0; x < width_of(component); ++x) set(component, x, y, code);
  }
}

bool FrameBuffer::guards_intact() const {
  for (const Plane& plane : planes_) {
    const ptrdiff_t pitch = plane.stride < 0 ? -plane.stride : plane.stride;
    for (size_t i = 0; i < plane.bytes.size(); ++i) {
      const auto offset = static_cast<ptrdiff_t>(i) - kMargin;
      const bool is_sample = offset >= 0 && offset % pitch < plane.row_bytes && offset / pitch < plane.rows;
      if (!is_sample && plane.bytes[i] != kGuard) return false;
    }
  }
  return true;
}

bool FrameBuffer::unused_bits_clear() const {
  if (format_->bytes == 4) return true;  // there are none
  for (int c = 0; c < 4; ++c) {
    if (!format_->has(c)) continue;
    const unsigned used = static_cast<unsigned>(max_code(c)) << format_->component[c].shift;
    for (int y = 0; y < height_of(c); ++y) {
      for (int x = 0; x < width_of(c); ++x) {
        if ((word(c, x, y) & ~used) != 0) return false;
      }
    }
  }
  return true;
}

std::vector<const PixelFormat*> tested_formats() {
  std::vector<const PixelFormat*> formats;
  for (const PixelFormat& format : pixel_formats())
    if (!format.big_endian) formats.push_back(&format);
  for (const char* name : {"gray16be", "ya16be", "yuv420p10be", "yuva444p12be", "p010be", "gbrap14be",
                           "rgb48be", "y210be", "xv36be", "xv30be"})
    formats.push_back(find_format(name));
  return formats;
}

}  // namespace cdsr::test
