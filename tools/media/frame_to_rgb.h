// A decoded still image of any pixel format to 8-bit RGB, or to what PNG stores.
#pragma once

#include "tools/media/av.h"
#include "tools/media/image_io.h"

namespace cdsr::tools {

/// By SampleRows, and throws as that. Alpha is left out.
Picture frame_to_rgb(const AVFrame& frame, const std::string& name);

/// Grey or R'G'B', with alpha where the frame has it, packed, of 8 bits, or big-endian of 16 where the frame
/// has more than 8: gray, ya8, rgb24, rgba, gray16be, ya16be, rgb48be, rgba64be, as PNG stores them.
/// Properties and side data are kept. By SampleRows, and throws as that.
AvPtr<AVFrame> frame_to_samples(const AVFrame& frame, const std::string& name);

/// Whether the frame's display matrix asks for a turn or mirror: multiples of 90 degrees are known.
bool is_rotated(const AVFrame& frame);

/// Turns the picture as the frame's display matrix says.
Picture apply_rotation(Picture picture, const AVFrame& frame);
/// The same for what frame_to_samples() makes; the matrix is taken off.
AvPtr<AVFrame> apply_rotation(AvPtr<AVFrame> samples);

}  // namespace cdsr::tools
