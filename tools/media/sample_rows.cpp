#include "tools/media/sample_rows.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "model/error.h"

namespace cdsr::tools {
namespace {

/// A palette's colours, 0xAARRGGBB in the machine's byte order.
const uint32_t* palette_of(const AVFrame& f) { return reinterpret_cast<const uint32_t*>(f.data[1]); }

const uint8_t* indices(const AVFrame& f, int y) {
  return f.data[0] + static_cast<ptrdiff_t>(y) * f.linesize[0];
}

/// Does any pixel have a colour that is not opaque?
bool palette_has_alpha(const AVFrame& f) {
  for (int y = 0; y < f.height; ++y)
    for (int x = 0; x < f.width; ++x)
      if (palette_of(f)[indices(f, y)[x]] >> 24 != 255) return true;
  return false;
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

}  // namespace

SampleRows::SampleRows(const AVFrame& frame, const std::string& name, unsigned max)
    : frame_(frame), desc_(av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format))), max_(max) {
  const uint64_t unreadable = AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER;
  if (desc_ == nullptr || (desc_->flags & unreadable) != 0 ||
      std::string_view(desc_->name).starts_with("xyz"))
    fail(Errc::Unsupported, "{}: pixel format {} cannot be read", name,
         desc_ == nullptr ? "unknown" : desc_->name);
  alpha_ = (desc_->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
  if ((desc_->flags & AV_PIX_FMT_FLAG_PAL) != 0) {
    kind_ = Kind::Palette;
    alpha_ = palette_has_alpha(frame);
  } else if (desc_->nb_components <= 2) {
    colours_ = 1;
  } else if ((desc_->flags & AV_PIX_FMT_FLAG_RGB) == 0) {
    kind_ = Kind::Yuv;
    const int width = AV_CEIL_RSHIFT(frame.width, desc_->log2_chroma_w);
    for (int x = 0; x < frame.width; ++x) across_.push_back(tap(x, desc_->log2_chroma_w, width));
    for (std::vector<double>& m : mixed_) m.resize(static_cast<size_t>(width));
  }
}

int SampleRows::depth() const {
  if (kind_ == Kind::Palette) return 8;
  int depth = 0;
  for (int c = 0; c < desc_->nb_components; ++c) depth = std::max(depth, desc_->comp[c].depth);
  return depth;
}

const std::vector<uint16_t>& SampleRows::line(int c, int y, int width) {
  line_.resize(static_cast<size_t>(width));
  const uint8_t* data[4] = {frame_.data[0], frame_.data[1], frame_.data[2], frame_.data[3]};
  av_read_image_line2(line_.data(), data, frame_.linesize, desc_, 0, y, c, width, 0, 2);
  return line_;
}

void SampleRows::read(int y, std::vector<uint16_t>& out) {
  out.resize(static_cast<size_t>(frame_.width) * channels());
  if (kind_ == Kind::Palette) return read_palette(y, out.data());
  if (kind_ == Kind::Yuv) {
    read_yuv(y, out.data());
  } else {
    for (int c = 0; c < colours_; ++c) copy(c, c, y, out.data());
  }
  if (alpha_) copy(desc_->nb_components - 1, colours_, y, out.data());
}

void SampleRows::read_palette(int y, uint16_t* out) const {
  for (int x = 0; x < frame_.width; ++x) {
    const uint32_t argb = palette_of(frame_)[indices(frame_, y)[x]];
    for (int c = 0; c < 3; ++c) *out++ = scaled(argb >> (16 - 8 * c) & 255, 255);
    if (alpha_) *out++ = scaled(argb >> 24, 255);
  }
}

void SampleRows::copy(int c, int to, int y, uint16_t* out) {
  const unsigned top = (1U << desc_->comp[c].depth) - 1;
  const unsigned flip = frame_.format == AV_PIX_FMT_MONOWHITE ? 1 : 0;
  const std::vector<uint16_t>& values = line(c, y, frame_.width);
  for (int x = 0; x < frame_.width; ++x)
    out[ptrdiff_t{channels()} * x + to] = scaled(flip != 0 ? top - values[x] : values[x], top);
}

/// Where a full-resolution sample lies between two samples of a plane subsampled by 2^shift, both centred on
/// the same picture, as JPEG and WebP site their chroma.
SampleRows::Tap SampleRows::tap(int position, int shift, int size) {
  const double at = (position + 0.5) / (1 << shift) - 0.5;
  const double floor = std::floor(at);
  const int low = static_cast<int>(floor);
  return {std::clamp(low, 0, size - 1), std::clamp(low + 1, 0, size - 1), at - floor};
}

void SampleRows::read_yuv(int y, uint16_t* out) {
  const auto [kr, kb] = luma_weights(frame_);
  const double kg = 1 - kr - kb;
  const bool full = full_range(frame_, *desc_);
  const int depth = desc_->comp[0].depth;
  const double unit = 1 << (depth - 8);  // one step of an 8-bit code
  const double top = (1 << depth) - 1;
  const double y_zero = full ? 0 : 16 * unit, y_gain = full ? max_ / top : max_ / (219 * unit);
  const double c_zero = 128 * unit, c_gain = full ? max_ / top : max_ / (224 * unit);
  const int width = static_cast<int>(mixed_[0].size()),
            height = AV_CEIL_RSHIFT(frame_.height, desc_->log2_chroma_h);

  const Tap down = tap(y, desc_->log2_chroma_h, height);
  for (int c = 0; c < 2; ++c) {
    const std::vector<uint16_t>& low = line(c + 1, down.low, width);
    for (int x = 0; x < width; ++x) mixed_[c][x] = (1 - down.weight) * low[x];
    const std::vector<uint16_t>& high = line(c + 1, down.high, width);
    for (int x = 0; x < width; ++x) mixed_[c][x] += down.weight * high[x];
  }
  const auto code = [&](double v) {
    return static_cast<uint16_t>(std::lround(std::clamp<double>(v, 0, max_)));
  };
  const std::vector<uint16_t>& luma = line(0, y, frame_.width);
  for (int x = 0; x < frame_.width; ++x) {
    const Tap& t = across_[x];
    const auto chroma = [&](int c) {
      return ((1 - t.weight) * mixed_[c][t.low] + t.weight * mixed_[c][t.high] - c_zero) * c_gain;
    };
    const double l = (luma[x] - y_zero) * y_gain, cb = chroma(0), cr = chroma(1);
    const double red = 2 * (1 - kr) * cr, blue = 2 * (1 - kb) * cb;
    uint16_t* const pixel = out + ptrdiff_t{channels()} * x;
    pixel[0] = code(l + red);
    pixel[1] = code(l - (kr * red + kb * blue) / kg);
    pixel[2] = code(l + blue);
  }
}

}  // namespace cdsr::tools
