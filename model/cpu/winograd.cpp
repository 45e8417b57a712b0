#include "model/cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/cpu/winograd.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each set of instructions
#include <hwy/highway.h>

#include "model/cpu/targets.h"

HWY_BEFORE_NAMESPACE();
namespace cdsr::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int kColumns = kWinogradColumns + 2, kRows = 4,
              kPoints = kColumns * kRows;  ///< of a transformed tile
constexpr int kBlock = 16;  ///< channels side by side in the transformed input: a pixel's is one cache line

using Tag = hn::CappedTag<float, kBlock>;
using Vec = hn::Vec<Tag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Tag()));
/// Tiles that go through all steps at once: their sums, times two vectors of channels, leave room for the
/// weights in the registers, 32 of AVX-512 and of NEON, 16 of the others; and they stay in the second-level
/// cache.
constexpr int kTiles = kLanes == 16 || HWY_ARCH_ARM_A64 ? 12 : 6;

HWY_INLINE Vec load(const float* p) { return hn::LoadU(Tag(), p); }
HWY_INLINE void store(const Vec v, float* p) { hn::StoreU(v, Tag(), p); }
HWY_INLINE Vec splat(float x) { return hn::Set(Tag(), x); }

/// Row R of four in the transform down columns, at one pixel.
template <int R>
HWY_INLINE Vec column(const float* const src[4], ptrdiff_t at) {
  if constexpr (R == 0) return hn::Sub(load(src[0] + at), load(src[2] + at));
  if constexpr (R == 1) return hn::Add(load(src[1] + at), load(src[2] + at));
  if constexpr (R == 2) return hn::Sub(load(src[2] + at), load(src[1] + at));
  return hn::Sub(load(src[1] + at), load(src[3] + at));
}

/// Row R of the transformed input of `tiles` tiles from pixel x on: v[column][block of channels][tile].
/// Points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.
template <int R>
HWY_INLINE void forward(const WinogradRows& r, int x, int tiles, float* v) {
  constexpr int kMade = kWinogradColumns;
  const ptrdiff_t in = r.in, point = kTiles * in;
  const Vec quarter = splat(0.25F), half = splat(0.5F), two = splat(2), four = splat(4), five = splat(5),
            five_quarters = splat(1.25F), five_halves = splat(2.5F), b17 = splat(4.25F), b21 = splat(5.25F);
  const int whole = HWY_MIN(tiles, (r.width - 1 - x) / kMade);  // tiles that are not at the right border
  for (ptrdiff_t c = 0; c < in; c += kLanes) {
    float* to = v + c / kBlock * (kTiles * kBlock) + c % kBlock;
    ptrdiff_t at = x * in + c;
    Vec d0 = x == 0 ? hn::Zero(Tag()) : column<R>(r.src, at - in);
    Vec d1 = column<R>(r.src, at);
    at += in;
    for (int t = 0; t < tiles; ++t, to += kBlock, at += kMade * in) {
      Vec d2 = hn::Zero(Tag()), d3 = d2, d4 = d2, d5 = d2, d6 = d2, d7 = d2;
      if (HWY_LIKELY(t < whole)) {
        d2 = column<R>(r.src, at);
        d3 = column<R>(r.src, at + in);
        d4 = column<R>(r.src, at + 2 * in);
        d5 = column<R>(r.src, at + 3 * in);
        d6 = column<R>(r.src, at + 4 * in);
        d7 = column<R>(r.src, at + 5 * in);
      } else {
        const int left = r.width - 1 - x - kMade * t;  // pixels from `at` on, at most 5
        if (left > 0) d2 = column<R>(r.src, at);
        if (left > 1) d3 = column<R>(r.src, at + in);
        if (left > 2) d4 = column<R>(r.src, at + 2 * in);
        if (left > 3) d5 = column<R>(r.src, at + 3 * in);
        if (left > 4) d6 = column<R>(r.src, at + 4 * in);
      }
      const Vec even1 = hn::NegMulAdd(b17, d4, hn::Add(d2, d6));
      const Vec odd1 = hn::NegMulAdd(b17, d3, hn::Add(d1, d5));
      const Vec even2 = hn::NegMulAdd(five_quarters, d4, hn::MulAdd(quarter, d2, d6));
      const Vec odd2 = hn::NegMulAdd(five_halves, d3, hn::MulAdd(half, d1, hn::Mul(two, d5)));
      const Vec even3 = hn::NegMulAdd(five, d4, hn::MulAdd(four, d2, d6));
      const Vec odd3 = hn::NegMulAdd(five_halves, d3, hn::MulAdd(two, d1, hn::Mul(half, d5)));
      store(hn::MulAdd(b21, hn::Sub(d4, d2), hn::Sub(d0, d6)), to);
      store(hn::Add(even1, odd1), to + point);
      store(hn::Sub(even1, odd1), to + 2 * point);
      store(hn::Add(even2, odd2), to + 3 * point);
      store(hn::Sub(even2, odd2), to + 4 * point);
      store(hn::Add(even3, odd3), to + 5 * point);
      store(hn::Sub(even3, odd3), to + 6 * point);
      store(hn::MulAdd(b21, hn::Sub(d3, d5), hn::Sub(d7, d1)), to + 7 * point);
      d0 = d6;
      d1 = d7;
    }
  }
}

/// At one point: m[tile][V vectors of output channels] of kTiles tiles.
template <int V>
HWY_INLINE void product(const float* v, int in, const float* u, const float* start, float* m) {
  Vec sum[kTiles][V];
#pragma GCC unroll 16
  for (int t = 0; t < kTiles; ++t)
#pragma GCC unroll 2
    for (int j = 0; j < V; ++j) sum[t][j] = start == nullptr ? hn::Zero(Tag()) : load(start + j * kLanes);
  for (int b = 0; b < in; b += kBlock, v += kTiles * kBlock)
#pragma GCC unroll 4
    for (int k = 0; k < kBlock; ++k, u += V * kLanes) {
      Vec w[V];
#pragma GCC unroll 2
      for (int j = 0; j < V; ++j) w[j] = load(u + j * kLanes);
#pragma GCC unroll 16
      for (int t = 0; t < kTiles; ++t) {
        const Vec x = splat(v[t * kBlock + k]);
#pragma GCC unroll 2
        for (int j = 0; j < V; ++j) sum[t][j] = hn::MulAdd(x, w[j], sum[t][j]);
      }
    }
#pragma GCC unroll 16
  for (int t = 0; t < kTiles; ++t)
#pragma GCC unroll 2
    for (int j = 0; j < V; ++j) store(sum[t][j], m + (t * V + j) * kLanes);
}

/// Row R of the output from the products m[row][column][tile][V vectors], from pixel x and channel c on.
template <int R, int V>
HWY_INLINE void inverse(const WinogradRows& r, int x, int tiles, int c, const float* m) {
  constexpr ptrdiff_t kPoint = kTiles * V * kLanes, kRow = kColumns * kPoint;
  const Vec slope = splat(r.slope);
  const ptrdiff_t stride = r.stride;
  for (int t = 0; t < tiles; ++t)
    for (int j = 0; j < V; ++j) {
      const float* from = m + (t * V + j) * kLanes;
      Vec s[kColumns];
#pragma GCC unroll 8
      for (int i = 0; i < kColumns; ++i, from += kPoint) {
        const Vec a = load(from + kRow), b = load(from + 2 * kRow);
        if constexpr (R == 0)
          s[i] = hn::Add(load(from), hn::Add(a, b));
        else
          s[i] = hn::Sub(hn::Sub(a, b), load(from + 3 * kRow));
      }
      const Vec even1 = hn::Add(s[1], s[2]), odd1 = hn::Sub(s[1], s[2]);
      const Vec even2 = hn::Add(s[3], s[4]), odd2 = hn::Sub(s[3], s[4]);
      const Vec even3 = hn::Add(s[5], s[6]), odd3 = hn::Sub(s[5], s[6]);
      const Vec y[kWinogradColumns] = {
          hn::Add(hn::Add(s[0], even1), hn::Add(even2, even3)),
          hn::MulAdd(splat(1 / 2.0F), odd3, hn::MulAdd(splat(2), odd2, odd1)),
          hn::MulAdd(splat(1 / 4.0F), even3, hn::MulAdd(splat(4), even2, even1)),
          hn::MulAdd(splat(1 / 8.0F), odd3, hn::MulAdd(splat(8), odd2, odd1)),
          hn::MulAdd(splat(1 / 16.0F), even3, hn::MulAdd(splat(16), even2, even1)),
          hn::Add(hn::MulAdd(splat(1 / 32.0F), odd3, hn::MulAdd(splat(32), odd2, odd1)), s[7])};
      const int first = x + kWinogradColumns * t, pixels = HWY_MIN(kWinogradColumns, r.width - first);
      const ptrdiff_t at = first * stride + c + j * kLanes;
#pragma GCC unroll 6
      for (int i = 0; i < kWinogradColumns; ++i) {
        if (i >= pixels) break;
        Vec z = y[i];
        if (r.activate_sum) z = hn::Add(z, load(r.add[R] + at + i * stride));
        z = hn::Max(z, hn::Mul(z, slope));
        if (r.add[R] != nullptr && !r.activate_sum) z = hn::Add(z, load(r.add[R] + at + i * stride));
        store(z, r.dst[R] + at + i * stride);
      }
    }
}

/// V vectors of output channels from c on: rows `first` to `last` of the points, and what comes of them.
template <int V>
HWY_INLINE void multiply(const WinogradRows& r, int x, int tiles, int c, int first, int last, const float* v,
                         float* m) {
  const ptrdiff_t in = r.in;
  const float* u = r.weights + kPoints * in * c;
  for (int p = first * kColumns; p < last * kColumns; ++p)
    // The point whose products count once in each of the tile's outputs takes the bias along.
    product<V>(v + p * kTiles * in, r.in, u + p * in * V * kLanes, p == kColumns + 1 ? r.bias + c : nullptr,
               m + p * kTiles * V * kLanes);
  if (r.dst[0] != nullptr) inverse<0, V>(r, x, tiles, c, m);
  if (r.dst[1] != nullptr) inverse<1, V>(r, x, tiles, c, m);
}

void rows(const WinogradRows& r) {
  const ptrdiff_t row = ptrdiff_t{kColumns} * kTiles * r.in;
  float* const v = r.scratch;
  float* const m = v + kRows * row;
  const int first = r.dst[0] == nullptr ? 1 : 0, last = r.dst[1] == nullptr ? 3 : 4;
  for (int x = 0; x < r.width; x += kWinogradColumns * kTiles) {
    const int tiles = HWY_MIN(kTiles, (r.width - x + kWinogradColumns - 1) / kWinogradColumns);
    if (first == 0) forward<0>(r, x, tiles, v);
    forward<1>(r, x, tiles, v + row);
    forward<2>(r, x, tiles, v + 2 * row);
    if (last == 4) forward<3>(r, x, tiles, v + 3 * row);
    int c = 0;
    for (; c + kLanes < r.out; c += 2 * kLanes) multiply<2>(r, x, tiles, c, first, last, v, m);
    if (c < r.out) multiply<1>(r, x, tiles, c, first, last, v, m);
  }
}

/// Weights of V vectors of output channels from c on: u[row][column][input][V vectors].
template <int V>
HWY_INLINE void transform_group(const float* plain, int in, int out, int c, float* u) {
  const ptrdiff_t point = ptrdiff_t{in} * V * kLanes;
  for (int k = 0; k < in; ++k, u += V * kLanes) {
    HWY_ALIGN float taps[9][V * kLanes] = {};
    for (int o = 0; o < HWY_MIN(V * kLanes, out - c); ++o)
      for (int t = 0; t < 9; ++t) taps[t][o] = plain[(ptrdiff_t{c + o} * in + k) * 9 + t];
    for (int j = 0; j < V; ++j) {
      Vec w[3][kColumns];
#pragma GCC unroll 3
      for (int y = 0; y < 3; ++y) {
        const Vec g0 = load(taps[3 * y] + j * kLanes), g1 = load(taps[3 * y + 1] + j * kLanes),
                  g2 = load(taps[3 * y + 2] + j * kLanes);
        const Vec even1 = hn::Mul(splat(-2 / 9.0F), hn::Add(g0, g2)), odd1 = hn::Mul(splat(-2 / 9.0F), g1);
        const Vec even2 = hn::MulAdd(splat(1 / 90.0F), g0, hn::Mul(splat(2 / 45.0F), g2));
        const Vec odd2 = hn::Mul(splat(1 / 45.0F), g1);
        const Vec even3 = hn::MulAdd(splat(32 / 45.0F), g0, hn::Mul(splat(8 / 45.0F), g2));
        const Vec odd3 = hn::Mul(splat(16 / 45.0F), g1);
        w[y][0] = g0;
        w[y][1] = hn::Add(even1, odd1);
        w[y][2] = hn::Sub(even1, odd1);
        w[y][3] = hn::Add(even2, odd2);
        w[y][4] = hn::Sub(even2, odd2);
        w[y][5] = hn::Add(even3, odd3);
        w[y][6] = hn::Sub(even3, odd3);
        w[y][7] = g2;
      }
      float* to = u + j * kLanes;
#pragma GCC unroll 8
      for (int i = 0; i < kColumns; ++i, to += point) {
        const Vec even = hn::Mul(splat(0.5F), hn::Add(w[0][i], w[2][i])), odd = hn::Mul(splat(0.5F), w[1][i]);
        store(w[0][i], to);
        store(hn::Add(even, odd), to + kColumns * point);
        store(hn::Sub(even, odd), to + 2 * kColumns * point);
        store(w[2][i], to + 3 * kColumns * point);
      }
    }
  }
}

void transform(const float* plain, int in, int out, float* u) {
  int c = 0;
  for (; c + kLanes < out; c += 2 * kLanes)
    transform_group<2>(plain, in, out, c, u + ptrdiff_t{kPoints} * in * c);
  if (c < out) transform_group<1>(plain, in, out, c, u + ptrdiff_t{kPoints} * in * c);
}

size_t weights(int in, int out) { return size_t{kPoints} * in * ((out + kLanes - 1) / kLanes * kLanes); }
size_t scratch(int in) { return size_t{kPoints} * kTiles * (in + 2 * kLanes); }

const WinogradKernels& table() {
  static const WinogradKernels kTable = {
      hwy::TargetName(HWY_TARGET), kLanes, rows, transform, weights, scratch};
  return kTable;
}

}  // namespace
}  // namespace cdsr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cdsr::cpu {
namespace {

HWY_EXPORT(table);

}  // namespace

const WinogradKernels& winograd(Isa isa) { return choose(HWY_DISPATCH_TABLE(table), isa)(); }

}  // namespace cdsr::cpu
#endif
