// The loops of kernels.h, which kernels.cpp includes once for each set of instructions, CDSR_BF16 1 for
// AVX-512 with bf16 products. GCC's vector extensions spell the arithmetic; the set decides what a lane
// costs.

namespace cdsr::cpu::HWY_NAMESPACE {
#if CDSR_BF16
namespace bf16 {
#endif
namespace {

constexpr int kLanes = HWY_MAX(HWY_LANES(float), 4);  // x86-64 itself has four, as NEON
typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef uint32_t UVec __attribute__((vector_size(4 * kLanes)));
typedef uint16_t HVec __attribute__((vector_size(2 * kLanes)));

HWY_INLINE Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
HWY_INLINE void store(float* p, const Vec& v) { __builtin_memcpy(p, &v, sizeof v); }

HWY_INLINE Vec load(const Bf16* p) {
  HVec h;
  __builtin_memcpy(&h, p, sizeof h);
  const UVec u = __builtin_convertvector(h, UVec) << 16;
  Vec v;
  __builtin_memcpy(&v, &u, sizeof v);
  return v;
}
/// Rounds to nearest even, as oneDNN does.
#if CDSR_BF16
HWY_INLINE void store(Bf16* p, const Vec& v) {
  const __m256bh h = _mm512_cvtneps_pbh(v);
  __builtin_memcpy(p, &h, sizeof h);
}
#else
HWY_INLINE void store(Bf16* p, const Vec& v) {
  UVec u;
  __builtin_memcpy(&u, &v, sizeof u);
  u = (u + 0x7FFFU + ((u >> 16) & 1U)) >> 16;
  const HVec h = __builtin_convertvector(u, HVec);
  __builtin_memcpy(p, &h, sizeof h);
}
#endif

/// Rounds to nearest, halves up, of values that 32 bits hold.
HWY_INLINE void store(uint8_t* p, const Vec& v) {
  typedef int32_t IVec __attribute__((vector_size(4 * kLanes)));
  typedef uint8_t BVec __attribute__((vector_size(kLanes)));
  const IVec zero = {}, most = zero + 255, whole = __builtin_convertvector(v + 0.5F, IVec);
  const IVec positive = whole > zero ? whole : zero;
  const BVec b = __builtin_convertvector(positive < most ? positive : most, BVec);
  __builtin_memcpy(p, &b, sizeof b);
}

HWY_INLINE Vec splat(float x) { return x - Vec{}; }
HWY_INLINE Vec leaky(const Vec& v, float slope) {
  const Vec scaled = v * slope;
  return v > scaled ? v : scaled;
}

/// Pixels x to x + P of the head, V vectors of channels from channel c on.
template <int P, int V, typename T>
HWY_INLINE void head_tile(const float* const rows[3], int planes, ptrdiff_t plane, const float* weights,
                          const float* bias, float slope, const float* offset, int channels, int c, int x,
                          int width, T* out) {
  Vec acc[P][V];  // in registers, as all loops over it are unrolled
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v)
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) acc[p][v] = load(bias + c + ptrdiff_t{v} * kLanes);
  for (int ky = 0; ky < 3; ++ky)
    for (int i = 0; i < planes; ++i) {
      const float* pixel = rows[ky] + i * plane + x - 1;
#pragma GCC unroll 3
      for (int kx = 0; kx < 3; ++kx, weights += channels)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          const Vec w = load(weights + c + ptrdiff_t{v} * kLanes);
#pragma GCC unroll 16
          for (int p = 0; p < P; ++p) acc[p][v] += pixel[p + kx] * w;
        }
    }
  const int count = width - x < P ? width - x : P;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    if (p >= count) break;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      Vec value = slope == 1 ? acc[p][v] : leaky(acc[p][v], slope);
      if constexpr (sizeof(T) == 1) value += load(offset + c + ptrdiff_t{v} * kLanes);
      store(out + static_cast<ptrdiff_t>(x + p) * channels + c + v * kLanes, value);
    }
  }
}

template <typename T>
void head(const float* const rows[3], int planes, ptrdiff_t plane, int width, const float* weights,
          const float* bias, float slope, const float* offset, int channels, void* to) {
  constexpr int kPixels = kLanes == 4 ? 4 : kLanes == 8 ? 6 : 8;  // 2 kPixels sums fit the registers
  T* const out = static_cast<T*>(to);
  int c = 0;
  for (; c + 2 * kLanes <= channels; c += 2 * kLanes)
    for (int x = 0; x < width; x += kPixels)
      head_tile<kPixels, 2>(rows, planes, plane, weights, bias, slope, offset, channels, c, x, width, out);
  for (; c < channels; c += kLanes)
    for (int x = 0; x < width; x += kPixels)
      head_tile<kPixels, 1>(rows, planes, plane, weights, bias, slope, offset, channels, c, x, width, out);
}

template <typename T>
void dqa(const void* const from[3], int width, int channels, const float* filter, const float* gate,
         float slope, void* filtered_to, void* gated_to) {
  const T* const rows[3] = {static_cast<const T*>(from[0]), static_cast<const T*>(from[1]),
                            static_cast<const T*>(from[2])};
  T* const filtered = static_cast<T*>(filtered_to);
  T* const gated = static_cast<T*>(gated_to);
  for (int c = 0; c < channels; c += kLanes) {
    Vec k[9];
    for (int t = 0; t < 9; ++t) k[t] = load(filter + static_cast<ptrdiff_t>(t) * channels + c);
    const Vec g = load(gate + c);
    Vec left = {}, here = {};  // sums so far of the pixels x - 1 and x
    for (int x = 0; x < width; ++x) {
      const ptrdiff_t at = static_cast<ptrdiff_t>(x) * channels + c;
      const Vec up = load(rows[0] + at), mid = load(rows[1] + at), down = load(rows[2] + at);
      const Vec done = left + k[2] * up + k[5] * mid + k[8] * down;
      if (x > 0) store(filtered + at - channels, leaky(done, slope));
      left = here + k[1] * up + k[4] * mid + k[7] * down;
      here = k[0] * up + k[3] * mid + k[6] * down;
      store(gated + at, mid * g);
    }
    store(filtered + static_cast<ptrdiff_t>(width - 1) * channels + c, leaky(left, slope));
  }
}

template <typename T>
void sum(const void* from, int width, int channels, float* sums) {
  const T* const row = static_cast<const T*>(from);
  for (int c = 0; c < channels; c += kLanes) {
    Vec s = {};
    for (int x = 0; x < width; ++x) s += load(row + static_cast<ptrdiff_t>(x) * channels + c);
    store(sums + c, s);
  }
}

template <typename T>
void pack(const void* from, int width, int channels, int block, ptrdiff_t distance, void* to) {
  const T* const row = static_cast<const T*>(from);
  T* out = static_cast<T*>(to);
  for (int c = 0; c < channels; c += block, out += distance)
    for (int x = 0; x < width; ++x)
      for (int i = 0; i < block; ++i)
        out[static_cast<ptrdiff_t>(x) * block + i] = row[static_cast<ptrdiff_t>(x) * channels + c + i];
}

template <typename T>
void unpack(const void* from, int width, int channels, int block, ptrdiff_t distance, float scale,
            const void* plus, void* to) {
  const T* const in = static_cast<const T*>(from);
  const T* const add = static_cast<const T*>(plus);
  T* const out = static_cast<T*>(to);
  for (int c = 0; c < channels; c += kLanes) {
    const T* const lanes = in + c / block * distance + c % block;  // a block holds whole vectors
    for (int x = 0; x < width; ++x) {
      const ptrdiff_t at = static_cast<ptrdiff_t>(x) * channels + c;
      const T* const pixel = lanes + static_cast<ptrdiff_t>(x) * block;
      if (add == nullptr)
        __builtin_memcpy(out + at, pixel, kLanes * sizeof(T));
      else
        store(out + at, load(pixel) * scale + load(add + at));
    }
  }
}

/// Vertical pass of the bicubic skip: one plane's row of phase r, its ends repeated.
HWY_INLINE void enlarge_down(const ShuffleTaps& taps, int r, const float* const picture[5], ptrdiff_t offset,
                             int width, float* temp) {
  const float* row[4];
  for (int t = 0; t < 4; ++t) row[t] = picture[2 + taps.first[r] + t] + offset;
  const float* w = taps.weight[r];
  for (int x = 0; x < width; x += kLanes)
    store(temp + x, load(row[0] + x) * w[0] + load(row[1] + x) * w[1] + load(row[2] + x) * w[2] +
                        load(row[3] + x) * w[3]);
  temp[-2] = temp[-1] = temp[0];
  temp[width] = temp[width + 1] = temp[width - 1];
}

template <int S>
HWY_INLINE void shuffle_scale(const float* in, int channels, int width, const ShuffleTaps& taps,
                              const float* const picture[5], ptrdiff_t plane, float* out, ptrdiff_t out_plane,
                              float* temp) {
  for (int p = 0; p < taps.planes; ++p)
    for (int r = 0; r < S; ++r) {
      float* row = out + (taps.planes * r + p) * out_plane;
      const float* value = in + ptrdiff_t{S} * (p * S + r);
      if (!taps.skip) {
        for (int x = 0; x < width; ++x)
          for (int q = 0; q < S; ++q) row[x * S + q] = value[static_cast<ptrdiff_t>(x) * channels + q];
        continue;
      }
      enlarge_down(taps, r, picture, p * plane, width, temp);
      for (int x = 0; x < width; ++x)
        for (int q = 0; q < S; ++q) {
          const float* t = temp + x + taps.first[q];
          const float* w = taps.weight[q];
          row[x * S + q] = value[static_cast<ptrdiff_t>(x) * channels + q] +
                           (t[0] * w[0] + t[1] * w[1] + t[2] * w[2] + t[3] * w[3]);
        }
    }
}

void shuffle(const float* in, int channels, int width, const ShuffleTaps& taps, const float* const picture[5],
             ptrdiff_t plane, float* out, ptrdiff_t out_plane, float* temp) {
  temp += 16;
  if (taps.scale == 2)
    shuffle_scale<2>(in, channels, width, taps, picture, plane, out, out_plane, temp);
  else if (taps.scale == 3)
    shuffle_scale<3>(in, channels, width, taps, picture, plane, out, out_plane, temp);
  else
    shuffle_scale<4>(in, channels, width, taps, picture, plane, out, out_plane, temp);
}

/// A vector of a row's values, as the tail multiplies them.
template <typename T>
struct Factor;
template <>
struct Factor<float> {
  static constexpr int kValues = kLanes;
  Vec v;
  explicit HWY_INLINE Factor(const float* p) : v(load(p)) {}
  HWY_INLINE void add(const Factor& w, Vec& sum) const { sum += v * w.v; }
};
#if CDSR_BF16
template <>
struct Factor<Bf16> {
  static constexpr int kValues = 2 * kLanes;  // two products a lane
  __m512bh v;
  explicit HWY_INLINE Factor(const Bf16* p) { __builtin_memcpy(&v, p, sizeof v); }
  HWY_INLINE void add(const Factor& w, Vec& sum) const { sum = _mm512_dpbf16_ps(sum, v, w.v); }
};
#endif

/// Lanes of a and b, of two neighbours D apart the sum: a's where bit D of the lane is clear, else b's.
template <int D>
HWY_INLINE Vec fold(const Vec& a, const Vec& b) {
  UVec same, other;
  for (int i = 0; i < kLanes; ++i) {
    const int from = (i & D) != 0 ? kLanes : 0;
    same[i] = i + from;
    other[i] = (i ^ D) + from;
  }
  return __builtin_shuffle(a, b, same) + __builtin_shuffle(a, b, other);
}
/// Lane i of the result is the sum of the lanes of v[i].
template <int D = 1>
HWY_INLINE Vec lane_sums(Vec* v) {
  for (int i = 0; i < kLanes / D / 2; ++i) v[i] = fold<D>(v[2 * i], v[2 * i + 1]);
  if constexpr (2 * D < kLanes)
    return lane_sums<2 * D>(v);
  else
    return v[0];
}

/// P pixels of the tail, from three rows that begin at the pixel before them.
template <int P, typename T>
HWY_INLINE Vec tail_tile(const T* const rows[3], int channels, const T* weights) {
  Vec sum[P * kTailOutputs] = {};
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx) {
      const T* pixel = rows[ky] + ptrdiff_t{kx} * channels;
      for (int c = 0; c < channels; c += Factor<T>::kValues) {
#pragma GCC unroll 4
        for (int o = 0; o < kTailOutputs; ++o, weights += Factor<T>::kValues) {
          const Factor<T> w(weights);
#pragma GCC unroll 4
          for (int p = 0; p < P; ++p)
            Factor<T>(pixel + ptrdiff_t{p} * channels + c).add(w, sum[p * kTailOutputs + o]);
        }
      }
    }
  return lane_sums(sum);
}

template <typename T>
void tail(const void* const from[3], int width, int channels, const void* weights, const float* bias,
          int stride, float* out) {
  constexpr int kPixels = kLanes / kTailOutputs;  // all their sums in one vector
  const T* const w = static_cast<const T*>(weights);
  const size_t pixel = channels * sizeof(T);
  for (int x = 0; x < width; x += kPixels) {
    const T* rows[3];
    T edge[3][(kPixels + 2) * kTailChannels];  // pixels beside the row are zeros
    for (int k = 0; k < 3; ++k) {
      const T* const row = static_cast<const T*>(from[k]);
      rows[k] = row + static_cast<ptrdiff_t>(x - 1) * channels;
      if (x > 0 && x + kPixels < width) continue;
      const int first = x > 0 ? x - 1 : 0, end = x + kPixels < width ? x + kPixels + 1 : width;
      __builtin_memset(edge[k], 0, sizeof edge[k]);
      __builtin_memcpy(edge[k] + static_cast<ptrdiff_t>(first - x + 1) * channels,
                       row + static_cast<ptrdiff_t>(first) * channels, (end - first) * pixel);
      rows[k] = edge[k];
    }
    const Vec sum = tail_tile<kPixels>(rows, channels, w);
    float values[kLanes];
    store(values, sum);
    for (int p = 0; p < kPixels && x + p < width; ++p)
      for (int o = 0; o < kTailOutputs; ++o)
        out[static_cast<ptrdiff_t>(x + p) * stride + o] = values[p * kTailOutputs + o] + bias[o];
  }
}

template <typename T>
constexpr FeatureKernels rows() {
  return {head<T>, dqa<T>, sum<T>, pack<T>, unpack<T>, 0, nullptr};
}
constexpr FeatureKernels rows_of_bytes() {
  return {head<uint8_t>, nullptr, nullptr, nullptr, nullptr, 0, nullptr};
}
template <typename T>
constexpr FeatureKernels rows_with_tail() {
  FeatureKernels kernels = rows<T>();
  kernels.tail_step = Factor<T>::kValues;
  kernels.tail = tail<T>;
  return kernels;
}

#if CDSR_BF16
constexpr Kernels kTable = {
    "avx512bf16", {rows_with_tail<float>(), rows_with_tail<Bf16>(), rows_of_bytes()}, shuffle};
#elif HWY_TARGET == HWY_AVX3
constexpr Kernels kTable = {"avx512", {rows_with_tail<float>(), rows<Bf16>(), rows_of_bytes()}, shuffle};
#else
constexpr Kernels kTable = {HWY_TARGET == HWY_AVX2   ? "avx2"
                            : HWY_TARGET == HWY_NEON ? "neon"
                                                     : "base",
                            {rows<float>(), rows<Bf16>(), rows_of_bytes()},
                            shuffle};
#endif

const Kernels& table() { return kTable; }

}  // namespace
#if CDSR_BF16
}  // namespace bf16
#endif
}  // namespace cdsr::cpu::HWY_NAMESPACE
