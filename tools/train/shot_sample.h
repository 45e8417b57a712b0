// Training pictures as real video has them: one clip, moving, degraded and really encoded, and out of it the
// crops that the SR network learns from and the windows that the encoder looks at.
#pragma once

#include <array>
#include <vector>

#include "model/config.h"
#include "tools/degrade/video.h"
#include "tools/media/image_io.h"
#include "tools/media/rng.h"
#include "tools/train/degradation_target.h"
#include "tools/train/stopwatch.h"

namespace cdsr::train {

/// The sizes of a clip, low-resolution pixels, where the photograph has room for it: 14 x 10 macroblocks.
inline constexpr int kClipWidth = 224, kClipHeight = 160;

struct ShotOptions {
  int scale = 2;
  Colour colour = Colour::Rgb;
  int patch = 64;                                ///< side of a crop, low-resolution pixels
  int crops = 8;                                 ///< crops of a shot
  int windows = 8, keys = 4;                     ///< windows for E_a, and for the key of MoCo
  const degrade::VideoOptions* video = nullptr;  ///< not null
};

/// Where a shot's pictures go: planar floats on 0..255, `channels` planes each.
struct ShotPictures {
  std::vector<float*> lr, hr;  ///< options.crops each: patch x patch and scale * patch x scale * patch
  /// options.windows + options.keys, each kEncoderWindow x kEncoderWindow: those for E_a from one frame, the
  /// keys from another where the clip has one; all lie on the grid of 8x8 blocks.
  std::vector<float*> windows;
};

/// Makes one shot of a photograph. Its sides must be at least scale * patch; where it is smaller than a clip
/// the clip is smaller, and where the camera leaves it its edge is repeated. Luma is the recording's own
/// (degrade::Recording::luma), and the truth's of the same weights. Adds to `time`. Returns what the guide
/// learns to predict.
std::array<float, kDegradationTargets> make_shot(const tools::Picture& photo, const ShotOptions& options,
                                                 Rng& rng, const ShotPictures& out, BatchTime& time);

}  // namespace cdsr::train
