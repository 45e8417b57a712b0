#include "tools/train/shot_sample.h"

#include <algorithm>
#include <cmath>

#include "model/encoder_windows.h"
#include "tools/degrade/blur.h"
#include "tools/degrade/kernel.h"
#include "tools/train/crop.h"

namespace cdsr::train {
namespace {

constexpr int kMacroblock = 16, kBlock = 8;

/// A part of one plane, `stride` floats from row to row.
struct Area {
  const float* data;
  ptrdiff_t stride;
};

void copy_area(Area from, int width, int height, float* to) {
  for (int y = 0; y < height; ++y) to = std::copy_n(from.data + y * from.stride, width, to);
}

/// Side of the clip: whole macroblocks, and not more of them than the photograph and the wanted size have
/// room for, but at least what a crop and a window need.
int clip_side(int photo, int scale, int wanted, int patch) {
  const int room = photo / scale / kMacroblock * kMacroblock;
  const int least = (std::max(patch, kEncoderWindow) + kMacroblock - 1) / kMacroblock * kMacroblock;
  return std::max(std::min(room, wanted), least);
}

/// One clip of a photograph.
class Shot {
 public:
  Shot(const tools::Picture& photo, const ShotOptions& o, Rng& rng, BatchTime& time)
      : o_(o),
        turn_(draw_turn(rng)),
        spec_(degrade::draw_video(*o.video, o.scale, rng)),
        softness_(degrade::draw_softness(*o.video, spec_.codec, rng)),
        width_(clip_side(turn_.transpose ? photo.height : photo.width, o.scale, kClipWidth, o.patch)),
        height_(clip_side(turn_.transpose ? photo.width : photo.height, o.scale, kClipHeight, o.patch)),
        last_(spec_.frames - 1),
        hr_width_(o.scale * (width_ - 1) + degrade::kKernelSide + last_ * std::abs(spec_.pan_x)),
        hr_height_(o.scale * (height_ - 1) + degrade::kKernelSide + last_ * std::abs(spec_.pan_y)) {
    const double begin = thread_seconds();
    cut(photo, rng);
    const double middle = thread_seconds();
    time.data += middle - begin;
    recording_ = degrade::record(spec_, make_small(), width_, height_);
    if (o.colour == Colour::Luma) keep_luma();
    time.degrade += thread_seconds() - middle;
  }

  void give(Rng& rng, const ShotPictures& out, BatchTime& time) const {
    const double begin = thread_seconds();
    std::vector<std::vector<float>> frames(static_cast<size_t>(spec_.frames));
    const auto frame = [&](int f) -> const std::vector<float>& {
      if (frames[f].empty()) frames[f] = decoded(f);
      return frames[f];
    };
    for (size_t i = 0; i < out.lr.size(); ++i) {
      const int f = static_cast<int>(rng.index(spec_.frames));
      const int x = static_cast<int>(rng.index(width_ - o_.patch + 1)),
                y = static_cast<int>(rng.index(height_ - o_.patch + 1));
      cut_lr(frame(f), x, y, o_.patch, out.lr[i]);
      cut_hr(f, x, y, out.hr[i]);
    }
    const int shown = static_cast<int>(rng.index(spec_.frames)),
              other = static_cast<int>(rng.index(spec_.frames));
    for (size_t i = 0; i < out.windows.size(); ++i) {
      const auto place = [&](int side) {
        return static_cast<int>(rng.index((side - kEncoderWindow) / kBlock + 1)) * kBlock;
      };
      const int x = place(width_), y = place(height_);
      cut_lr(frame(static_cast<int>(i) < o_.windows ? shown : other), x, y, kEncoderWindow, out.windows[i]);
    }
    time.data += thread_seconds() - begin;
  }

  std::array<float, kDegradationTargets> target() const {
    return degradation_target(spec_, softness_, o_.scale, recording_.mse, recording_.qp);
  }

 private:
  size_t hr_plane() const { return static_cast<size_t>(hr_width_) * hr_height_; }
  size_t lr_plane() const { return static_cast<size_t>(width_) * height_; }
  int channels() const { return o_.colour == Colour::Luma ? 1 : 3; }
  /// Where frame f's picture begins in hr_, kernel's margin included.
  int left(int f) const { return spec_.pan_x >= 0 ? f * spec_.pan_x : (last_ - f) * -spec_.pan_x; }
  int top(int f) const { return spec_.pan_y >= 0 ? f * spec_.pan_y : (last_ - f) * -spec_.pan_y; }

  void cut(const tools::Picture& photo, Rng& rng) {
    const int across = turn_.transpose ? hr_height_ : hr_width_,
              down = turn_.transpose ? hr_width_ : hr_height_;
    // The kernel's margin may lie beyond the photograph, as at the edges of a whole picture.
    const auto place = [&](int photo_side, int side) {
      return rng.index(std::max(1, photo_side - side + 2 * degrade::kKernelMargin + 1)) -
             degrade::kKernelMargin;
    };
    const int64_t x = place(photo.width, across), y = place(photo.height, down);
    hr_.resize(3 * hr_plane());
    copy_crop(photo, x, y, hr_width_, hr_height_, turn_, hr_.data());
    for (size_t c = 0; c < 3; ++c)
      degrade::soften(std::span(hr_).subspan(c * hr_plane(), hr_plane()), hr_width_, hr_height_, softness_);
  }

  std::vector<float> make_small() const {
    std::vector<float> clip(3 * lr_plane() * spec_.frames);
    const degrade::TrimmedKernel kernel(spec_.kernel);
    for (int f = 0; f < spec_.frames; ++f)
      for (size_t c = 0; c < 3; ++c)
        degrade::blur_subsample(
            {&hr_[c * hr_plane() + static_cast<size_t>(top(f)) * hr_width_ + left(f)], hr_width_}, kernel,
            o_.scale, width_, height_, &clip[(3 * f + c) * lr_plane()]);
    return clip;
  }

  /// Leaves the truth's luma in the first plane of hr_.
  void keep_luma() {
    const auto weight = degrade::luma_weights(spec_.codec);
    for (size_t i = 0, n = hr_plane(); i < n; ++i)
      hr_[i] = weight[0] * hr_[i] + weight[1] * hr_[n + i] + weight[2] * hr_[2 * n + i];
  }

  std::vector<float> decoded(int f) const {
    std::vector<float> planes(channels() * lr_plane());
    if (o_.colour == Colour::Luma)
      recording_.luma(f, planes);
    else
      recording_.rgb(f, planes);
    return planes;
  }

  void cut_lr(const std::vector<float>& planes, int x, int y, int side, float* to) const {
    for (int c = 0; c < channels(); ++c)
      copy_area({&planes[c * lr_plane() + static_cast<size_t>(y) * width_ + x], width_}, side, side,
                to + static_cast<ptrdiff_t>(c) * side * side);
  }

  void cut_hr(int f, int x, int y, float* to) const {
    const int side = o_.scale * o_.patch;
    const size_t at = static_cast<size_t>(top(f) + degrade::kKernelMargin + o_.scale * y) * hr_width_ +
                      static_cast<size_t>(left(f) + degrade::kKernelMargin + o_.scale * x);
    for (int c = 0; c < channels(); ++c)
      copy_area({&hr_[c * hr_plane() + at], hr_width_}, side, side,
                to + static_cast<ptrdiff_t>(c) * side * side);
  }

  const ShotOptions& o_;
  const Turn turn_;
  const degrade::VideoSpec spec_;
  const double softness_;     // of the original
  const int width_, height_;  // of the clip, LR pixels
  const int last_;            // frame
  const int hr_width_, hr_height_;
  std::vector<float> hr_;  // what the clip sees of the photograph: three planes, or luma in the first
  degrade::Recording recording_;
};

}  // namespace

std::array<float, kDegradationTargets> make_shot(const tools::Picture& photo, const ShotOptions& o, Rng& rng,
                                                 const ShotPictures& out, BatchTime& time) {
  const Shot shot(photo, o, rng, time);
  shot.give(rng, out, time);
  return shot.target();
}

}  // namespace cdsr::train
