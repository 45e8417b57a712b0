// The degradation of real video: a lens, a resize, a sensor and a codec, all drawn at random.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/degrade/codec.h"
#include "tools/degrade/noise.h"
#include "tools/media/image_io.h"
#include "tools/media/rng.h"

namespace cdsr::degrade {

/// Range of a uniform draw.
struct Range {
  double low = 0, high = 0;
};

/// What draw_video() draws from. Shares are weights: they need not sum to 1. The defaults are what a blind
/// model is trained on: clean, blurred, noisy and compressed input, all at once.
struct VideoOptions {
  /// How it became small: anisotropic and isotropic Gaussian blur as the paper's (then subsampled), bicubic
  /// and area averaging (half of them after a weak isotropic blur). Of pictures (not coded, or JPEG) and of
  /// video, which is blurred less often before it is made small, and whose originals are soft instead: see
  /// `soft`.
  std::array<double, 4> resize_share = {0.42, 0.16, 0.22, 0.2};
  std::array<double, 4> resize_video_share = {0.08, 0.05, 0.45, 0.42};
  double sharpen_share = 0.12;  ///< of the small pictures: sharpened before they were recorded
  Range sharpen = {0.2, 1.0};   ///< how much of what a Gaussian of 1 LR pixel takes away is added again
  double gaussian_share = 0.3, shot_share = 0.1;  ///< of the pictures: noise of the one kind or the other
  double gaussian = 15;                           ///< highest standard deviation on 0..255
  double shot = 0.5;                              ///< highest variance per unit of the signal
  std::array<double, kCodecs> codec_share = {0.35, 0.11,  0.07, 0.31,
                                             0.09, 0.035, 0.035};  ///< in the order of enum Codec
  Range jpeg = {1.5, 20}, mpeg2 = {2, 14};  ///< quantizer scale, drawn evenly in its logarithm: in QP
  Range h264 = {10, 36}, hevc = {12, 38};   ///< CRF
  Range vp9 = {12, 50}, av1 = {12, 50};     ///< CRF
  int frames = 5;                           ///< of a clip, 1..32; JPEG and what is not coded is one picture
  double still_share = 0.15;                ///< of the clips: one intra frame
  double fixed_share = 0.4;                 ///< of the clips: the camera does not move
  double pan = 3;                           ///< largest motion of a clip, LR pixels a frame, each axis
  /// Training alone: how many originals are soft themselves, as lenses, scalers and earlier encodes leave
  /// them, and the Gaussian that makes them so, HR pixels. The network is asked for the soft original:
  /// otherwise everything it is given comes out too sharp. Video is soft more often than pictures (what is
  /// not coded, or JPEG): the embedding tells them apart.
  double soft_share = 0.65, soft_picture_share = 0.2;
  Range soft = {0.4, 2.0};
};

/// What happened to one picture. Everything but the noise, whose values come from `seed`.
struct VideoSpec {
  std::vector<float> kernel;  ///< 21 x 21, aligned
  double sharpen = 0;         ///< amount, as VideoOptions::sharpen
  NoiseSpec noise;
  Codec codec = Codec::None;
  double quality = 0;
  int frames = 1, shown = 0;  ///< length of the clip, and which of its frames is the result
  int pan_x = 0, pan_y = 0;   ///< HR pixels the window moves from a frame to the next
  uint64_t seed = 0;
};

/// How soft the original of what `codec` coded is, HR pixels; 0: as it is.
double draw_softness(const VideoOptions& options, Codec codec, Rng& rng);

/// Draws a degradation for `scale` (2..4). A codec that is not available is not drawn.
VideoSpec draw_video(const VideoOptions& options, int scale, Rng& rng);

/// One line: "kernel within 8x8, noise 3.2, h264 crf 27.1, frame 2 of 3 moving by 2 -1".
std::string describe(const VideoSpec& spec);
/// One line: the shares and ranges, for a model's metadata.
std::string describe(const VideoOptions& options);

/// A clip as it came back from its recording.
struct Recording {
  int width = 0, height = 0;
  Codec codec = Codec::None;
  std::vector<float> clip;      ///< not coded: frames of three planes, R'G'B' on 0..255, 8-bit values
  std::vector<Yuv420> decoded;  ///< coded: the decoded frames
  double qp = 0;                ///< Recoded::qp
  double mse = 0;               ///< of coding, on luma codes, mean over the clip; 0: not coded

  /// Frame f as three planes on 0..255, 8-bit values; as luma on 0..255 (full range, BT.601 where R'G'B' or
  /// JPEG, else BT.709), not rounded. The span holds 3 or 1 times width * height values.
  void rgb(int f, std::span<float> planes) const;
  void luma(int f, std::span<float> plane) const;
};

/// Weights of R', G', B' in the luma of a recording by `codec`.
std::array<float, 3> luma_weights(Codec codec);

/// Sharpens each frame of a clip, adds noise, encodes and decodes it. `clip` is spec.frames pictures of three
/// planes of width x height floats on 0..255.
Recording record(const VideoSpec& spec, std::vector<float> clip, int width, int height);

/// A whole picture: blurred, subsampled, moved (edges repeated) and recorded. Its sides are those of `hr`
/// divided by scale, rounded down.
tools::Picture degrade_video(const tools::Picture& hr, int scale, const VideoSpec& spec);

}  // namespace cdsr::degrade
