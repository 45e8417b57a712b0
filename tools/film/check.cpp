#include "tools/film/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "filter/shot/tracker.h"
#include "model/error.h"
#include "tools/degrade/blur.h"
#include "tools/degrade/degrade.h"
#include "tools/degrade/kernel.h"
#include "tools/media/frame_to_rgb.h"
#include "tools/media/luma.h"
#include "tools/media/metrics.h"
#include "tools/media/resize.h"
#include "tools/media/video_reader.h"

namespace cdsr::film {
namespace {

using tools::Picture;

constexpr double kMostPsnr = 99;  ///< in place of infinity
constexpr double kFamiliar =
    40;  ///< dB above which the input is kept well, however well interpolation keeps it
constexpr int kColourBlock = 16;  ///< input pixels that colour is compared over
constexpr int kStill = 1;         ///< codes an input pixel may change by and still stand still
constexpr int kBeyond = 8;        ///< codes that the output may lie beyond the input around

/// Luma in codes of 8 bits.
std::vector<float> luma(const Picture& picture) {
  std::vector<float> plane = tools::luma_plane(picture);
  for (float& y : plane) y *= 255;
  return plane;
}

double psnr(const Picture& a, const Picture& b) { return std::min(tools::psnr_y(a, b, 0), kMostPsnr); }

/// The picture moved by whole pixels, edges repeated.
Picture moved(const Picture& picture, int dx, int dy) {
  Picture out{picture.width, picture.height, std::vector<uint8_t>(picture.rgb.size())};
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const int from =
          std::clamp(y - dy, 0, out.height - 1) * out.width + std::clamp(x - dx, 0, out.width - 1);
      std::copy_n(picture.rgb.begin() + ptrdiff_t{3} * from, 3,
                  out.rgb.begin() + ptrdiff_t{3} * (ptrdiff_t{y} * out.width + x));
    }
  return out;
}

/// Mean distance of Cb and Cr between blocks.
double colour_distance(const Picture& a, const Picture& b) {
  double sum = 0;
  int blocks = 0;
  for (int top = 0; top < a.height; top += kColourBlock)
    for (int left = 0; left < a.width; left += kColourBlock) {
      double cb = 0, cr = 0;
      int count = 0;
      for (int y = top; y < std::min(top + kColourBlock, a.height); ++y)
        for (int x = left; x < std::min(left + kColourBlock, a.width); ++x, ++count) {
          const size_t at = size_t{3} * (static_cast<size_t>(y) * a.width + x);
          const double red = a.rgb[at] - b.rgb[at], green = a.rgb[at + 1] - b.rgb[at + 1],
                       blue = a.rgb[at + 2] - b.rgb[at + 2];
          const double y_difference = 0.299 * red + 0.587 * green + 0.114 * blue;
          cb += 0.564 * (blue - y_difference);
          cr += 0.713 * (red - y_difference);
        }
      sum += std::hypot(cb, cr) / count;
      ++blocks;
    }
  return sum / blocks;
}

/// Lowest and highest luma of the input around each of its pixels.
struct Around {
  std::vector<float> low, high;

  explicit Around(const std::vector<float>& y, int width, int height) : low(y), high(y) {
    for (int row = 0; row < height; ++row)
      for (int x = 0; x < width; ++x)
        for (int j = std::max(row - 1, 0); j <= std::min(row + 1, height - 1); ++j)
          for (int i = std::max(x - 1, 0); i <= std::min(x + 1, width - 1); ++i) {
            const size_t at = static_cast<size_t>(row) * width + x;
            const float value = y[static_cast<size_t>(j) * width + i];
            low[at] = std::min(low[at], value);
            high[at] = std::max(high[at], value);
          }
  }
};

/// A frame of both, and what is compared of it.
struct Pair {
  int64_t frame = -1;
  Picture in, out, small;
  std::vector<float> in_luma, out_luma;
};

/// Calls `body(x, y, at)` for every output pixel; at: the input pixel that it lies in.
template <typename Body>
void for_output(const Pair& pair, int scale, Body body) {
  for (int y = 0; y < pair.out.height; ++y)
    for (int x = 0; x < pair.out.width; ++x)
      body(static_cast<size_t>(y) * pair.out.width + x,
           static_cast<size_t>(y / scale) * pair.in.width + x / scale);
}

/// What is added up over the frames of a shot.
struct Sums {
  ShotCheck shot;
  int single = 0, pairs = 0, still = 0;
  double psnr = 0, ssim = 0, colour = 0, overshoot = 0, clipped = 0, interpolated = 0;
  double temporal = 0, flicker = 0;
  std::map<std::pair<int, int>, int> moves;  ///< by how much the output lies off, and in how many frames
};

void look(Sums& sums, const Pair& pair, int scale, const CheckLimits& limits) {
  ++sums.single;
  const double here = psnr(pair.small, pair.in);
  sums.psnr += here;
  sums.ssim += std::min(pair.in.width, pair.in.height) >= 11 ? tools::ssim_y(pair.small, pair.in, 0) : 1;
  sums.colour += colour_distance(pair.small, pair.in);

  const Around around(pair.in_luma, pair.in.width, pair.in.height);
  int64_t beyond = 0, clipped = 0;
  for_output(pair, scale, [&](size_t o, size_t i) {
    const float y = pair.out_luma[o];
    beyond += y > around.high[i] + kBeyond || y < around.low[i] - kBeyond ? 1 : 0;
    clipped += (y >= 254.5F && around.high[i] < 252) || (y <= 0.5F && around.low[i] > 3) ? 1 : 0;
  });
  const double percent = 100.0 / static_cast<double>(pair.out_luma.size());
  sums.overshoot += percent * static_cast<double>(beyond);
  sums.clipped += percent * static_cast<double>(clipped);

  const std::vector<float> enlarged =
      tools::enlarge(pair.in, scale, tools::Filter::Bicubic, (scale - 1) / 2.0);
  sums.interpolated +=
      psnr(made_small(degrade::quantize(pair.out.width, pair.out.height, enlarged), scale), pair.in);

  // A picture that does not fit may only have moved.
  if (here >= limits.psnr + 6) return;
  std::pair<int, int> best{};
  double highest = here + 1;
  for (int dy = -1; dy <= 1; ++dy)
    for (int dx = -1; dx <= 1; ++dx) {
      const double there = psnr(made_small(moved(pair.out, -dx, -dy), scale), pair.in);
      if (there <= highest) continue;
      highest = there;
      best = {dx, dy};
    }
  if (best != std::pair{0, 0}) ++sums.moves[best];
}

void look_at_change(Sums& sums, const Pair& before, const Pair& now, int scale) {
  ++sums.pairs;
  const std::vector<float> small_before = luma(before.small), small_now = luma(now.small);
  double difference = 0;
  for (size_t i = 0; i < now.in_luma.size(); ++i)
    difference += std::abs((small_now[i] - small_before[i]) - (now.in_luma[i] - before.in_luma[i]));
  sums.temporal += difference / static_cast<double>(now.in_luma.size());

  double flicker = 0;
  int64_t count = 0;
  for_output(now, scale, [&](size_t o, size_t i) {
    if (std::abs(now.in_luma[i] - before.in_luma[i]) > kStill) return;
    flicker += std::abs(now.out_luma[o] - before.out_luma[o]);
    ++count;
  });
  if (count == 0) return;
  ++sums.still;
  sums.flicker += flicker / static_cast<double>(count);
}

/// What is wrong with a shot, and what to do, the likeliest cause first.
std::vector<std::string> findings_of(const ShotCheck& c, const Sums& sums, const CheckLimits& limits) {
  std::vector<std::string> found;
  const auto moves = std::max_element(sums.moves.begin(), sums.moves.end(),
                                      [](const auto& a, const auto& b) { return a.second < b.second; });
  if (moves != sums.moves.end() && 2 * moves->second > sums.single)
    found.push_back(
        fmt::format("the picture has moved by {},{} pixels: look for a filter beside cdsr that crops, pads "
                    "or scales",
                    moves->first.first, moves->first.second));
  if (c.colour > limits.colour)
    found.push_back(
        fmt::format("colours are off by {:.1f} codes: compare the colour matrix and range that IN "
                    "and OUT are tagged with",
                    c.colour));
  if (c.temporal > limits.temporal)
    found.push_back(
        fmt::format("frames move unlike the input's ({:.1f} codes): look for repeated, dropped or stuck "
                    "frames; -fps_mode passthrough keeps them",
                    c.temporal));
  if (c.flicker > limits.flicker)
    found.push_back(
        fmt::format("areas that stand still pulse ({:.1f} codes): leave refresh at 0, or set "
                    "\"strength\": 0.5 for the shot",
                    c.flicker));
  if (c.overshoot > limits.overshoot || c.clipped > limits.clipped)
    found.push_back(
        fmt::format("too sharp ({:.1f} % overshoot, {:.1f} % clipped): set \"strength\": 0.5 for "
                    "the shot, or take another model",
                    c.overshoot, c.clipped));
  if (c.psnr < kFamiliar && c.psnr < c.interpolated - limits.interpolated)
    found.push_back(
        fmt::format("{:.1f} dB less of the input than interpolation keeps: the model does not "
                    "know such material; set \"skip\": true, or \"like\" with a better shot",
                    c.interpolated - c.psnr));
  if (found.empty() && c.psnr < limits.psnr)
    found.push_back(fmt::format("{:.1f} dB: OUT is not IN; look at the shot", c.psnr));
  return found;
}

ShotCheck result(const Sums& sums, const CheckLimits& limits) {
  ShotCheck c = sums.shot;
  c.looked_at = sums.single + sums.pairs;
  const auto mean = [](double sum, int count) { return count > 0 ? sum / count : 0; };
  c.psnr = mean(sums.psnr, sums.single);
  c.ssim = mean(sums.ssim, sums.single);
  c.colour = mean(sums.colour, sums.single);
  c.overshoot = mean(sums.overshoot, sums.single);
  c.clipped = mean(sums.clipped, sums.single);
  c.interpolated = mean(sums.interpolated, sums.single);
  c.temporal = mean(sums.temporal, sums.pairs);
  c.flicker = mean(sums.flicker, sums.still);
  c.findings = findings_of(c, sums, limits);
  return c;
}

/// Which shot a frame is of.
class Shots {
 public:
  explicit Shots(const Film* film)
      : film_(film), tracker_(ShotMode::Auto, ShotDetector::kDefaultThreshold, {}) {
    if (film == nullptr) return;
    for (size_t i = 0; i < film->shots.size(); ++i)
      for (const FilmShot::Stretch& s : film->shots[i].frames) shot_of_[s.last] = i;
  }

  bool finds() const { return film_ == nullptr; }
  size_t of(int64_t frame) const { return shot_of_.lower_bound(frame)->second; }
  size_t of(const Picture& picture) {
    if (picture.width != width_) thumbnailer_.plan(picture.width);
    width_ = picture.width;
    cdsr_frame frame{};
    frame.format = CDSR_FORMAT_RGB24;
    frame.width = picture.width;
    frame.height = picture.height;
    frame.plane[0] = const_cast<uint8_t*>(picture.rgb.data());  // the type is one for inputs and outputs
    frame.stride[0] = ptrdiff_t{3} * picture.width;
    thumbnailer_.make(input_frame(frame), thumbnail_);
    return static_cast<size_t>(tracker_.next(&thumbnail_, {}).shot);
  }

 private:
  const Film* const film_;
  std::map<int64_t, size_t> shot_of_;  ///< by a stretch's last frame
  ShotTracker tracker_;
  Thumbnailer thumbnailer_;
  Thumbnail thumbnail_;
  int width_ = 0;
};

int scale_of(const AVFrame& in, const AVFrame& out, const std::string& name) {
  const int scale = out.width / std::max(in.width, 1);
  if (scale < 2 || scale > 4 || out.width != scale * in.width || out.height != scale * in.height)
    fail(Errc::InvalidArgument, "{}: {}x{}: must be 2, 3 or 4 times the input's {}x{}", name, out.width,
         out.height, in.width, in.height);
  return scale;
}

void check_frames(const Film* film, int64_t frames, const std::string& name) {
  if (film != nullptr && film->frames != frames)
    fail(Errc::InvalidArgument, "{}: {} frames, the film's file is of {}", name, frames, film->frames);
}

}  // namespace

Picture made_small(const Picture& picture, int scale) {
  static const auto trimmed = [] {
    std::vector<degrade::TrimmedKernel> list;
    for (int s = 2; s <= 4; ++s)
      list.emplace_back(degrade::downsampling_kernel(s, degrade::Downsampling::Bicubic));
    return list;
  }();
  const degrade::TrimmedKernel& kernel = trimmed[static_cast<size_t>(scale) - 2];
  const int width = picture.width / scale, height = picture.height / scale;
  constexpr int kMargin = degrade::kKernelMargin;
  const int padded_width = picture.width + 2 * kMargin + degrade::kKernelSide,
            padded_height = picture.height + 2 * kMargin + degrade::kKernelSide;
  std::vector<float> plane(static_cast<size_t>(padded_width) * padded_height),
      small(static_cast<size_t>(width) * height), rgb(3 * small.size());
  for (size_t c = 0; c < 3; ++c) {
    for (int y = 0; y < padded_height; ++y) {
      const uint8_t* const row =
          picture.rgb.data() + size_t{3} * picture.width * std::clamp(y - kMargin, 0, picture.height - 1);
      for (int x = 0; x < padded_width; ++x)
        plane[static_cast<size_t>(y) * padded_width + x] =
            row[3 * static_cast<size_t>(std::clamp(x - kMargin, 0, picture.width - 1)) + c];
    }
    degrade::blur_subsample({plane.data(), padded_width}, kernel, scale, width, height, small.data());
    for (size_t i = 0; i < small.size(); ++i) rgb[3 * i + c] = small[i];
  }
  return degrade::quantize(width, height, rgb);
}

size_t FilmCheck::failed() const {
  return static_cast<size_t>(
      std::count_if(shots.begin(), shots.end(), [](const ShotCheck& c) { return !c.findings.empty(); }));
}

FilmCheck check_film(const std::filesystem::path& in, const std::filesystem::path& out, const Film* film,
                     int every, const CheckLimits& limits) {
  tools::VideoReader source(in), result_file(out);
  Shots shots(film);
  FilmCheck check;
  std::map<size_t, Sums> sums;
  Pair before;
  for (int64_t n = 0;; ++n) {
    const auto a = source.next(), b = result_file.next();
    if (!a != !b)
      fail(Errc::InvalidArgument, "{} ends after {} frames, {} does not", a ? out.string() : in.string(), n,
           a ? in.string() : out.string());
    if (!a) break;
    check.scale = scale_of(*a, *b, out.string());
    ++check.frames;
    if (film != nullptr && n >= film->frames) check_frames(film, n + 1, in.string());
    std::optional<Picture> picture;
    if (shots.finds()) picture = tools::frame_to_rgb(*a, source.name());
    Sums& s = sums[picture ? shots.of(*picture) : shots.of(n)];
    if (s.shot.frames == 0) {
      s.shot.shot = sums.size() - 1;
      s.shot.first = n;
      s.shot.time = source.seconds(*a);
    }
    const int64_t place = s.shot.frames++ % every;
    if (place > 1) continue;
    Pair now;
    now.frame = n;
    now.in = picture ? std::move(*picture) : tools::frame_to_rgb(*a, source.name());
    now.out = tools::frame_to_rgb(*b, result_file.name());
    now.small = made_small(now.out, check.scale);
    now.in_luma = luma(now.in);
    now.out_luma = luma(now.out);
    if (place == 0) look(s, now, check.scale, limits);
    if (place == 1 && before.frame == n - 1) look_at_change(s, before, now, check.scale);
    before = std::move(now);
  }
  if (check.frames == 0) fail(Errc::InvalidArgument, "{}: no frame in it", in.string());
  check_frames(film, check.frames, in.string());
  for (const auto& [_, s] : sums) check.shots.push_back(result(s, limits));
  return check;
}

}  // namespace cdsr::film
