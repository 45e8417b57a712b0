// A picture's luma, for networks that know nothing else, and the picture again.
#pragma once

#include <span>
#include <vector>

#include "tools/media/image_io.h"

namespace cdsr::tools {

/// BT.601's luma, as JPEG has it, in [0,1].
std::vector<float> luma_plane(const Picture& picture);

/// The interpolated picture's colour with the network's luma (nominally [0,1], scale times as wide and high):
/// interleaved RGB on 0..255, not clamped.
std::vector<float> with_luma(const Picture& lr, int scale, std::span<const float> luma);

}  // namespace cdsr::tools
