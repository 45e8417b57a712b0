#include "tools/degrade/video.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "model/error.h"
#include "tools/degrade/blur.h"
#include "tools/degrade/kernel.h"

namespace cdsr::degrade {
namespace {

constexpr int kClip = 3;  // frames: an intra frame, one predicted and one that the encoder may make a B frame

template <size_t N>
size_t pick(const std::array<double, N>& weights, Rng& rng) {
  double at = rng.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t i = 0; i < N; ++i)
    if ((at -= weights[i]) < 0) return i;
  return N - 1;
}

double draw(const Range& range, Rng& rng) { return rng.uniform(range.low, range.high); }

/// One kernel after another, cut to 21 x 21.
std::vector<float> convolve(std::span<const float> a, std::span<const float> b) {
  constexpr int n = kKernelSide;
  std::vector<float> out(static_cast<size_t>(n) * n);
  for (int i = 0; i < n * n; ++i) {
    if (a[i] == 0) continue;
    for (int y = std::max(0, kKernelMargin - i / n); y < std::min(n, n + kKernelMargin - i / n); ++y)
      for (int x = std::max(0, kKernelMargin - i % n); x < std::min(n, n + kKernelMargin - i % n); ++x)
        out[(static_cast<size_t>(i / n + y - kKernelMargin)) * n + i % n + x - kKernelMargin] +=
            a[i] * b[static_cast<size_t>(y) * n + x];
  }
  return out;
}

std::vector<float> draw_kernel(const VideoOptions& o, int scale, Rng& rng) {
  const double low = 0.175 * scale, high = 2.5 * scale;
  switch (pick(o.resize_share, rng)) {
    case 0: {
      const double sig1 = rng.uniform(low, high), sig2 = rng.uniform(low, sig1);
      return gaussian_kernel(scale, sig1, sig2, rng.uniform(0, std::numbers::pi), Alignment::Aligned);
    }
    case 1: {
      const double sig = rng.uniform(low, high);
      return gaussian_kernel(scale, sig, sig, 0, Alignment::Aligned);
    }
    case 2: {
      const std::vector<float> bicubic = downsampling_kernel(scale, Downsampling::Bicubic);
      return rng.uniform() < 0.5 ? convolve(centred_gaussian(rng.uniform(0.1, 0.5 * scale)), bicubic)
                                 : bicubic;
    }
    default: {
      const std::vector<float> area = downsampling_kernel(scale, Downsampling::Area);
      return rng.uniform() < 0.5 ? convolve(centred_gaussian(rng.uniform(0.1, 0.5 * scale)), area) : area;
    }
  }
}

const Range& quality_range(const VideoOptions& o, Codec codec) {
  switch (codec) {
    case Codec::Jpeg:
      return o.jpeg;
    case Codec::Mpeg2:
      return o.mpeg2;
    case Codec::H264:
      return o.h264;
    default:
      return o.hevc;
  }
}

}  // namespace

double draw_softness(const VideoOptions& o, Rng& rng) {
  return rng.uniform() < o.soft_share ? draw(o.soft, rng) : 0;
}

VideoSpec draw_video(const VideoOptions& o, int scale, Rng& rng) {
  VideoSpec s;
  s.kernel = draw_kernel(o, scale, rng);
  const double kind = rng.uniform();
  if (kind < o.gaussian_share)
    s.noise.gaussian = rng.uniform(0, o.gaussian);
  else if (kind < o.gaussian_share + o.shot_share)
    s.noise.shot = rng.uniform(0, o.shot);
  s.noise.luma_only = rng.uniform() < 0.4;
  auto share = o.codec_share;
  for (size_t i = 0; i < share.size(); ++i)
    if (!available(static_cast<Codec>(i))) share[i] = 0;
  s.codec = static_cast<Codec>(pick(share, rng));
  const double still = rng.uniform();
  s.seed = rng.bits();
  if (s.codec == Codec::None) return s;
  s.quality = draw(quality_range(o, s.codec), rng);
  if (s.codec == Codec::Jpeg || still < o.still_share) return s;
  s.frames = kClip;
  s.shown = 1 + static_cast<int>(rng.index(kClip - 1));
  // Half of all shots stand still but for their noise; the others move by whole HR pixels, fractions of LR
  // ones.
  if (rng.uniform() < 0.5) {
    s.pan_x = static_cast<int>(std::lround(rng.uniform(-o.pan, o.pan) * scale));
    s.pan_y = static_cast<int>(std::lround(rng.uniform(-o.pan, o.pan) * scale));
  }
  return s;
}

std::string describe(const VideoSpec& s) {
  const TrimmedKernel k(s.kernel);
  std::string text = fmt::format("kernel within {}x{}", k.columns, k.rows);
  if (s.noise.gaussian > 0) text += fmt::format(", noise {:.1f}", s.noise.gaussian);
  if (s.noise.shot > 0) text += fmt::format(", shot noise {:.2f}", s.noise.shot);
  if (s.codec == Codec::None) return text;
  const bool crf = s.codec == Codec::H264 || s.codec == Codec::Hevc;
  text += fmt::format(", {} {} {:.1f}", to_string(s.codec), crf ? "crf" : "q", s.quality);
  if (s.frames > 1)
    text += fmt::format(", frame {} of {} moving by {} {}", s.shown + 1, s.frames, s.pan_x, s.pan_y);
  return text;
}

std::string describe(const VideoOptions& o) {
  const auto share = [](double part, double whole) { return fmt::format("{:.0f} %", 100 * part / whole); };
  const double resize = std::accumulate(o.resize_share.begin(), o.resize_share.end(), 0.0),
               codec = std::accumulate(o.codec_share.begin(), o.codec_share.end(), 0.0);
  return fmt::format(
      "originals softened by {:g} to {:g} pixels {}; resize anisotropic Gaussian {}, isotropic {}, bicubic "
      "{}, "
      "area {}; noise up to {:g} in {}, shot noise up to {:g} in {}; not coded {}, JPEG q {:g} to {:g} {}, "
      "MPEG-2 q {:g} to {:g} {}, H.264 crf {:g} to {:g} {}, HEVC crf {:g} to {:g} {}",
      o.soft.low, o.soft.high, share(o.soft_share, 1), share(o.resize_share[0], resize),
      share(o.resize_share[1], resize), share(o.resize_share[2], resize), share(o.resize_share[3], resize),
      o.gaussian, share(o.gaussian_share, 1), o.shot, share(o.shot_share, 1), share(o.codec_share[0], codec),
      o.jpeg.low, o.jpeg.high, share(o.codec_share[1], codec), o.mpeg2.low, o.mpeg2.high,
      share(o.codec_share[2], codec), o.h264.low, o.h264.high, share(o.codec_share[3], codec), o.hevc.low,
      o.hevc.high, share(o.codec_share[4], codec));
}

void record(const VideoSpec& s, std::span<float> clip, int width, int height, std::span<float> out) {
  const size_t size = 3 * static_cast<size_t>(width) * height;
  Rng rng(s.seed, 0);
  for (int f = 0; f < s.frames; ++f) add_noise(s.noise, clip.subspan(f * size, size), rng);
  if (s.codec == Codec::None) {
    std::copy_n(clip.begin() + static_cast<ptrdiff_t>(s.shown * size), size, out.begin());
  } else {
    const YuvKind kind = yuv_kind(s.codec);
    std::vector<Yuv420> frames;
    frames.reserve(s.frames);
    for (int f = 0; f < s.frames; ++f)
      frames.push_back(to_yuv420(clip.subspan(f * size, size), width, height, kind));
    from_yuv420(recode(s.codec, s.quality, frames, static_cast<size_t>(s.shown)), kind, width, height, out);
  }
  for (float& v : out.first(size)) v = std::nearbyint(std::clamp(v, 0.0F, 255.0F));
}

tools::Picture degrade_video(const tools::Picture& hr, int scale, const VideoSpec& s) {
  const int width = hr.width / scale, height = hr.height / scale;
  if (width == 0 || height == 0)
    fail(Errc::InvalidArgument, "a picture of {} x {} is too small for scale {}", hr.width, hr.height, scale);
  const size_t plane = static_cast<size_t>(width) * height;
  const int in_width = scale * (width - 1) + kKernelSide, in_height = scale * (height - 1) + kKernelSide;
  const TrimmedKernel kernel(s.kernel);
  std::vector<float> clip(3 * plane * s.frames), in(static_cast<size_t>(in_width) * in_height);
  for (int f = 0; f < s.frames; ++f) {
    const int dx = (f - s.shown) * s.pan_x - kKernelMargin, dy = (f - s.shown) * s.pan_y - kKernelMargin;
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < in_height; ++y)
        for (int x = 0; x < in_width; ++x)
          in[static_cast<size_t>(y) * in_width + x] =
              hr.rgb[3 * (static_cast<size_t>(std::clamp(y + dy, 0, hr.height - 1)) * hr.width +
                          std::clamp(x + dx, 0, hr.width - 1)) +
                     c];
      blur_subsample({in.data(), in_width}, kernel, scale, width, height, &clip[(3 * f + c) * plane]);
    }
  }
  std::vector<float> out(3 * plane);
  record(s, clip, width, height, out);
  tools::Picture p{width, height, std::vector<uint8_t>(3 * plane)};
  for (size_t i = 0; i < plane; ++i)
    for (size_t c = 0; c < 3; ++c) p.rgb[3 * i + c] = static_cast<uint8_t>(out[c * plane + i]);
  return p;
}

}  // namespace cdsr::degrade
