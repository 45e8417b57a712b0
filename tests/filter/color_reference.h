// The colour path written down sample by sample, without tiles, rings, strips or SIMD: what the filter must
// equal, bit for bit. Shares with it only the numbers (ColorSpec, BicubicTaps, Halver, dither) and the order
// of each sum.
#pragma once

#include "filter/color/frame_sink.h"
#include "model/engine.h"
#include "tests/filter/frame_buffer.h"

namespace cdsr::test {

/// A frame as R'G'B' in [0,1].
Image reference_read(const FrameBuffer& frame);

/// Writes `network` (nullptr: bicubic interpolation of the input) into `out`.
void reference_write(const FrameBuffer& in, const Image* network, int scale,
                     const FrameSink::Settings& settings, FrameBuffer& out);

}  // namespace cdsr::test
