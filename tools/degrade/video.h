// The degradation of real video: a lens, a resize, a sensor and a codec, all drawn at random.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/degrade/codec.h"
#include "tools/degrade/noise.h"
#include "tools/image_io.h"
#include "tools/rng.h"

namespace cdsr::degrade {

/// Range of a uniform draw.
struct Range {
  double low = 0, high = 0;
};

/// What draw_video() draws from. Shares are weights: they need not sum to 1.
struct VideoOptions {
  /// How the picture became small: anisotropic and isotropic Gaussian blur as the paper's (then subsampled),
  /// bicubic and area averaging (half of them after a weak isotropic blur).
  std::array<double, 4> resize_share = {0.3, 0.15, 0.3, 0.25};
  double gaussian_share = 0.3, shot_share = 0.15;  ///< of the pictures: noise of the one kind or the other
  double gaussian = 10;                            ///< highest standard deviation on 0..255
  double shot = 0.5;                               ///< highest variance per unit of the signal
  std::array<double, 5> codec_share = {0.15, 0.1, 0.12, 0.48, 0.15};  ///< in the order of enum Codec
  Range jpeg = {2, 12}, mpeg2 = {2, 12};                              ///< quantizer scale
  Range h264 = {16, 36}, hevc = {18, 36};                             ///< CRF
  double still_share = 0.3;  ///< of the coded pictures: one intra frame; the others are frames of a clip of 3
  double pan = 3;            ///< largest motion of a clip, LR pixels a frame, each axis
  /// Training alone: how many originals are soft themselves, as lenses, scalers and earlier encodes leave
  /// them, and the Gaussian that makes them so, HR pixels. The network is asked for the soft original:
  /// otherwise everything it is given comes out too sharp.
  double soft_share = 0.5;
  Range soft = {0.4, 2};
};

/// What happened to one picture. Everything but the noise, whose values come from `seed`.
struct VideoSpec {
  std::vector<float> kernel;  ///< 21 x 21, aligned
  NoiseSpec noise;
  Codec codec = Codec::None;
  double quality = 0;
  int frames = 1, shown = 0;  ///< length of the clip, and which of its frames is the result
  int pan_x = 0, pan_y = 0;   ///< HR pixels the window moves from a frame to the next
  uint64_t seed = 0;
};

/// How soft the original is, HR pixels; 0: as it is.
double draw_softness(const VideoOptions& options, Rng& rng);

/// Draws a degradation for `scale` (2..4). A codec that is not available is not drawn.
VideoSpec draw_video(const VideoOptions& options, int scale, Rng& rng);

/// One line: "kernel within 8x8, noise 3.2, h264 crf 27.1, frame 2 of 3 moving by 2 -1".
std::string describe(const VideoSpec& spec);
/// One line: the shares and ranges, for a model's metadata.
std::string describe(const VideoOptions& options);

/// Adds noise to each frame of a clip, encodes and decodes it and leaves frame `spec.shown` in `out`, clamped
/// to 0..255 and rounded. `clip` is spec.frames pictures of three planes of width x height floats.
void record(const VideoSpec& spec, std::span<float> clip, int width, int height, std::span<float> out);

/// A whole picture: blurred, subsampled, moved (edges repeated) and recorded. Its sides are those of `hr`
/// divided by scale, rounded down.
tools::Picture degrade_video(const tools::Picture& hr, int scale, const VideoSpec& spec);

}  // namespace cdsr::degrade
