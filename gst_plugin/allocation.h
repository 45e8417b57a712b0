// Memory on both sides: pools, so that no picture is copied where the neighbours can help it.
#pragma once

#include <gst/video/video.h>

#include "gst_plugin/cuda.h"

namespace cdsr::gst {

/// What upstream may write into: frames of any stride (GstVideoMeta), with the picture anywhere in them
/// (GstVideoCropMeta), and a pool of them for those who want one.
bool propose_pool(GstQuery* query, Cuda& cuda);

/// Both make pools of GPU memory for caps that ask for it; false if there is no context for that.

/// Puts a pool into the answered query: downstream's if it offers one, else a new one, with GstVideoMeta when
/// downstream reads it.
bool decide_pool(GstQuery* query, Cuda& cuda);

}  // namespace cdsr::gst
