#include "tools/degrade/yuv420.h"

#include <algorithm>

namespace cdsr::degrade {
namespace {

struct Matrix {
  float kr, kb;
  float y_zero, y_gain, c_gain;  // code = zero + gain * value, value on 0..255
};

constexpr Matrix matrix(YuvKind kind) {
  return kind == YuvKind::Video ? Matrix{0.2126F, 0.0722F, 16, 219 / 255.0F, 224 / 255.0F}
                                : Matrix{0.299F, 0.114F, 0, 1, 1};
}

uint8_t code(float v) { return static_cast<uint8_t>(std::clamp(v + 0.5F, 0.0F, 255.0F)); }

/// Chroma of each pixel, at luma's positions.
struct FullChroma {
  std::vector<float> u, v;
};

/// Weights of two neighbouring chroma samples for an even and an odd luma sample.
struct Phase {
  int low;       ///< first sample, relative to the position halved
  float weight;  ///< of the second
};
constexpr Phase kLeft[2] = {{0, 0.0F}, {0, 0.5F}};
constexpr Phase kCentre[2] = {{-1, 0.75F}, {0, 0.25F}};

}  // namespace

Yuv420::Yuv420(int w, int h) : width(w), height(h) {
  const auto size = static_cast<size_t>(w) * static_cast<size_t>(h);
  plane[0].resize(size);
  plane[1].resize(size / 4);
  plane[2].resize(size / 4);
}

Yuv420 to_yuv420(std::span<const float> planes, int width, int height, YuvKind kind) {
  const Matrix m = matrix(kind);
  Yuv420 out((width + 1) / 2 * 2, (height + 1) / 2 * 2);
  const auto w = static_cast<size_t>(out.width), size = static_cast<size_t>(width) * height;
  FullChroma c{std::vector<float>(w * out.height), std::vector<float>(w * out.height)};
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const size_t from = static_cast<size_t>(std::min(y, height - 1)) * width + std::min(x, width - 1);
      const float r = std::clamp(planes[from], 0.0F, 255.0F),
                  g = std::clamp(planes[size + from], 0.0F, 255.0F),
                  b = std::clamp(planes[2 * size + from], 0.0F, 255.0F);
      const float l = m.kr * r + (1 - m.kr - m.kb) * g + m.kb * b;
      const size_t to = static_cast<size_t>(y) * w + x;
      out.plane[0][to] = code(m.y_zero + m.y_gain * l);
      c.u[to] = (b - l) * m.c_gain / (2 * (1 - m.kb));
      c.v[to] = (r - l) * m.c_gain / (2 * (1 - m.kr));
    }
  for (int p = 0; p < 2; ++p) {
    const std::vector<float>& full = p == 0 ? c.u : c.v;
    uint8_t* to = out.plane[1 + p].data();
    for (int y = 0; y < out.height; y += 2)
      for (int x = 0; x < out.width; x += 2) {
        const float* at = &full[static_cast<size_t>(y) * w + x];
        float sum;
        if (kind == YuvKind::Jpeg) {
          sum = (at[0] + at[1] + at[w] + at[w + 1]) / 4;
        } else {
          const int left = x > 0 ? -1 : 0;
          sum = (at[left] + at[w + left] + 2 * (at[0] + at[w]) + at[1] + at[w + 1]) / 8;
        }
        *to++ = code(128 + sum);
      }
  }
  return out;
}

void from_yuv420(const Yuv420& yuv, YuvKind kind, int width, int height, std::span<float> planes) {
  const Matrix m = matrix(kind);
  const int cw = yuv.width / 2, ch = yuv.height / 2;
  const auto size = static_cast<size_t>(width) * height;
  const Phase* across = kind == YuvKind::Video ? kLeft : kCentre;
  std::vector<float> mixed[2] = {std::vector<float>(cw), std::vector<float>(cw)};
  const float kg = 1 - m.kr - m.kb;
  for (int y = 0; y < height; ++y) {
    const Phase& down = kCentre[y % 2];  // both kinds site chroma between two rows
    const int low = std::clamp(y / 2 + down.low, 0, ch - 1), high = std::min(y / 2 + down.low + 1, ch - 1);
    for (int p = 0; p < 2; ++p)
      for (int x = 0; x < cw; ++x) {
        const auto a = static_cast<float>(yuv.plane[1 + p][static_cast<size_t>(low) * cw + x]),
                   b = static_cast<float>(yuv.plane[1 + p][static_cast<size_t>(high) * cw + x]);
        mixed[p][x] = (a + (b - a) * down.weight - 128) / m.c_gain;
      }
    for (int x = 0; x < width; ++x) {
      const Phase& t = across[x % 2];
      const int left = std::clamp(x / 2 + t.low, 0, cw - 1), right = std::min(x / 2 + t.low + 1, cw - 1);
      const auto chroma = [&](int p) {
        return mixed[p][left] + (mixed[p][right] - mixed[p][left]) * t.weight;
      };
      const float l =
          (static_cast<float>(yuv.plane[0][static_cast<size_t>(y) * yuv.width + x]) - m.y_zero) / m.y_gain;
      const float blue = 2 * (1 - m.kb) * chroma(0), red = 2 * (1 - m.kr) * chroma(1);
      const size_t to = static_cast<size_t>(y) * width + x;
      planes[to] = l + red;
      planes[size + to] = l - (m.kr * red + m.kb * blue) / kg;
      planes[2 * size + to] = l + blue;
    }
  }
}

}  // namespace cdsr::degrade
