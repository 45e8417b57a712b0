// A picture's luma, for networks that know nothing else, and the picture again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tools/media/image_io.h"

namespace cdsr::tools {

/// BT.601's luma of a pixel, as JPEG has it, in [0,1].
float luma_of(const uint8_t rgb[3]);
/// Of all of them.
std::vector<float> luma_plane(const Picture& picture);

/// The interpolated picture's colour with the network's luma (nominally [0,1], scale times as wide and high):
/// interleaved RGB on 0..255, not clamped.
std::vector<float> with_luma(const Picture& lr, int scale, std::span<const float> luma);

/// The same in place, to interpolated pixels: rgb.size() / 3 of `luma`.
void set_luma(std::span<float> rgb, const float* luma);

}  // namespace cdsr::tools
