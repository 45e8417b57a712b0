// What happens to the metas of a buffer when its picture grows.
#pragma once

#include <gst/video/video.h>

namespace cdsr::gst {

/// Carries `meta` of `in` over to `out`, if it can be. Returns true when the caller shall copy it as it is:
/// timecodes, captions, AFD, reference timestamps and all that does not speak of pixels. What speaks of the
/// picture's size (regions of interest) is scaled here, or left out when it cannot scale itself. GstVideoMeta
/// and what belongs to the memory is never carried over.
bool carry_meta(GstMeta* meta, GstBuffer* in, const GstVideoInfo& in_info, GstBuffer* out,
                const GstVideoInfo& out_info);

}  // namespace cdsr::gst
