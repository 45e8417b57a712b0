// What is added before a value is cut to an integer code.
#pragma once

namespace cdsr {

/// For row y of a plane: at least kTile + 16 numbers in (0, 1), to be read from a column that is a multiple
/// of 8. At 8 bits an ordered 8 x 8 pattern (Bayer), the same for every frame and thread; above, 0.5: plain
/// rounding. A value that is an integer already (up to 1/128) stays the same under both.
const float* dither_row(int bits, int y);

}  // namespace cdsr
