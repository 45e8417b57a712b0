#include "tests/filter/color_reference.h"

#include <algorithm>
#include <array>
#include <functional>

#include "filter/color/dither.h"

namespace cdsr::test {
namespace {

using Sampler = std::function<float(int x, int y)>;
using Rgb = std::array<float, 3>;

float clip(float v) { return v > 0.0F ? std::min(v, 1.0F) : 0.0F; }

/// The order in which the kernels add four and eight products.
float sum4(const float* c, const float* v) {
  return (c[0] * v[0] + c[1] * v[1]) + (c[2] * v[2] + c[3] * v[3]);
}
float sum8(const float* c, const float* v) { return sum4(c, v) + sum4(c + 4, v + 4); }

/// Sample (x, y) of a plane of width x height, upscaled: along the rows first.
float upscaled(const Sampler& plane, int width, int height, const BicubicTaps& across,
               const BicubicTaps& down, int x, int y) {
  const BicubicPhase& h = across.phase[x % across.scale];
  const BicubicPhase& v = down.phase[y % down.scale];
  float column[4];
  for (int k = 0; k < 4; ++k) {
    const int row = std::clamp(y / down.scale + v.first + k, 0, height - 1);
    float values[4];
    for (int i = 0; i < 4; ++i) {
      values[i] = plane(std::clamp(x / across.scale + h.first + i, 0, width - 1), row);
    }
    column[k] = sum4(h.weight, values);
  }
  return down.scale == 1 ? column[1] : sum4(v.weight, column);
}

class Reader {
 public:
  explicit Reader(const FrameBuffer& frame) : frame_(frame), color_(frame.input().color) {}

  float nominal(int component, int x, int y) const {
    const Quantizer& q = frame_.format().is_chroma(component) ? color_.chroma : color_.luma;
    return static_cast<float>(frame_.get(component, x, y)) * q.scale + q.offset;
  }

  Rgb rgb(int x, int y) const {
    const PixelFormat& format = frame_.format();
    const float first = nominal(0, x, y);
    if (format.model == ColorModel::Gray) return {clip(first), clip(first), clip(first)};
    if (format.model == ColorModel::Rgb) return {clip(first), clip(nominal(1, x, y)), clip(nominal(2, x, y))};
    float chroma[2];
    for (int c = 1; c < 3; ++c) {
      const Sampler plane = [&](int cx, int cy) { return nominal(c, cx, cy); };
      chroma[c - 1] =
          format.log2_w == 0
              ? nominal(c, x, y)
              : upscaled(plane, frame_.width_of(c), frame_.height_of(c), make_taps(2, -color_.chroma_x / 2),
                         make_taps(1 << format.log2_h, -color_.chroma_y / 2), x, y);
    }
    const MatrixCoefficients& m = color_.coefficients;
    return {clip(first + m.cr_to_r * chroma[1]),
            clip(first + (m.cb_to_g * chroma[0] + m.cr_to_g * chroma[1])),
            clip(first + m.cb_to_b * chroma[0])};
  }

 private:
  const FrameBuffer& frame_;
  const ColorSpec color_;
};

float luma(const Rgb& rgb, const MatrixCoefficients& m) {
  return m.kr * clip(rgb[0]) + m.kg * clip(rgb[1]) + m.kb * clip(rgb[2]);
}

class Writer {
 public:
  Writer(const FrameBuffer& in, const Image* network, int scale, const FrameSink::Settings& settings,
         FrameBuffer& out)
      : in_(in),
        read_(reference_read(in)),
        network_(network),
        scale_(scale),
        settings_(settings),
        color_(in.input().color),
        out_(out),
        full_(out.width(), out.height()) {
    for (int y = 0; network != nullptr && y < full_.height; ++y) {
      for (int x = 0; x < full_.width; ++x) {
        const Rgb value = make_rgb(x, y);
        for (int p = 0; p < 3; ++p) full_.plane[p][y * full_.width + x] = value[p];
      }
    }
  }

  void run() {
    for (int c = 0; c < 4; ++c) {
      if (!out_.format().has(c)) continue;
      for (int y = 0; y < out_.height_of(c); ++y) {
        for (int x = 0; x < out_.width_of(c); ++x) write(c, x, y);
      }
    }
  }

 private:
  Rgb bicubic(int x, int y) const {
    const BicubicTaps up = make_taps(scale_, picture_offset(scale_, 1, 0));
    Rgb rgb;
    for (int p = 0; p < 3; ++p) {
      const Sampler plane = [&](int px, int py) { return read_.plane[p][py * read_.width + px]; };
      rgb[p] = upscaled(plane, read_.width, read_.height, up, up, x, y);
    }
    return rgb;
  }

  Rgb make_rgb(int x, int y) const {
    Rgb result;
    for (int p = 0; p < 3; ++p) result[p] = network_->plane[p][y * network_->width + x];
    const bool shifts = settings_.bicubic_chroma && out_.format().model == ColorModel::Rgb;
    if (settings_.strength >= 1 && !shifts) return result;
    const Rgb base = bicubic(x, y);
    if (settings_.strength < 1) {
      for (int p = 0; p < 3; ++p) result[p] = base[p] + settings_.strength * (clip(result[p]) - base[p]);
    }
    if (shifts) {
      const float by = luma(result, color_.coefficients) - luma(base, color_.coefficients);
      for (int p = 0; p < 3; ++p) result[p] = base[p] + by;
    }
    return result;
  }

  Rgb rgb(int x, int y) const {
    const int at = y * full_.width + x;
    return {full_.plane[0][at], full_.plane[1][at], full_.plane[2][at]};
  }

  /// Cb or Cr at luma resolution; the position may lie outside the picture.
  float full_chroma(int c, int x, int y) const {
    const Rgb value = rgb(std::clamp(x, 0, out_.width() - 1), std::clamp(y, 0, out_.height() - 1));
    const float y_value = luma(value, color_.coefficients);
    return c == 1 ? (clip(value[2]) - y_value) * color_.coefficients.b_to_cb
                  : (clip(value[0]) - y_value) * color_.coefficients.r_to_cr;
  }

  float chroma(int c, int x, int y) const {
    const PixelFormat& format = out_.format();
    if (format.log2_w == 0) return full_chroma(c, x, y);
    const Halver across = Halver::make(color_.chroma_x);
    const Halver down = Halver::make(color_.chroma_y);
    float row[8];
    for (int i = 0; i < 8; ++i) {
      const int column = 2 * x - 3 + i;
      if (format.log2_h == 0) {
        row[i] = full_chroma(c, column, y);
        continue;
      }
      float values[8];
      for (int k = 0; k < 8; ++k) values[k] = full_chroma(c, column, 2 * y - 3 + k);
      row[i] = sum8(down.coefficient, values);
    }
    return sum8(across.coefficient, row);
  }

  float interpolated(int c, const Sampler& plane, int x, int y) const {
    const PixelFormat& format = in_.format();
    const bool is_chroma = format.is_chroma(c);
    const BicubicTaps across = make_taps(
        scale_, picture_offset(scale_, is_chroma ? 1 << format.log2_w : 1, is_chroma ? color_.chroma_x : 0));
    const BicubicTaps down = make_taps(
        scale_, picture_offset(scale_, is_chroma ? 1 << format.log2_h : 1, is_chroma ? color_.chroma_y : 0));
    return upscaled(plane, in_.width_of(c), in_.height_of(c), across, down, x, y);
  }

  void write(int c, int x, int y) {
    const PixelFormat& format = out_.format();
    const bool is_chroma = format.is_chroma(c);
    const Quantizer& q = c == 3 ? color_.alpha : is_chroma ? color_.chroma : color_.luma;
    const auto input = [&](int px, int py) { return static_cast<float>(in_.get(c, px, py)); };
    const auto excess = [&](int px, int py) {
      return input(px, py) - std::clamp(input(px, py), q.low, q.high);
    };
    float code = 0;
    if (network_ == nullptr || c == 3 || (is_chroma && settings_.bicubic_chroma)) {
      code = interpolated(c, input, x, y);
    } else {
      const float value = is_chroma                         ? chroma(c, x, y)
                          : format.model == ColorModel::Rgb ? clip(rgb(x, y)[c])
                                                            : luma(rgb(x, y), color_.coefficients);
      code = std::clamp(value * q.gain + q.base, q.low, q.high) + interpolated(c, excess, x, y);
    }
    code = std::clamp(code, 0.0F, static_cast<float>(out_.max_code(c)));
    out_.set(c, x, y, static_cast<int>(code + dither_row(format.bits_of(c), y)[x & 7]));
  }

  const FrameBuffer& in_;
  const Image read_;
  const Image* network_;
  const int scale_;
  const FrameSink::Settings settings_;
  const ColorSpec color_;
  FrameBuffer& out_;
  Image full_;  ///< what is written, as R'G'B' of the network's kind
};

}  // namespace

Image reference_read(const FrameBuffer& frame) {
  const Reader reader(frame);
  Image image(frame.width(), frame.height());
  for (int y = 0; y < frame.height(); ++y) {
    for (int x = 0; x < frame.width(); ++x) {
      const Rgb rgb = reader.rgb(x, y);
      for (int p = 0; p < 3; ++p) image.plane[p][y * frame.width() + x] = rgb[p];
    }
  }
  return image;
}

void reference_write(const FrameBuffer& in, const Image* network, int scale,
                     const FrameSink::Settings& settings, FrameBuffer& out) {
  Writer(in, network, scale, settings, out).run();
}

}  // namespace cdsr::test
