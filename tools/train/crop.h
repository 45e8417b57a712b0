// Cutting training crops out of photographs.
#pragma once

#include <cstdint>

#include "tools/media/image_io.h"
#include "tools/media/rng.h"

namespace cdsr::train {

/// One of the eight ways a picture can lie.
struct Turn {
  bool flip_x = false, flip_y = false, transpose = false;
};

Turn draw_turn(Rng& rng);

/// Copies the part of the photograph whose upper left pixel is (x, y), turned, as three planes of width x
/// height floats on 0..255; a transposed one is height x width in the photograph. Beyond the photograph its
/// edge is repeated, as the degradation of a whole image does.
void copy_crop(const tools::Picture& photo, int64_t x, int64_t y, int width, int height, const Turn& turn,
               float* out);

}  // namespace cdsr::train
