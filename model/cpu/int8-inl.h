// The loops of int8.h, which int8.cpp includes once for each set of instructions: CDSR_LANES sums in a
// vector, 16 (AVX512_VNNI) or 8 (AVX_VNNI).

namespace cdsr::cpu {
namespace CDSR_NAMESPACE {
namespace {

constexpr int kLanes = CDSR_LANES;
/// Pixels that go together: their sums for two vectors of channels leave registers for weights and features.
constexpr int kPixels = kLanes == 16 ? 12 : 6;

#if CDSR_LANES == 16
using Sums = __m512i;
using Floats = __m512;
HWY_INLINE Sums zeros() { return _mm512_setzero_si512(); }
HWY_INLINE Sums load_weights(const int8_t* p) { return _mm512_loadu_si512(p); }
HWY_INLINE Sums splat_quad(const uint8_t* p) {
  int quad;
  __builtin_memcpy(&quad, p, sizeof quad);
  return _mm512_set1_epi32(quad);
}
HWY_INLINE Sums dot(Sums sum, Sums features, Sums weights) {
  return _mm512_dpbusd_epi32(sum, features, weights);
}
HWY_INLINE Floats to_floats(Sums v) { return _mm512_cvtepi32_ps(v); }
HWY_INLINE Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
HWY_INLINE Floats splat(float x) { return _mm512_set1_ps(x); }
HWY_INLINE Floats mul_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
HWY_INLINE Floats leaky(Floats v, Floats slope) { return _mm512_max_ps(v, _mm512_mul_ps(v, slope)); }
HWY_INLINE Floats plus(Floats a, Floats b) { return _mm512_add_ps(a, b); }
HWY_INLINE Floats load_features(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
HWY_INLINE void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
HWY_INLINE void store(uint8_t* p, Floats v) {
  const __m512i whole = _mm512_max_epi32(_mm512_cvtps_epi32(v), _mm512_setzero_si512());
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(whole));
}
/// Sums 4 I to 4 I + 3 of 16.
template <int I>
HWY_INLINE __m128i quarter(const Sums* sums) {
  return _mm512_extracti32x4_epi32(sums[0], I);
}
#else
using Sums = __m256i;
using Floats = __m256;
HWY_INLINE Sums zeros() { return _mm256_setzero_si256(); }
HWY_INLINE Sums load_weights(const int8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
HWY_INLINE Sums splat_quad(const uint8_t* p) {
  int quad;
  __builtin_memcpy(&quad, p, sizeof quad);
  return _mm256_set1_epi32(quad);
}
HWY_INLINE Sums dot(Sums sum, Sums features, Sums weights) {
  return _mm256_dpbusd_avx_epi32(sum, features, weights);
}
HWY_INLINE Floats to_floats(Sums v) { return _mm256_cvtepi32_ps(v); }
HWY_INLINE Floats load_floats(const float* p) { return _mm256_loadu_ps(p); }
HWY_INLINE Floats splat(float x) { return _mm256_set1_ps(x); }
HWY_INLINE Floats mul_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
HWY_INLINE Floats leaky(Floats v, Floats slope) { return _mm256_max_ps(v, _mm256_mul_ps(v, slope)); }
HWY_INLINE Floats plus(Floats a, Floats b) { return _mm256_add_ps(a, b); }
HWY_INLINE Floats load_features(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
HWY_INLINE void store(float* p, Floats v) { _mm256_storeu_ps(p, v); }
HWY_INLINE void store(uint8_t* p, Floats v) {
  const __m256i whole = _mm256_cvtps_epi32(v);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
template <int I>
HWY_INLINE __m128i quarter(const Sums* sums) {
  return _mm256_extracti128_si256(sums[I / 2], I % 2);
}
#endif

/// Where a tile reads and writes.
struct Tile {
  const uint8_t* rows[3];  ///< from the pixel before its first on
  const uint8_t* add;      ///< from its first on, or null
  void* dst;
};

/// kPixels pixels, V vectors of output channels from c on.
template <int In, int V, typename T>
HWY_INLINE void make(const Int8Row& r, const Tile& at, int c) {
  Sums sum[kPixels][V];
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[p][v] = zeros();
  const int8_t* weights = r.weights + ptrdiff_t{4} * c;
  const ptrdiff_t step = ptrdiff_t{4} * r.out;
  for (int ky = 0; ky < 3; ++ky) {
    // The three pixels under a row of taps lie side by side.
    const uint8_t* features = at.rows[ky];
    for (int k = 0; k < 3 * In; k += 4, weights += step, features += 4) {
      Sums w[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) w[v] = load_weights(weights + ptrdiff_t{4} * v * kLanes);
#pragma GCC unroll 16
      for (int p = 0; p < kPixels; ++p) {
        const Sums quad = splat_quad(features + p * In);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[p][v] = dot(sum[p][v], quad, w[v]);
      }
    }
  }
  const Floats slope = splat(r.slope);
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const ptrdiff_t channel = c + v * kLanes;
    const Floats factor = load_floats(r.factor + channel), bias = load_floats(r.bias + channel);
    const Floats add_factor = at.add == nullptr ? splat(0) : load_floats(r.add_factor + channel);
    const Floats offset = r.offset == nullptr ? splat(0) : load_floats(r.offset + channel);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
      const ptrdiff_t to = ptrdiff_t{p} * r.out + channel;
      Floats value = mul_add(to_floats(sum[p][v]), factor, bias);
      if (at.add != nullptr) value = mul_add(load_features(at.add + to), add_factor, value);
      store(static_cast<T*>(at.dst) + to, plus(leaky(value, slope), offset));
    }
  }
}

/// Row k of the input from the pixel before x on, for N pixels of the output; copied to `edge`, with what
/// stands for 0 beside the row, where they are not all inside.
template <int In, int N>
HWY_INLINE const uint8_t* with_edges(const Int8Row& r, int k, int x, uint8_t* edge) {
  const uint8_t* const row = r.src[k] + static_cast<ptrdiff_t>(x - 1) * In;
  if (x > 0 && x + N < r.width) return row;
  for (int i = 0; i < N + 2; ++i) {
    const bool inside = x - 1 + i >= 0 && x - 1 + i < r.width;
    __builtin_memcpy(edge + i * In, inside ? row + i * In : r.beside, In);
  }
  return edge;
}

template <int In, typename T>
void row_of(const Int8Row& r) {
  uint8_t edge[3][(kPixels + 2) * In], add[kPixels * kInt8Channels] = {};
  T dst[kPixels * kInt8Channels];
  const size_t pixel = r.out * sizeof(T);
  for (int x = 0; x < r.width; x += kPixels) {
    Tile tile;
    const ptrdiff_t out = static_cast<ptrdiff_t>(x) * r.out;
    const int count = r.width - x < kPixels ? r.width - x : kPixels;
    const bool whole = count == kPixels;
    tile.dst = whole ? static_cast<T*>(r.dst) + out : dst;
    tile.add = r.add == nullptr ? nullptr : whole ? r.add + out : add;
    if (!whole && r.add != nullptr) __builtin_memcpy(add, r.add + out, static_cast<size_t>(count) * r.out);
    for (int k = 0; k < 3; ++k) tile.rows[k] = with_edges<In, kPixels>(r, k, x, edge[k]);
    int c = 0;
    for (; c + 2 * kLanes <= r.out; c += 2 * kLanes) make<In, 2, T>(r, tile, c);
    if (c < r.out) make<In, 1, T>(r, tile, c);
    if (!whole) __builtin_memcpy(static_cast<T*>(r.dst) + out, dst, count * pixel);
  }
}

template <int In>
void row_from(const Int8Row& r) {
  if (r.offset != nullptr)
    row_of<In, uint8_t>(r);
  else
    row_of<In, float>(r);
}

void row(const Int8Row& r) {
  if (r.in == 16) row_from<16>(r);
  if (r.in == 32) row_from<32>(r);
  if (r.in == 48) row_from<48>(r);
  if (r.in == 64) row_from<64>(r);
}

/// The products of a pixel with all taps of a row of taps stand side by side in 16 sums: a third of the
/// products that row() would need for so few outputs. An output takes a quarter of three neighbours' sums.
template <int In>
void tail_of(const Int8Row& r) {
  constexpr int kVectors = kInt8TailLanes / kLanes;
  constexpr int kMade = kLanes == 16 ? 22 : 4;  // pixels; their sums and two more leave registers free
  uint8_t edge[3][(kMade + 2) * In];
  const __m128 factor = _mm_loadu_ps(r.factor), bias = _mm_loadu_ps(r.bias);
  for (int x = 0; x < r.width; x += kMade) {
    Sums sum[kMade + 2][kVectors];
#pragma GCC unroll 32
    for (int p = 0; p < kMade + 2; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[p][v] = zeros();
    const int8_t* weights = r.weights;
    for (int ky = 0; ky < 3; ++ky) {
      const uint8_t* features = with_edges<In, kMade>(r, ky, x, edge[ky]);
      for (int k = 0; k < In; k += 4, weights += 4 * kInt8TailLanes, features += 4) {
        Sums w[kVectors];
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) w[v] = load_weights(weights + ptrdiff_t{4} * v * kLanes);
#pragma GCC unroll 32
        for (int p = 0; p < kMade + 2; ++p) {
          const Sums quad = splat_quad(features + p * In);
#pragma GCC unroll 2
          for (int v = 0; v < kVectors; ++v) sum[p][v] = dot(sum[p][v], quad, w[v]);
        }
      }
    }
    const int count = r.width - x < kMade ? r.width - x : kMade;
    float* dst = static_cast<float*>(r.dst) + static_cast<ptrdiff_t>(x) * r.out;
#pragma GCC unroll 32
    for (int p = 0; p < kMade; ++p, dst += r.out) {
      if (p >= count) break;
      const __m128i total =
          _mm_add_epi32(_mm_add_epi32(quarter<0>(sum[p]), quarter<1>(sum[p + 1])), quarter<2>(sum[p + 2]));
      _mm_storeu_ps(dst, _mm_fmadd_ps(_mm_cvtepi32_ps(total), factor, bias));
    }
  }
}

void tail(const Int8Row& r) {
  if (r.in == 16) tail_of<16>(r);
  if (r.in == 32) tail_of<32>(r);
  if (r.in == 48) tail_of<48>(r);
  if (r.in == 64) tail_of<64>(r);
}

constexpr Int8Kernels kTable = {kLanes == 16 ? "avx512vnni" : "avxvnni", row, tail};

}  // namespace
}  // namespace CDSR_NAMESPACE
}  // namespace cdsr::cpu
