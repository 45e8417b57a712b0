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

void copy_crop(const tools::Picture& photo, int64_t x, int64_t y, int width, int height, const Turn& turn,
               float* out) {
  // The photograph's column depends on the result's column alone (on its row if transposed), its row on the
  // other: a pixel's place is the sum of two offsets.
  const int across_side = turn.transpose ? height : width, down_side = turn.transpose ? width : height;
  std::vector<int64_t> columns(across_side), rows(down_side);
  for (int i = 0; i < across_side; ++i)
    columns[i] = std::clamp<int64_t>(x + (turn.flip_x ? across_side - 1 - i : i), 0, photo.width - 1) * 3;
  for (int i = 0; i < down_side; ++i)
    rows[i] =
        std::clamp<int64_t>(y + (turn.flip_y ? down_side - 1 - i : i), 0, photo.height - 1) * photo.width * 3;
  const std::vector<int64_t>&across = turn.transpose ? rows : columns,
        &down = turn.transpose ? columns : rows;
  const auto plane = static_cast<size_t>(width) * height;
  for (int i = 0; i < height; ++i) {
    const uint8_t* row = photo.rgb.data() + down[i];
    float* to = out + static_cast<size_t>(i) * width;
    for (int j = 0; j < width; ++j) {
      const uint8_t* rgb = row + across[j];
      to[j] = rgb[0];
      to[plane + j] = rgb[1];
      to[2 * plane + j] = rgb[2];
    }
  }
}

}  // namespace cdsr::train
