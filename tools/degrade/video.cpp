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

constexpr double kSharpenSigma = 1;  // LR pixels

template <size_t N>
size_t pick(const std::array<double, N>& weights, Rng& rng) {
  double at = rng.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t i = 0; i < N; ++i)
    if ((at -= weights[i]) < 0) return i;
  return N - 1;
}

double draw(const Range& range, Rng& rng) { return rng.uniform(range.low, range.high); }
double draw_log(const Range& range, Rng& rng) {
  return std::exp(rng.uniform(std::log(range.low), std::log(range.high)));
}

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

/// Not video: what is not coded, or JPEG.
bool is_picture(Codec codec) { return codec == Codec::None || codec == Codec::Jpeg; }

std::vector<float> draw_kernel(const VideoOptions& o, Codec codec, int scale, Rng& rng) {
  const double low = 0.175 * scale, high = 2.5 * scale;
  switch (pick(is_picture(codec) ? o.resize_share : o.resize_video_share, rng)) {
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

double draw_quality(const VideoOptions& o, Codec codec, Rng& rng) {
  switch (codec) {
    case Codec::Jpeg:
      return draw_log(o.jpeg, rng);
    case Codec::Mpeg2:
      return draw_log(o.mpeg2, rng);
    case Codec::H264:
      return draw(o.h264, rng);
    case Codec::Hevc:
      return draw(o.hevc, rng);
    case Codec::Vp9:
      return draw(o.vp9, rng);
    case Codec::Av1:
      return draw(o.av1, rng);
    case Codec::None:
      break;
  }
  return 0;
}

/// Adds what a Gaussian blur takes away, `amount` times.
void sharpen(std::span<float> plane, int width, int height, double amount) {
  std::vector<float> blurred(plane.begin(), plane.end());
  soften(blurred, width, height, kSharpenSigma);
  for (size_t i = 0; i < plane.size(); ++i) plane[i] += static_cast<float>(amount) * (plane[i] - blurred[i]);
}

}  // namespace

double draw_softness(const VideoOptions& o, Codec codec, Rng& rng) {
  return rng.uniform() < (is_picture(codec) ? o.soft_picture_share : o.soft_share) ? draw(o.soft, rng) : 0;
}

VideoSpec draw_video(const VideoOptions& o, int scale, Rng& rng) {
  VideoSpec s;
  auto share = o.codec_share;
  for (size_t i = 0; i < share.size(); ++i)
    if (!available(static_cast<Codec>(i))) share[i] = 0;
  s.codec = static_cast<Codec>(pick(share, rng));
  s.kernel = draw_kernel(o, s.codec, scale, rng);
  if (rng.uniform() < o.sharpen_share) s.sharpen = draw(o.sharpen, rng);
  const double kind = rng.uniform();
  if (kind < o.gaussian_share)
    s.noise.gaussian = rng.uniform(0, o.gaussian);
  else if (kind < o.gaussian_share + o.shot_share)
    s.noise.shot = rng.uniform(0, o.shot);
  s.noise.luma_only = rng.uniform() < 0.4;
  const double still = rng.uniform();
  s.seed = rng.bits();
  if (s.codec == Codec::None) return s;
  s.quality = draw_quality(o, s.codec, rng);
  if (s.codec == Codec::Jpeg || still < o.still_share) return s;
  s.frames = o.frames;
  s.shown = o.frames > 1 ? 1 + static_cast<int>(rng.index(o.frames - 1)) : 0;
  // What moves does so by whole HR pixels, fractions of LR ones.
  if (rng.uniform() < o.fixed_share) return s;
  s.pan_x = static_cast<int>(std::lround(rng.uniform(-o.pan, o.pan) * scale));
  s.pan_y = static_cast<int>(std::lround(rng.uniform(-o.pan, o.pan) * scale));
  return s;
}

std::string describe(const VideoSpec& s) {
  const TrimmedKernel k(s.kernel);
  std::string text = fmt::format("kernel within {}x{}", k.columns, k.rows);
  if (s.sharpen > 0) text += fmt::format(", sharpened {:.2f}", s.sharpen);
  if (s.noise.gaussian > 0) text += fmt::format(", noise {:.1f}", s.noise.gaussian);
  if (s.noise.shot > 0) text += fmt::format(", shot noise {:.2f}", s.noise.shot);
  if (s.codec == Codec::None) return text;
  text += fmt::format(", {} {} {:.1f}", to_string(s.codec), has_crf(s.codec) ? "crf" : "q", s.quality);
  if (s.frames > 1)
    text += fmt::format(", frame {} of {} moving by {} {}", s.shown + 1, s.frames, s.pan_x, s.pan_y);
  return text;
}

std::string describe(const VideoOptions& o) {
  const auto share = [](double part, double whole) { return fmt::format("{:.0f} %", 100 * part / whole); };
  const double codec = std::accumulate(o.codec_share.begin(), o.codec_share.end(), 0.0);
  const auto resizes = [&](const std::array<double, 4>& shares) {
    const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
    return fmt::format("anisotropic Gaussian {}, isotropic {}, bicubic {}, area {}", share(shares[0], all),
                       share(shares[1], all), share(shares[2], all), share(shares[3], all));
  };
  std::string text = fmt::format(
      "originals softened by {:g} to {:g} pixels {}, of pictures {}; resize of video {}, of pictures "
      "{}; "
      "sharpened by {:g} to {:g} {}; noise up to {:g} in {}, shot noise up to {:g} in {}; clips of {}; not "
      "coded {}",
      o.soft.low, o.soft.high, share(o.soft_share, 1), share(o.soft_picture_share, 1),
      resizes(o.resize_video_share), resizes(o.resize_share), o.sharpen.low, o.sharpen.high,
      share(o.sharpen_share, 1), o.gaussian, share(o.gaussian_share, 1), o.shot, share(o.shot_share, 1),
      o.frames, share(o.codec_share[0], codec));
  const std::pair<Codec, Range> ranges[] = {{Codec::Jpeg, o.jpeg}, {Codec::Mpeg2, o.mpeg2},
                                            {Codec::H264, o.h264}, {Codec::Hevc, o.hevc},
                                            {Codec::Vp9, o.vp9},   {Codec::Av1, o.av1}};
  for (const auto& [kind, range] : ranges)
    text += fmt::format(", {} {} {:g} to {:g} {}", to_string(kind), has_crf(kind) ? "crf" : "q", range.low,
                        range.high, share(o.codec_share[static_cast<size_t>(kind)], codec));
  return text;
}

std::array<float, 3> luma_weights(Codec codec) {
  if (codec == Codec::None || yuv_kind(codec) == YuvKind::Jpeg) return {0.299F, 0.587F, 0.114F};
  return {0.2126F, 0.7152F, 0.0722F};
}

void Recording::rgb(int f, std::span<float> planes) const {
  const size_t size = 3 * static_cast<size_t>(width) * height;
  if (codec == Codec::None) {
    std::copy_n(clip.begin() + static_cast<ptrdiff_t>(f * size), size, planes.begin());
    return;
  }
  from_yuv420(decoded[f], yuv_kind(codec), width, height, planes);
  for (float& v : planes.first(size)) v = std::nearbyint(std::clamp(v, 0.0F, 255.0F));
}

void Recording::luma(int f, std::span<float> plane) const {
  const size_t size = static_cast<size_t>(width) * height;
  if (codec == Codec::None) {
    const std::array<float, 3> weight = luma_weights(codec);
    const float* from = &clip[3 * f * size];
    for (size_t i = 0; i < size; ++i)
      plane[i] = weight[0] * from[i] + weight[1] * from[size + i] + weight[2] * from[2 * size + i];
    return;
  }
  const bool full = yuv_kind(codec) == YuvKind::Jpeg;
  const Yuv420& yuv = decoded[f];
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto code = static_cast<float>(yuv.plane[0][static_cast<size_t>(y) * yuv.width + x]);
      plane[static_cast<size_t>(y) * width + x] = full ? code : (code - 16) * 255 / 219;
    }
}

Recording record(const VideoSpec& s, std::vector<float> clip, int width, int height) {
  const size_t plane = static_cast<size_t>(width) * height, size = 3 * plane;
  if (s.sharpen > 0)
    for (int p = 0; p < 3 * s.frames; ++p)
      sharpen(std::span(clip).subspan(p * plane, plane), width, height, s.sharpen);
  Rng rng(s.seed, 0);
  for (int f = 0; f < s.frames; ++f) add_noise(s.noise, std::span(clip).subspan(f * size, size), rng);
  Recording out{width, height, s.codec, {}, {}, 0, 0};
  if (s.codec == Codec::None) {
    for (float& v : clip) v = std::nearbyint(std::clamp(v, 0.0F, 255.0F));
    out.clip = std::move(clip);
    return out;
  }
  std::vector<Yuv420> frames;
  frames.reserve(s.frames);
  for (int f = 0; f < s.frames; ++f)
    frames.push_back(to_yuv420(std::span(clip).subspan(f * size, size), width, height, yuv_kind(s.codec)));
  Recoded recoded = recode(s.codec, s.quality, frames);
  double error = 0;
  for (int f = 0; f < s.frames; ++f) {
    const auto &a = frames[f].plane[0], &b = recoded.frames[f].plane[0];
    int64_t sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    error += static_cast<double>(sum) / static_cast<double>(a.size());
  }
  out.mse = error / s.frames;
  out.qp = recoded.qp;
  out.decoded = std::move(recoded.frames);
  return out;
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
  record(s, std::move(clip), width, height).rgb(s.shown, out);
  tools::Picture p{width, height, std::vector<uint8_t>(3 * plane)};
  for (size_t i = 0; i < plane; ++i)
    for (size_t c = 0; c < 3; ++c) p.rgb[3 * i + c] = static_cast<uint8_t>(out[c * plane + i]);
  return p;
}

}  // namespace cdsr::degrade
