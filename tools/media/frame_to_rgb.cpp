#include "tools/media/frame_to_rgb.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/error.h"

namespace cdsr::tools {
namespace {

/// The components of a frame, one line at a time.
class ComponentReader {
 public:
  ComponentReader(const AVFrame& frame, const AVPixFmtDescriptor& desc) : frame_(frame), desc_(desc) {}

  /// Values 0 .. 2^depth - 1 of `width` samples of component c in its own row y.
  void line(int c, int y, int width, std::vector<uint16_t>& out) const {
    out.resize(static_cast<size_t>(width));
    const uint8_t* data[4] = {frame_.data[0], frame_.data[1], frame_.data[2], frame_.data[3]};
    av_read_image_line2(out.data(), data, frame_.linesize, &desc_, 0, y, c, width, 0, 2);
  }
  int max(int c) const { return (1 << desc_.comp[c].depth) - 1; }

 private:
  const AVFrame& frame_;
  const AVPixFmtDescriptor& desc_;
};

uint8_t to_8bit(unsigned value, unsigned max) { return static_cast<uint8_t>((value * 255U + max / 2) / max); }

uint8_t clamp_round(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

void rgb_rows(const AVFrame& f, const ComponentReader& in, Picture& out) {
  std::vector<uint16_t> line;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < f.height; ++y) {
      in.line(c, y, f.width, line);
      uint8_t* row = out.rgb.data() + 3 * static_cast<size_t>(y) * f.width + c;
      for (int x = 0; x < f.width; ++x) row[ptrdiff_t{3} * x] = to_8bit(line[x], in.max(c));
    }
}

// Grey in image files uses its whole range.
void grey_rows(const AVFrame& f, const ComponentReader& in, Picture& out) {
  std::vector<uint16_t> line;
  const bool inverted = f.format == AV_PIX_FMT_MONOWHITE;
  for (int y = 0; y < f.height; ++y) {
    in.line(0, y, f.width, line);
    uint8_t* row = out.rgb.data() + 3 * static_cast<size_t>(y) * f.width;
    for (int x = 0; x < f.width; ++x) {
      const unsigned value = inverted ? in.max(0) - line[x] : line[x];
      std::fill_n(row + ptrdiff_t{3} * x, 3, to_8bit(value, in.max(0)));
    }
  }
}

void palette_rows(const AVFrame& f, Picture& out) {
  const auto* palette =
      reinterpret_cast<const uint32_t*>(f.data[1]);  // 0xAARRGGBB in the machine's byte order
  for (int y = 0; y < f.height; ++y) {
    const uint8_t* index = f.data[0] + static_cast<ptrdiff_t>(y) * f.linesize[0];
    uint8_t* row = out.rgb.data() + 3 * static_cast<size_t>(y) * f.width;
    for (int x = 0; x < f.width; ++x)
      for (int c = 0; c < 3; ++c) row[3 * x + c] = static_cast<uint8_t>(palette[index[x]] >> (16 - 8 * c));
  }
}

/// Kr and Kb of the frame's matrix. Still images that say nothing are JFIF or WebP: BT.601.
std::pair<double, double> luma_weights(const AVFrame& f) {
  switch (f.colorspace) {
    case AVCOL_SPC_BT709:
      return {0.2126, 0.0722};
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return {0.2627, 0.0593};
    default:
      return {0.299, 0.114};
  }
}

bool full_range(const AVFrame& f, const AVPixFmtDescriptor& desc) {
  if (f.color_range != AVCOL_RANGE_UNSPECIFIED) return f.color_range == AVCOL_RANGE_JPEG;
  return std::string_view(desc.name).starts_with("yuvj");
}

/// Where a full-resolution sample lies between two samples of a plane subsampled by 2^shift, both centred on
/// the same picture, as JPEG and WebP site their chroma.
struct Tap {
  int low, high;
  double weight;  ///< of `high`
};
Tap tap(int position, int shift, int size) {
  const double at = (position + 0.5) / (1 << shift) - 0.5;
  const double floor = std::floor(at);
  const int low = static_cast<int>(floor);
  return {std::clamp(low, 0, size - 1), std::clamp(low + 1, 0, size - 1), at - floor};
}

void yuv_rows(const AVFrame& f, const AVPixFmtDescriptor& desc, const ComponentReader& in, Picture& out) {
  const auto [kr, kb] = luma_weights(f);
  const double kg = 1 - kr - kb;
  const bool full = full_range(f, desc);
  const int depth = desc.comp[0].depth;
  const double unit = 1 << (depth - 8);  // one step of an 8-bit code
  const double top = (1 << depth) - 1;
  const double y_zero = full ? 0 : 16 * unit, y_gain = full ? 255 / top : 255 / (219 * unit);
  const double c_zero = 128 * unit, c_gain = full ? 255 / top : 255 / (224 * unit);
  const int cw = AV_CEIL_RSHIFT(f.width, desc.log2_chroma_w),
            ch = AV_CEIL_RSHIFT(f.height, desc.log2_chroma_h);

  std::vector<Tap> across(static_cast<size_t>(f.width));
  for (int x = 0; x < f.width; ++x) across[x] = tap(x, desc.log2_chroma_w, cw);
  std::vector<uint16_t> luma, line;
  std::vector<double> mixed[2] = {std::vector<double>(cw), std::vector<double>(cw)};
  for (int y = 0; y < f.height; ++y) {
    const Tap down = tap(y, desc.log2_chroma_h, ch);
    for (int c = 0; c < 2; ++c) {
      in.line(c + 1, down.low, cw, line);
      for (int x = 0; x < cw; ++x) mixed[c][x] = (1 - down.weight) * line[x];
      in.line(c + 1, down.high, cw, line);
      for (int x = 0; x < cw; ++x) mixed[c][x] += down.weight * line[x];
    }
    in.line(0, y, f.width, luma);
    uint8_t* row = out.rgb.data() + 3 * static_cast<size_t>(y) * f.width;
    for (int x = 0; x < f.width; ++x) {
      const Tap& t = across[x];
      const auto chroma = [&](int c) {
        return ((1 - t.weight) * mixed[c][t.low] + t.weight * mixed[c][t.high] - c_zero) * c_gain;
      };
      const double l = (luma[x] - y_zero) * y_gain, cb = chroma(0), cr = chroma(1);
      const double red = 2 * (1 - kr) * cr, blue = 2 * (1 - kb) * cb;
      row[3 * x + 0] = clamp_round(l + red);
      row[3 * x + 1] = clamp_round(l - (kr * red + kb * blue) / kg);
      row[3 * x + 2] = clamp_round(l + blue);
    }
  }
}

}  // namespace

Picture frame_to_rgb(const AVFrame& frame, const std::string& name) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const uint64_t unreadable = AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER;
  if (desc == nullptr || (desc->flags & unreadable) != 0 || std::string_view(desc->name).starts_with("xyz"))
    fail(Errc::Unsupported, "{}: pixel format {} cannot be read", name,
         desc == nullptr ? "unknown" : desc->name);

  Picture out{frame.width, frame.height,
              std::vector<uint8_t>(3 * static_cast<size_t>(frame.width) * static_cast<size_t>(frame.height))};
  const ComponentReader in(frame, *desc);
  if ((desc->flags & AV_PIX_FMT_FLAG_PAL) != 0)
    palette_rows(frame, out);
  else if (desc->nb_components <= 2)
    grey_rows(frame, in, out);
  else if ((desc->flags & AV_PIX_FMT_FLAG_RGB) != 0)
    rgb_rows(frame, in, out);
  else
    yuv_rows(frame, *desc, in, out);
  return out;
}

Picture apply_rotation(Picture in, const AVFrame& frame) {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (side == nullptr || side->size < 9 * sizeof(int32_t)) return in;
  // Columns of the matrix: where a step right (a, b) and a step down (c, d) in the stored picture go.
  const auto* m = reinterpret_cast<const int32_t*>(side->data);
  const auto sign = [](int32_t v) { return v > 0 ? 1 : v < 0 ? -1 : 0; };
  const int a = sign(m[0]), b = sign(m[1]), c = sign(m[3]), d = sign(m[4]);
  const bool upright = b == 0 && c == 0 && a != 0 && d != 0, turned = a == 0 && d == 0 && b != 0 && c != 0;
  if (!turned && (!upright || (a > 0 && d > 0))) return in;

  Picture out{turned ? in.height : in.width, turned ? in.width : in.height,
              std::vector<uint8_t>(in.rgb.size())};
  for (int y = 0; y < in.height; ++y)
    for (int x = 0; x < in.width; ++x) {
      int u = a * x + c * y, v = b * x + d * y;
      if (a < 0 || c < 0) u += out.width - 1;
      if (b < 0 || d < 0) v += out.height - 1;
      const size_t from = 3 * (static_cast<size_t>(y) * in.width + x),
                   to = 3 * (static_cast<size_t>(v) * out.width + u);
      std::copy_n(in.rgb.begin() + static_cast<ptrdiff_t>(from), 3,
                  out.rgb.begin() + static_cast<ptrdiff_t>(to));
    }
  return out;
}

}  // namespace cdsr::tools
