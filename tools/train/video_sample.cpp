#include "tools/train/video_sample.h"

#include <algorithm>

#include "tools/degrade/blur.h"
#include "tools/degrade/kernel.h"
#include "tools/train/crop.h"

namespace cdsr::train {
namespace {

constexpr int kMacroblock = 16;

/// Pictures of three planes, side x side.
size_t floats(int side) { return 3 * static_cast<size_t>(side) * side; }

/// Copies a size x size square of planes that are `from_width` wide into planes `to_width` wide.
void copy_square(const float* from, int from_width, size_t from_plane, float* to, int to_width,
                 size_t to_plane, int size) {
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < size; ++y)
      std::copy_n(from + c * from_plane + static_cast<size_t>(y) * from_width, size,
                  to + c * to_plane + static_cast<size_t>(y) * to_width);
}

/// Makes the crops of one image.
class Sample {
 public:
  Sample(const tools::Picture& photo, const VideoSampleOptions& o, Rng& rng)
      : photo_(photo),
        scale_(o.scale),
        patch_(o.patch),
        // Room around the crop for any place on the codec's grid of blocks.
        tile_((o.patch + kMacroblock - 1) / kMacroblock * kMacroblock + kMacroblock),
        turn_(draw_turn(rng)),
        softness_(degrade::draw_softness(*o.video, rng)),
        spec_(degrade::draw_video(*o.video, o.scale, rng)),
        reach_(std::max(spec_.shown, spec_.frames - 1 - spec_.shown) *
               std::max(std::abs(spec_.pan_x), std::abs(spec_.pan_y))),
        side_(scale_ * (tile_ - 1) + degrade::kKernelSide + 2 * reach_),
        kernel_(spec_.kernel),
        clip_(static_cast<size_t>(spec_.frames) * 2 * floats(tile_)),
        square_(floats(side_)) {}

  /// Cuts crop 0 or 1: its full-size picture to `hr`, its frames into the clip.
  void cut(int crop, Rng& rng, float* hr, BatchTime& time) {
    const double begin = thread_seconds();
    const int size = scale_ * patch_, slack = tile_ - patch_;
    const int64_t x = rng.index(photo_.width - size + 1), y = rng.index(photo_.height - size + 1);
    const int u = static_cast<int>(rng.index(slack + 1)), v = static_cast<int>(rng.index(slack + 1));
    const int margin = degrade::kKernelMargin + reach_;
    copy_crop(photo_, x - int64_t{scale_} * u - margin, y - int64_t{scale_} * v - margin, side_, turn_,
              square_.data());
    // Where the crop lies in the tile once that is turned.
    const int a = turn_.flip_x ? slack - u : u, b = turn_.flip_y ? slack - v : v;
    left_[crop] = turn_.transpose ? b : a;
    top_[crop] = turn_.transpose ? a : b;
    const size_t plane = static_cast<size_t>(side_) * side_;
    const double middle = thread_seconds();
    time.data += middle - begin;
    for (size_t c = 0; c < 3; ++c)
      degrade::soften(std::span(square_).subspan(c * plane, plane), side_, side_, softness_);
    copy_square(&square_[static_cast<size_t>(margin + scale_ * top_[crop]) * side_ +
                         static_cast<size_t>(margin + scale_ * left_[crop])],
                side_, plane, hr, size, static_cast<size_t>(size) * size, size);

    std::vector<float> small(static_cast<size_t>(tile_) * tile_);
    for (int f = 0; f < spec_.frames; ++f) {
      const int moved = f - spec_.shown;
      const float* from = &square_[static_cast<size_t>(reach_ + moved * spec_.pan_y) * side_ +
                                   static_cast<size_t>(reach_ + moved * spec_.pan_x)];
      for (int c = 0; c < 3; ++c) {
        degrade::blur_subsample({from + c * plane, side_}, kernel_, scale_, tile_, tile_, small.data());
        float* to = &clip_[size_t{2} * f * floats(tile_) + size_t{2} * c * small.size() +
                           static_cast<size_t>(crop) * tile_];
        for (int row = 0; row < tile_; ++row)
          std::copy_n(&small[static_cast<size_t>(row) * tile_], tile_,
                      to + static_cast<ptrdiff_t>(2) * row * tile_);
      }
    }
    time.degrade += thread_seconds() - middle;
  }

  /// Records the clip; the crops go to the two pointers.
  void record(float* const (&lr)[2], BatchTime& time) {
    const double begin = thread_seconds();
    std::vector<float> shown(2 * floats(tile_));
    degrade::record(spec_, clip_, 2 * tile_, tile_, shown);
    for (int crop = 0; crop < 2; ++crop)
      copy_square(&shown[static_cast<size_t>(top_[crop]) * 2 * tile_ +
                         static_cast<size_t>(crop * tile_ + left_[crop])],
                  2 * tile_, static_cast<size_t>(2) * tile_ * tile_, lr[crop], patch_,
                  static_cast<size_t>(patch_) * patch_, patch_);
    time.degrade += thread_seconds() - begin;
  }

  const degrade::VideoSpec& spec() const { return spec_; }

 private:
  const tools::Picture& photo_;
  const int scale_, patch_, tile_;
  const Turn turn_;
  const double softness_;  // of the original
  const degrade::VideoSpec spec_;
  const int reach_;  // HR pixels the window moves away from the crop
  const int side_;   // of the square of the photograph that is looked at
  const degrade::TrimmedKernel kernel_;
  std::vector<float> clip_;    // frames of 3 x tile x 2 tile
  std::vector<float> square_;  // 3 x side x side
  int left_[2] = {}, top_[2] = {};
};

}  // namespace

degrade::VideoSpec make_video_sample(const tools::Picture& photo, const VideoSampleOptions& o, Rng& rng,
                                     float* const (&lr)[2], float* const (&hr)[2], BatchTime& time) {
  Sample sample(photo, o, rng);
  for (int crop = 0; crop < 2; ++crop) sample.cut(crop, rng, hr[crop], time);
  sample.record(lr, time);
  return sample.spec();
}

}  // namespace cdsr::train
