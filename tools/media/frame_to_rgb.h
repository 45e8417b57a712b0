// A decoded still image of any pixel format to 8-bit RGB.
#pragma once

#include "tools/media/av.h"
#include "tools/media/image_io.h"

namespace cdsr::tools {

/// Throws Unsupported, naming the format, for floating-point, XYZ, Bayer and hardware formats. `name` is for
/// messages. Own code and not swscale: exact for RGB and grey of any depth, and the same bits with every
/// FFmpeg version.
Picture frame_to_rgb(const AVFrame& frame, const std::string& name);

/// Turns the picture as the frame's display matrix says (multiples of 90 degrees and mirrors).
Picture apply_rotation(Picture picture, const AVFrame& frame);

}  // namespace cdsr::tools
