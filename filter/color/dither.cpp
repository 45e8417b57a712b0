#include "filter/color/dither.h"

#include <array>

#include "filter/color/row_resampler.h"

namespace cdsr {
namespace {

constexpr int kLength = kTile + 16;
using Row = std::array<float, kLength>;

/// Bayer's matrix: bits of x ^ y and y interleaved, the lowest first.
constexpr int bayer(int x, int y) {
  int value = 0;
  for (int bit = 0; bit < 3; ++bit) {
    const int xb = x >> bit & 1;
    const int yb = y >> bit & 1;
    value = value << 2 | (xb ^ yb) << 1 | yb;
  }
  return value;
}

constexpr std::array<Row, 8> make_ordered() {
  std::array<Row, 8> rows{};
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < kLength; ++x) {
      rows[y][x] = (static_cast<float>(bayer(x & 7, y)) + 0.5F) / 64;
    }
  }
  return rows;
}

constexpr Row make_rounding() {
  Row row{};
  for (float& value : row) value = 0.5F;
  return row;
}

constexpr std::array<Row, 8> kOrdered = make_ordered();
constexpr Row kRounding = make_rounding();

}  // namespace

const float* dither_row(int bits, int y) { return bits <= 8 ? kOrdered[y & 7].data() : kRounding.data(); }

}  // namespace cdsr
