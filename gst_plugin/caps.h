// Caps: which formats there are, and what a size on one side means on the other.
#pragma once

#include <gst/video/video.h>

#include <cstdint>

namespace cdsr::gst {

/// The cdsr_format of a GStreamer format, CDSR_FORMAT_NONE if libcdsr has none. Formats that differ only in
/// the order of their planes (YV12) or in what their fourth byte means (RGBx) share one.
int32_t format_from_gst(GstVideoFormat format);

/// What a pad may carry: all formats, sizes 1..max_side, in system memory and, with `cuda`, first in
/// memory:CUDAMemory.
GstCaps* template_caps(int max_side, bool cuda);

/// What the other pad carries when this one carries `caps`; `direction` is the pad of `caps`. Widths and
/// heights (numbers, ranges, lists) times or through `scale`; sizes that `scale` does not divide have no
/// input and disappear. A fixed input also settles colorimetry and chroma-site: what GStreamer takes untagged
/// input for depends on the height, and would be something else for the larger picture. Returns a new
/// reference.
GstCaps* scale_caps(GstPadDirection direction, GstCaps* caps, int scale);

/// What fixed `caps` say of their frames. False if they are no raw video. gst_video_info_from_caps() with the
/// chroma-site of the caps: GStreamer 1.22 puts its guess in place of it where they have no colorimetry.
bool video_info(GstCaps* caps, GstVideoInfo& info);

/// Writes colorimetry and chroma-site of the fixed `input` into `output`. False if `input` is no raw video.
bool copy_colorimetry(GstCaps* input, GstStructure* output);

}  // namespace cdsr::gst
