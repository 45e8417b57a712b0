// The matrix instructions of a warp, played on the processor after the PTX manual (ldmatrix, mma.sync
// m16n8k16, and m16n8k32 for fp8), and the blocks of the convolution kernels built on them exactly as
// model/cuda/conv.cu has them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "model/cuda/conv_tile.h"
#include "model/half.h"
#include "model/operators.h"

namespace cdsr::cuda::test {

/// fp16 and bf16 as the device's types convert.
struct Half {
  uint16_t bits = 0;
  Half() = default;
  explicit Half(float v) : bits(f32_to_f16(v)) {}
  explicit operator float() const { return f16_to_f32(bits); }
};
struct Bfloat {
  uint16_t bits = 0;
  Bfloat() = default;
  explicit Bfloat(float v) : bits(f32_to_bf16(v)) {}
  explicit operator float() const { return bf16_to_f32(bits); }
};

/// fp8 e4m3 (OCP 8-bit Floating Point Specification, 5.1) as cvt.rn.satfinite gives it.
struct Fp8 {
  uint8_t bits = 0;
  Fp8() = default;
  explicit Fp8(float v) {
    if (std::isnan(v)) {
      bits = 0x7F;
      return;
    }
    const float size = std::min(std::abs(v), 448.0F);
    const int exponent = size < 0x1p-6F ? -6 : std::ilogb(size);
    const float units =
        std::nearbyint(std::ldexp(size, 3 - exponent));       // to even; 8..16, below the normals 0..8
    int code = static_cast<int>(units) + (exponent + 6) * 8;  // 16 carries into the exponent
    bits = static_cast<uint8_t>(code | (std::signbit(v) ? 0x80 : 0));
  }
  explicit operator float() const {
    static const std::array<float, 256> values = [] {
      std::array<float, 256> all{};
      for (int code = 0; code < 128; ++code) {
        const int exponent = code >> 3, fraction = code & 7;
        all[code] = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -9)
                                  : std::ldexp(static_cast<float>(8 + fraction), exponent - 10);
        all[128 + code] = -all[code];
      }
      all[127] = all[255] = NAN;
      return all;
    }();
    return values[bits];
  }
};

}  // namespace cdsr::cuda::test

template <>
struct cdsr::cuda::ResidualOf<cdsr::cuda::test::Fp8> {
  using Type = test::Half;
};

namespace cdsr::cuda::test {

/// Registers of ldmatrix.x4: 32 bits each, for every lane.
template <typename T>
struct Fragments {
  static constexpr int kEach = 4 / sizeof(T);  ///< values of a register
  T value[32][4][kEach];
};

/// ldmatrix.sync.aligned.m8n8.x4.shared.b16: lanes 8 i to 8 i + 7 give the rows of matrix i; lane l receives
/// from every matrix the bytes 4 (l % 4) to 4 (l % 4) + 3 of row l / 4.
template <typename T, typename Address>
Fragments<T> ldmatrix(const unsigned char* memory, const Address& address) {
  Fragments<T> f;
  for (int lane = 0; lane < 32; ++lane)
    for (int matrix = 0; matrix < 4; ++matrix)
      std::memcpy(f.value[lane][matrix], memory + address(8 * matrix + lane / 4) + 4 * (lane % 4), 4);
  return f;
}

/// mma.sync.aligned.m16n8k16.row.col, one lane's view at a time: group = lane / 4, t = lane % 4;
/// a0: (group, 2 t ..), a1: (group + 8, 2 t ..), a2: (group, 2 t + 8 ..), a3: (group + 8, 2 t + 8 ..);
/// b0: (2 t .., n = group), b1: (2 t + 8 .., n = group); c0, c1: (group, 2 t ..), c2, c3: (group + 8, 2 t
/// ..). m16n8k32 of 8-bit types: 4 t and 4 t + 16 for 2 t and 2 t + 8.
template <typename T>
void mma(const Fragments<T>& a, const Fragments<T>& b, int b_first, float (*c)[4]) {
  constexpr int kEach = Fragments<T>::kEach, kDepth = 8 * kEach;
  float ma[16][kDepth], mb[kDepth][8];
  for (int lane = 0; lane < 32; ++lane) {
    const int group = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < kEach; ++j)
        ma[group + i % 2 * 8][kEach * t + i / 2 * 4 * kEach + j] = static_cast<float>(a.value[lane][i][j]);
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < kEach; ++j)
        mb[kEach * t + i * 4 * kEach + j][group] = static_cast<float>(b.value[lane][b_first + i][j]);
  }
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8, column = 2 * (lane % 4) + i % 2;
      for (int k = 0; k < kDepth; ++k) c[lane][i] += ma[row][k] * mb[k][column];
    }
}

inline void run_copy(unsigned char* memory, const Copy& copy) {
  if (copy.source != nullptr)
    std::memcpy(memory + copy.to, copy.source, 16);
  else
    std::memset(memory + copy.to, 0, 16);
}

/// Multiplies one chunk: half precision and fp8 by the instructions, float as the kernel's loops.
template <typename T, int kTaps, int kN, typename AAddress>
void multiply(const unsigned char* a_memory, const unsigned char* weights, int warp,
              const AAddress& a_address_of, std::vector<float>& sums) {
  constexpr int kCount = Accumulators<T, kN>::kCount;
  if constexpr (sizeof(T) <= 2) {
    for (int tap = 0; tap < kTaps; ++tap)
      for (int m = 0; m < 2; ++m) {
        const auto a = ldmatrix<T>(a_memory, [&](int lane) { return a_address_of(m, tap, lane); });
        for (int pair = 0; pair < kN / 16; ++pair) {
          const auto b = ldmatrix<T>(weights, [&](int lane) { return b_address<kN>(tap, pair, lane); });
          for (int i = 0; i < 2; ++i) {
            float c[32][4];
            const int first = m * (kN / 2) + (2 * pair + i) * 4;
            for (int lane = 0; lane < 32; ++lane) std::copy_n(&sums[lane * kCount + first], 4, c[lane]);
            mma(a, b, 2 * i, c);
            for (int lane = 0; lane < 32; ++lane) std::copy_n(c[lane], 4, &sums[lane * kCount + first]);
          }
        }
      }
  } else {
    for (int tap = 0; tap < kTaps; ++tap)
      for (int lane = 0; lane < 32; ++lane)
        for (int i = 0; i < kCount; ++i) {
          const int pixel = Accumulators<T, kN>::pixel(0, lane, i), n = Accumulators<T, kN>::channel(lane, i);
          for (int half = 0; half < 2; ++half) {
            float x[4], w[4];
            std::memcpy(x, a_memory + swizzled(a_address_of(pixel / kTile, tap, -1 - pixel % kTile), half),
                        16);
            std::memcpy(w, weights + swizzled(tap * kN + n, half), 16);
            for (int k = 0; k < 4; ++k) sums[lane * kCount + i] += x[k] * w[k];
          }
        }
  }
  (void)warp;
}

/// A whole launch of conv_kernel (kDqa false) or dqa_kernel.
template <typename T, typename Out, int kTaps, int kN, bool kDqa>
void run_conv(const ConvArgs<T>& a, float dqa_slope = 0.1F) {
  constexpr int kCount = Accumulators<T, kN>::kCount;
  const int columns = blocks_of(a.width, kTile), rows = blocks_of(a.height, kTile);
  std::vector<unsigned char> stage(ConvMemory<kTaps, kN>::kStage), result(kTilePixels * kChunkBytes);
  std::vector<float> filter(9 * kChunk<T>);
  for (int block = 0; block < columns * rows; ++block)
    for (int group = 0; group < blocks_of(a.out_channels, kN); ++group) {
      const int tx = block % columns, ty = block / columns;
      std::vector<std::vector<float>> sums(8, std::vector<float>(32 * kCount, 0.0F));
      for (int chunk = 0; chunk < a.chunks; ++chunk) {
        for (int i = 0; i < 2 * kHaloPixels; ++i) run_copy(stage.data(), input_copy(a, tx, ty, chunk, i));
        for (int i = 0; i < 2 * kTaps * kN; ++i)
          run_copy(stage.data(), weight_copy<T, kTaps, kN>(a, group, chunk, i));
        const unsigned char* const weights = stage.data() + ConvMemory<kTaps, kN>::kInput;
        if constexpr (kDqa) {
          for (int i = 0; i < 9 * kChunk<T>; ++i)
            filter[i] = a.filter[i / kChunk<T> * a.chunks * kChunk<T> + chunk * kChunk<T> + i % kChunk<T>];
          for (int pixel = 0; pixel < kTilePixels; ++pixel)
            for (int half = 0; half < 2; ++half)
              depthwise<T>(stage.data(), filter.data(), pixel, half, dqa_slope,
                           result.data() + swizzled(pixel, half));
        }
        for (int warp = 0; warp < 8; ++warp) {
          // For floats the "address" is the item; pixel columns come as lane -1 - column.
          const auto address = [&](int m, int tap, int lane) {
            if (lane >= 0)
              return kDqa ? a_result_address(warp, m, lane) : a_address(warp, m, tap / 3, tap % 3, lane);
            const int column = -1 - lane, row = 2 * warp + m;
            return kDqa ? row * kTile + column : halo_item(row + tap / 3, column + tap % 3);
          };
          multiply<T, kTaps, kN>(kDqa ? result.data() : stage.data(), weights, warp, address, sums[warp]);
        }
      }
      std::vector<float> total(kN, 0.0F);
      for (int warp = 0; warp < 8; ++warp)
        for (int lane = 0; lane < 32; ++lane)
          for (int i = 0; i < kCount; ++i) {
            const int pixel = Accumulators<T, kN>::pixel(warp, lane, i),
                      n = Accumulators<T, kN>::channel(lane, i), channel = group * kN + n;
            ptrdiff_t at = 0;
            if (!own_pixel(a, tx, ty, pixel, at) || channel >= a.out_channels) continue;
            const Out value = stored<Out>(a, finished<kDqa>(a, sums[warp][lane * kCount + i], channel, at));
            static_cast<Out*>(a.out)[at * a.out_pitch + channel] = value;
            if (counted(a, ty, pixel)) total[n] += static_cast<float>(value);
          }
      if (a.partials != nullptr)
        for (int n = 0; n < kN && group * kN + n < a.out_channels; ++n)
          a.partials[static_cast<ptrdiff_t>(block) * a.out_channels + group * kN + n] = total[n];
    }
}

/// Planar floats to pixels of `pitch` channels from channel `first`, and back.
template <typename T>
void to_pixels(ConstMap map, std::vector<T>& pixels, int pitch, int first = 0) {
  for (int c = 0; c < map.channels; ++c)
    for (int i = 0; i < map.width * map.height; ++i)
      pixels[static_cast<size_t>(i) * pitch + first + c] = T(map.plane(c)[i]);
}
template <typename T>
std::vector<float> from_pixels(const std::vector<T>& pixels, int pitch, int channels, int first = 0) {
  const size_t count = pixels.size() / pitch;
  std::vector<float> planes(count * channels);
  for (int c = 0; c < channels; ++c)
    for (size_t i = 0; i < count; ++i)
      planes[c * count + i] = static_cast<float>(pixels[i * pitch + first + c]);
  return planes;
}

}  // namespace cdsr::cuda::test
