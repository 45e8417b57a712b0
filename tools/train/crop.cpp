#include "tools/train/crop.h"

#include <algorithm>
#include <vector>

namespace cdsr::train {

Turn draw_turn(Rng& rng) {
  Turn turn;
  turn.flip_x = rng.uniform() < 0.5;
  turn.flip_y = rng.uniform() < 0.5;
  turn.transpose = rng.uniform() < 0.5;
  return turn;
}

void copy_crop(const tools::Picture& photo, int64_t x, int64_t y, int side, const Turn& turn, float* out) {
  // The photograph's column depends on the result's column alone (on its row if transposed), its row on the
  // other: a pixel's place is the sum of two offsets.
  std::vector<int64_t> columns(side), rows(side);
  for (int i = 0; i < side; ++i) {
    const int64_t u = x + (turn.flip_x ? side - 1 - i : i), v = y + (turn.flip_y ? side - 1 - i : i);
    columns[i] = std::clamp<int64_t>(u, 0, photo.width - 1) * 3;
    rows[i] = std::clamp<int64_t>(v, 0, photo.height - 1) * photo.width * 3;
  }
  const std::vector<int64_t>&across = turn.transpose ? rows : columns,
        &down = turn.transpose ? columns : rows;
  const auto plane = static_cast<size_t>(side) * side;
  for (int i = 0; i < side; ++i) {
    const uint8_t* row = photo.rgb.data() + down[i];
    float* to = out + static_cast<size_t>(i) * side;
    for (int j = 0; j < side; ++j) {
      const uint8_t* rgb = row + across[j];
      to[j] = rgb[0];
      to[plane + j] = rgb[1];
      to[2 * plane + j] = rgb[2];
    }
  }
}

}  // namespace cdsr::train
