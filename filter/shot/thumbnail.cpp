#include "filter/shot/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace cdsr {
namespace {

/// A picture whose luma deviates by less than this many 8-bit codes correlates with nothing: below it, noise
/// decides.
constexpr double kFlatCodes = 1;

/// Sums over the cells of one thumbnail or of a pair. 3600 cells of 16 bits: products stay below 2^44.
int64_t sum(const Thumbnail& a) {
  int64_t total = 0;
  for (int i = 0; i < a.count(); ++i) total += a.cell[i];
  return total;
}

int64_t product_sum(const Thumbnail& a, const Thumbnail& b) {
  int64_t total = 0;
  for (int i = 0; i < a.count(); ++i) total += int64_t{a.cell[i]} * b.cell[i];
  return total;
}

/// n times the sum of (a - mean a)(b - mean b), exact: below 2^57.
int64_t covariance(const Thumbnail& a, const Thumbnail& b) {
  return a.count() * product_sum(a, b) - sum(a) * sum(b);
}

}  // namespace

Similarity compare(const Thumbnail& a, const Thumbnail& b) {
  const double n = a.count();
  const double flat = n * n * (kFlatCodes * 256) * (kFlatCodes * 256);
  const auto va = static_cast<double>(covariance(a, a));
  const auto vb = static_cast<double>(covariance(b, b));
  const auto ab = static_cast<double>(covariance(a, b));
  int64_t sad = 0;
  for (int i = 0; i < a.count(); ++i) sad += std::abs(int{a.cell[i]} - int{b.cell[i]});
  return {(ab + flat) / std::sqrt((va + flat) * (vb + flat)), static_cast<double>(sad) / n / 256};
}

double deviation(const Thumbnail& thumbnail) {
  const double n = thumbnail.count();
  return std::sqrt(static_cast<double>(covariance(thumbnail, thumbnail))) / n / 256;
}

void Thumbnailer::plan(int width) {
  sums_.resize(width);
  columns_.resize(width);
}

void Thumbnailer::accumulate(const Frame& frame, int component, int row) {
  const PixelFormat& format = *frame.format;
  const Component& place = format.component[component];
  const uint8_t* bytes = frame.row(component, row);
  const auto mask = static_cast<unsigned>(format.max_code(component));
  if (place.step != 1 || format.big_endian || format.bytes > 2) {
    for (int x = 0; x < frame.width; ++x)
      columns_[x] = static_cast<uint16_t>(frame.code(component, bytes, x));
    kernels_.accumulate16(columns_.data(), 0, mask, frame.width, sums_.data());
  } else if (format.bytes == 1) {
    kernels_.accumulate8(bytes, frame.width, sums_.data());
  } else {
    kernels_.accumulate16(reinterpret_cast<const uint16_t*>(bytes), place.shift, mask, frame.width,
                          sums_.data());
  }
}

void Thumbnailer::make(const Frame& frame, Thumbnail& result) {
  const PixelFormat& format = *frame.format;
  const bool rgb = format.model == ColorModel::Rgb;
  result.width = std::min(frame.width, kThumbnailWidth);
  result.height = std::min(frame.height, kThumbnailHeight);
  const auto edge = [](int i, int cells, int size) { return static_cast<int>(int64_t{i} * size / cells); };
  for (int cy = 0; cy < result.height; ++cy) {
    const int top = edge(cy, result.height, frame.height);
    const int bottom = edge(cy + 1, result.height, frame.height);
    std::fill(sums_.begin(), sums_.begin() + frame.width, 0);
    for (int y = top; y < bottom; ++y) {
      accumulate(frame, rgb ? 1 : 0, y);
      if (!rgb) continue;
      accumulate(frame, 0, y);
      accumulate(frame, 1, y);
      accumulate(frame, 2, y);
    }
    for (int cx = 0; cx < result.width; ++cx) {
      const int left = edge(cx, result.width, frame.width);
      const int right = edge(cx + 1, result.width, frame.width);
      uint64_t total = 0;
      for (int x = left; x < right; ++x) total += sums_[x];
      const uint64_t samples = uint64_t(right - left) * (bottom - top) * (rgb ? 4 : 1);
      // To 16 bits, rounded. A cell of the largest frame sums to less than 2^37.
      const uint64_t scaled = total << (16 - format.bits);
      result.cell[cy * result.width + cx] = static_cast<uint16_t>((scaled + samples / 2) / samples);
    }
  }
}

}  // namespace cdsr
