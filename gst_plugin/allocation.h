// Memory on both sides: pools, so that no picture is copied where the neighbours can help it.
#pragma once

#include <gst/video/video.h>

namespace cdsr::gst {

/// What upstream may write into: frames of any stride (GstVideoMeta), with the picture anywhere in them
/// (GstVideoCropMeta), and a pool of them for those who want one.
bool propose_pool(GstQuery* query);

/// Puts a pool into the answered query: downstream's if it offers one, else a new one, with GstVideoMeta when
/// downstream reads it.
bool decide_pool(GstQuery* query);

}  // namespace cdsr::gst
