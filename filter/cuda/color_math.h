// The colour path one sample at a time, for kernels: what FrameSource and FrameSink do by rows, with the same
// sums in the same order. Compiled without contraction of a * b + c it gives their bits.
#pragma once

#include "filter/cuda/device_frame.h"
#include "model/cuda/planes.h"

namespace cdsr::color {

// The comparison is false for NaN, so NaN becomes 0.
CDSR_HD float clip01(float x) {
  x = x > 0.0F ? x : 0.0F;
  return x < 1.0F ? x : 1.0F;
}

using cuda::clamp_index, cuda::sum4, cuda::upscaled;

CDSR_HD float sum8(const float* c, const float* v) { return sum4(c, v) + sum4(c + 4, v + 4); }

CDSR_HD bool is_chroma(const DeviceFrame& f, int c) {
  return f.model == ColorModel::Yuv && (c == 1 || c == 2);
}
CDSR_HD int width_of(const DeviceFrame& f, int c) {
  return is_chroma(f, c) ? -((-f.width) >> f.log2_w) : f.width;
}
CDSR_HD int height_of(const DeviceFrame& f, int c) {
  return is_chroma(f, c) ? -((-f.height) >> f.log2_h) : f.height;
}
CDSR_HD const Quantizer& quantizer_of(const DeviceFrame& f, int c) {
  return c == 3 ? f.alpha : is_chroma(f, c) ? f.chroma : f.luma;
}

CDSR_HD bool has(const DeviceFrame& f, int c) { return c == 3 ? f.alpha_bits > 0 : c < f.colours; }
CDSR_HD int bits_of(const DeviceFrame& f, int c) { return c == 3 ? f.alpha_bits : f.bits; }
CDSR_HD unsigned max_code(const DeviceFrame& f, int c) { return (1U << bits_of(f, c)) - 1; }
CDSR_HD unsigned swapped(unsigned word) { return (word << 8 | word >> 8) & 0xFFFF; }

/// Code value of component c at (x, y) of its own grid, which must be inside.
CDSR_HD int load_code(const DeviceFrame& f, int c, int x, int y) {
  const Component& at = f.component[c];
  const uint8_t* const row = f.plane[at.plane] + y * f.stride[at.plane];
  const ptrdiff_t i = at.offset + static_cast<ptrdiff_t>(x) * at.step;
  unsigned word = f.bytes > 1 ? reinterpret_cast<const uint16_t*>(row)[i] : row[i];
  if (f.big_endian) word = swapped(word);
  return static_cast<int>((word >> at.shift) & max_code(f, c));
}

CDSR_HD float load_nominal(const DeviceFrame& f, int c, int x, int y) {
  const Quantizer& q = quantizer_of(f, c);
  return static_cast<float>(load_code(f, c, x, y)) * q.scale + q.offset;
}

/// Bayer's 8 x 8 matrix below 10 bits, plain rounding above: dither_row() of dither.h by arithmetic.
CDSR_HD float dither(int bits, int x, int y) {
  if (bits > 8) return 0.5F;
  int value = 0;
  for (int bit = 0; bit < 3; ++bit) {
    const int xb = x >> bit & 1, yb = y >> bit & 1;
    value = value << 2 | (xb ^ yb) << 1 | yb;
  }
  return (static_cast<float>(value) + 0.5F) / 64;
}

CDSR_HD float cut(float v, float low, float high) {
  v = v > low ? v : low;
  return v < high ? v : high;
}

/// Stores a code (a float) of component c, clamped to the depth, dithered and cut.
CDSR_HD void store_code(const DeviceFrame& f, int c, int x, int y, float code) {
  const Component& at = f.component[c];
  code = cut(code, 0, static_cast<float>(max_code(f, c)));
  unsigned word = static_cast<unsigned>(static_cast<int>(code + dither(bits_of(f, c), x, y))) << at.shift;
  if (f.big_endian) word = swapped(word);
  uint8_t* const row = f.plane[at.plane] + y * f.stride[at.plane];
  const ptrdiff_t i = at.offset + static_cast<ptrdiff_t>(x) * at.step;
  // The luma that fills up a packed row of an odd width is the last one again.
  const int copies = f.pads_luma && c == 0 && x == f.width - 1 && f.width % 2 != 0 ? 2 : 1;
  for (int k = 0; k < copies; ++k) {
    if (f.bytes > 1)
      reinterpret_cast<uint16_t*>(row)[i + k * at.step] = static_cast<uint16_t>(word);
    else
      row[i + k * at.step] = static_cast<uint8_t>(word);
  }
}

struct NominalSample {
  const DeviceFrame& frame;
  int component;
  CDSR_HD float operator()(int x, int y) const { return load_nominal(frame, component, x, y); }
};
struct CodeSample {
  const DeviceFrame& frame;
  int component;
  CDSR_HD float operator()(int x, int y) const {
    return static_cast<float>(load_code(frame, component, x, y));
  }
};

struct ExcessSample {
  const DeviceFrame& frame;
  int component;
  CDSR_HD float operator()(int x, int y) const {
    const Quantizer& q = quantizer_of(frame, component);
    const auto code = static_cast<float>(load_code(frame, component, x, y));
    return code - cut(code, q.low, q.high);
  }
};

/// R'G'B' of pixel (x, y), clipped.
CDSR_HD void read_rgb(const DeviceFrame& f, int x, int y, float rgb[3]) {
  const float first = load_nominal(f, 0, x, y);
  if (f.model == ColorModel::Gray) {
    rgb[0] = rgb[1] = rgb[2] = clip01(first);
    return;
  }
  if (f.model == ColorModel::Rgb) {
    rgb[0] = clip01(first);
    rgb[1] = clip01(load_nominal(f, 1, x, y));
    rgb[2] = clip01(load_nominal(f, 2, x, y));
    return;
  }
  float chroma[2];
  CDSR_UNROLL
  for (int c = 1; c < 3; ++c)
    chroma[c - 1] = f.log2_w == 0 ? load_nominal(f, c, x, y)
                                  : upscaled(NominalSample{f, c}, width_of(f, c), height_of(f, c), f.across,
                                             f.down, x, y);
  const MatrixCoefficients& m = f.matrix;
  rgb[0] = clip01(first + m.cr_to_r * chroma[1]);
  rgb[1] = clip01(first + (m.cb_to_g * chroma[0] + m.cr_to_g * chroma[1]));
  rgb[2] = clip01(first + m.cb_to_b * chroma[0]);
}

CDSR_HD float luma_of(const float rgb[3], const MatrixCoefficients& m) {
  return m.kr * clip01(rgb[0]) + m.kg * clip01(rgb[1]) + m.kb * clip01(rgb[2]);
}

/// Y' as a luma network sees it: of a luma plane its own codes, super-whites and sub-blacks too.
CDSR_HD float read_luma(const DeviceFrame& f, int x, int y) {
  if (f.model != ColorModel::Rgb) return load_nominal(f, 0, x, y);
  float rgb[3];
  read_rgb(f, x, y, rgb);
  return luma_of(rgb, f.matrix);
}

/// What an output pixel is made of: `network(x, y, rgb)` with the settings' share of bicubic interpolation of
/// `picture`, the low-resolution frame in [0,1].
template <typename Network>
CDSR_HD void blended_rgb(const DeviceOutput& out, const cuda::Planes& picture, const Network& network, int x,
                         int y, float rgb[3]) {
  network(x, y, rgb);
  const bool shifts = out.bicubic_chroma && out.frame.model == ColorModel::Rgb;
  if (out.strength >= 1 && !shifts) return;
  float base[3];
  cuda::bicubic_pixel<3>(picture, out.picture, x, y, base);
  if (out.strength < 1) {
    CDSR_UNROLL
    for (int p = 0; p < 3; ++p) rgb[p] = base[p] + out.strength * (clip01(rgb[p]) - base[p]);
  }
  if (shifts) {
    const float by = luma_of(rgb, out.frame.matrix) - luma_of(base, out.frame.matrix);
    CDSR_UNROLL
    for (int p = 0; p < 3; ++p) rgb[p] = base[p] + by;
  }
}

/// Sample (x, y) of component c, bicubically from `sample`s of the input.
template <typename Sample>
CDSR_HD float interpolated(const DeviceFrame& in, const DeviceOutput& out, const Sample& sample, int c, int x,
                           int y) {
  const bool chroma = is_chroma(in, c);
  return upscaled(sample, width_of(in, c), height_of(in, c), chroma ? out.chroma_picture_x : out.picture,
                  chroma ? out.chroma_picture_y : out.picture, x, y);
}

/// Stores a nominal value that the network made, cut to the legal codes, with the input's excess.
CDSR_HD void store_nominal(const DeviceFrame& in, const DeviceOutput& out, int c, int x, int y, float value) {
  const DeviceFrame& f = out.frame;
  const Quantizer& q = quantizer_of(f, c);
  float code = cut(value * q.gain + q.base, q.low, q.high);
  if (q.low > 0 || q.high < static_cast<float>(max_code(f, c)))
    code += interpolated(in, out, ExcessSample{in, c}, c, x, y);
  store_code(f, c, x, y, code);
}

/// Output pixels of a tile, and what the filter that halves chroma sees around it.
inline constexpr int kTileX = 64, kTileY = 16;
inline constexpr int kBefore = 3, kAfter = 4;
inline constexpr int kChromaX = kTileX + kBefore + kAfter, kChromaY = kTileY + kBefore + kAfter;

/// A block's memory: 14 KiB and 4.5 KiB.
struct TileMemory {
  float chroma[2][kChromaY][kChromaX];
  float halved[2][kTileY / 2][kChromaX];
};

CDSR_HD bool halves(const DeviceOutput& out) {
  return out.frame.model == ColorModel::Yuv && out.frame.log2_w > 0 && !out.bicubic_chroma;
}

/// A pixel of a frame for the network: R'G'B', or with kPlanes 1 Y'.
template <int kPlanes>
struct FramePixel {
  const DeviceFrame& in;
  CDSR_HD void operator()(int x, int y, float values[kPlanes]) const {
    if constexpr (kPlanes == 1)
      values[0] = read_luma(in, x, y);
    else
      read_rgb(in, x, y, values);
  }
};

/// A component of an RGB frame, clipped.
struct RgbSample {
  const DeviceFrame& frame;
  int component;
  CDSR_HD float operator()(int x, int y) const { return clip01(load_nominal(frame, component, x, y)); }
};

/// Stores what a luma network gives for a pixel: Y' alone, neither clipped nor converted; of an RGB frame the
/// interpolated colour with that luma. `picture` is the low-resolution Y'.
CDSR_HD void write_luma(const DeviceFrame& in, const DeviceOutput& out, const cuda::Planes& picture,
                        float luma, int x, int y) {
  if (out.frame.model != ColorModel::Rgb) {
    if (out.strength < 1) {
      float base = 0;
      cuda::bicubic_pixel<1>(picture, out.picture, x, y, &base);
      luma = base + out.strength * (luma - base);
    }
    return store_nominal(in, out, 0, x, y, luma);
  }
  float base[3];
  CDSR_UNROLL
  for (int p = 0; p < 3; ++p)
    base[p] = upscaled(RgbSample{in, p}, in.width, in.height, out.picture, out.picture, x, y);
  const float from = luma_of(base, out.frame.matrix);
  const float to = from + out.strength * (clip01(luma) - from);
  CDSR_UNROLL
  for (int p = 0; p < 3; ++p) store_nominal(in, out, p, x, y, clip01(base[p] + (to - from)));
}

/// Phase 1: luma or R'G'B' of the tile into the frame, chroma of the tile and its surroundings into memory.
template <typename Network>
CDSR_HD void tile_convert(const DeviceFrame& in, const DeviceOutput& out, const cuda::Planes& picture,
                          const Network& network, TileMemory& memory, int tile_x, int tile_y, int thread,
                          int threads) {
  const DeviceFrame& f = out.frame;
  const bool around = halves(out);
  const int before = around ? kBefore : 0;
  const int columns = around ? kChromaX : kTileX, rows = around ? kChromaY : kTileY;
  for (int i = thread; i < columns * rows; i += threads) {
    const int column = i % columns, row = i / columns;
    const int x = tile_x * kTileX + column - before, y = tile_y * kTileY + row - before;
    const bool own = column >= before && column < before + kTileX && row >= before && row < before + kTileY &&
                     x < f.width && y < f.height;
    if (!around && !own) continue;
    float rgb[3];
    blended_rgb(out, picture, network, clamp_index(x, f.width), clamp_index(y, f.height), rgb);
    float values[3] = {clip01(rgb[0]), clip01(rgb[1]), clip01(rgb[2])};
    int stored = 3;
    if (f.model != ColorModel::Rgb) {
      const float luma = luma_of(rgb, f.matrix), red = values[0], blue = values[2];
      values[0] = luma;
      values[1] = (blue - luma) * f.matrix.b_to_cb;
      values[2] = (red - luma) * f.matrix.r_to_cr;
      if (around || f.model == ColorModel::Gray || out.bicubic_chroma) stored = 1;
    }
    if (around) {
      memory.chroma[0][row][column] = values[1];
      memory.chroma[1][row][column] = values[2];
    }
    CDSR_UNROLL
    for (int c = 0; c < 3; ++c)
      if (own && c < stored) store_nominal(in, out, c, x, y, values[c]);
  }
}

/// Phase 2, after a barrier: halves the rows where chroma is lower than luma.
CDSR_HD void tile_halve_rows(const DeviceOutput& out, TileMemory& memory, int thread, int threads) {
  if (!halves(out) || out.frame.log2_h == 0) return;
  constexpr int kCount = 2 * (kTileY / 2) * kChromaX;
  for (int i = thread; i < kCount; i += threads) {
    const int column = i % kChromaX, row = i / kChromaX % (kTileY / 2), c = i / kChromaX / (kTileY / 2);
    float values[8];
    for (int k = 0; k < 8; ++k) values[k] = memory.chroma[c][2 * row + k][column];
    memory.halved[c][row][column] = sum8(out.halve_y.coefficient, values);
  }
}

/// Phase 3, after a barrier: halves the columns into the frame; with 4:2:2 every row of the tile.
CDSR_HD void tile_halve_columns(const DeviceFrame& in, const DeviceOutput& out, const TileMemory& memory,
                                int tile_x, int tile_y, int thread, int threads) {
  if (!halves(out)) return;
  const DeviceFrame& f = out.frame;
  const int rows = kTileY >> f.log2_h;
  for (int i = thread; i < 2 * rows * (kTileX / 2); i += threads) {
    const int column = i % (kTileX / 2), row = i / (kTileX / 2) % rows, c = i / (kTileX / 2) / rows;
    const int x = tile_x * (kTileX / 2) + column, y = tile_y * rows + row;
    if (x >= width_of(f, c + 1) || y >= height_of(f, c + 1)) continue;
    const float* const from = f.log2_h > 0 ? memory.halved[c][row] : memory.chroma[c][row + kBefore];
    store_nominal(in, out, c + 1, x, y, sum8(out.halve_x.coefficient, from + ptrdiff_t{2} * column));
  }
}

/// The samples at (x, y), each of its component's own grid and perhaps outside it, that are interpolated from
/// the input's codes: alpha, chroma with DeviceOutput::bicubic_chroma, and with `all`, without a network,
/// every one.
CDSR_HD void write_interpolated(const DeviceFrame& in, const DeviceOutput& out, bool all, int x, int y) {
  const DeviceFrame& f = out.frame;
  CDSR_NO_UNROLL
  for (int c = 0; c < 4; ++c) {
    if (!has(f, c) || x >= width_of(f, c) || y >= height_of(f, c)) continue;
    if (!all && c < 3 && !(out.bicubic_chroma && is_chroma(f, c))) continue;
    store_code(f, c, x, y, interpolated(in, out, CodeSample{in, c}, c, x, y));
  }
}

/// Luma as the shot detector adds it up: Y, or R + 2 G + B.
CDSR_HD unsigned shot_luma(const DeviceFrame& f, int x, int y) {
  const int first = load_code(f, 0, x, y);
  if (f.model != ColorModel::Rgb) return static_cast<unsigned>(first);
  return static_cast<unsigned>(first + 2 * load_code(f, 1, x, y) + load_code(f, 2, x, y));
}

/// First row or column of cell i of `cells` that share `size`.
CDSR_HD int cell_edge(int i, int cells, int size) {
  return static_cast<int>(static_cast<int64_t>(i) * size / cells);
}

/// A cell of the thumbnail, on a scale of 16 bits, from the sum over its pixels.
CDSR_HD uint16_t cell_value(const DeviceFrame& f, uint64_t total, uint64_t pixels) {
  const uint64_t samples = pixels * (f.model == ColorModel::Rgb ? 4 : 1);
  return static_cast<uint16_t>(((total << (16 - f.bits)) + samples / 2) / samples);
}

}  // namespace cdsr::color
