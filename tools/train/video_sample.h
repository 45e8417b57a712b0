// Training crops degraded as video is: every image its own lens, resize, noise and codec.
#pragma once

#include "tools/degrade/video.h"
#include "tools/image_io.h"
#include "tools/rng.h"
#include "tools/train/stopwatch.h"

namespace cdsr::train {

struct VideoSampleOptions {
  int scale = 2;
  int patch = 48;                                ///< side of a low-resolution crop
  const degrade::VideoOptions* video = nullptr;  ///< not null
};

/// Two crops of a photograph, at places of their own, under one degradation: planar floats on 0..255, 3 x
/// patch x patch to each of `lr` and 3 x scale patch x scale patch to each of `hr`. The two lie side by side
/// in the frames that are encoded, so that they share codec, quality, motion and frame type. The photograph's
/// sides must be at least scale * patch. Adds to `time`.
/// Returns what was done to them.
degrade::VideoSpec make_video_sample(const tools::Picture& photo, const VideoSampleOptions& options, Rng& rng,
                                     float* const (&lr)[2], float* const (&hr)[2], BatchTime& time);

}  // namespace cdsr::train
