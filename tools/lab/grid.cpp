#include "tools/lab/grid.h"

#include <fmt/core.h>

#include <cstdio>

#include "model/error.h"
#include "tools/degrade/degrade.h"
#include "tools/train/photos.h"

namespace cdsr::analyze {
namespace {

constexpr uint64_t kDrawSeed = 0xC11D5;

tools::Picture centre(const tools::Picture& p, int side) {
  tools::Picture out{side, side, {}};
  out.rgb.reserve(static_cast<size_t>(3) * side * side);
  const int x = (p.width - side) / 2, y = (p.height - side) / 2;
  for (int row = 0; row < side; ++row) {
    const auto* begin = &p.rgb[(static_cast<size_t>(y + row) * p.width + x) * 3];
    out.rgb.insert(out.rgb.end(), begin, begin + static_cast<ptrdiff_t>(3) * side);
  }
  return out;
}

/// The grid's pictures, without degradations yet.
Grid load_grid(const GridOptions& o, int scale) {
  Grid grid;
  grid.scale = scale;
  const int least = scale * std::max(o.crop, 16);
  auto pictures =
      train::load_photos(o.data, least, 1, [](const std::string& line) { fmt::print(stderr, "{}\n", line); });
  if (o.images > 0 && pictures.size() > static_cast<size_t>(o.images))
    pictures.resize(static_cast<size_t>(o.images));
  if (pictures.size() < 2)
    fail(Errc::InvalidArgument, "{} picture to look at, must be 2 or more", pictures.size());
  for (const tools::Picture& p : pictures)
    grid.hr.push_back(o.crop > 0 ? centre(p, scale * o.crop) : degrade::crop_to_multiple(p, scale));
  return grid;
}

}  // namespace

Grid make_grid(const GridOptions& o, int scale, const std::vector<degrade::KernelSpec>& kernels) {
  const auto alignment = o.protocol == "paper" ? degrade::Alignment::Paper : degrade::Alignment::Aligned;
  Grid grid = load_grid(o, scale);
  grid.kernels = kernels;
  std::vector<std::vector<float>> values;
  values.reserve(kernels.size());
  for (const auto& k : kernels)
    values.push_back(degrade::gaussian_kernel(scale, k.sig1, k.sig2, k.theta, alignment));
  for (size_t i = 0; i < grid.hr.size(); ++i)
    for (size_t k = 0; k < values.size(); ++k)
      grid.lr.push_back(degrade::degrade(grid.hr[i], values[k], scale, o.noise, i * values.size() + k));
  return grid;
}

Grid make_grid(const GridOptions& o, int scale, const std::vector<degrade::VideoSpec>& clips) {
  Grid grid = load_grid(o, scale);
  grid.clips = clips;
  for (const tools::Picture& hr : grid.hr)
    for (const degrade::VideoSpec& spec : clips) grid.lr.push_back(degrade::degrade_video(hr, scale, spec));
  return grid;
}

std::vector<degrade::VideoSpec> drawn_clips(int count, int scale) {
  std::vector<degrade::VideoSpec> out;
  const degrade::VideoOptions options;
  for (int i = 0; i < count; ++i) {
    Rng rng(kDrawSeed, static_cast<uint64_t>(i));
    out.push_back(degrade::draw_video(options, scale, rng));
  }
  return out;
}

std::vector<degrade::VideoSpec> coded_clips(const std::vector<double>& crf, int scale) {
  std::vector<degrade::VideoSpec> out;
  for (const double quality : crf) {
    degrade::VideoSpec& s = out.emplace_back();
    s.kernel = degrade::downsampling_kernel(scale, degrade::Downsampling::Area);
    s.codec = degrade::Codec::H264;
    s.quality = quality;
    s.frames = 5;
    s.shown = 2;
    s.pan_x = scale;
  }
  return out;
}

std::vector<degrade::KernelSpec> isotropic_kernels(int count) {
  std::vector<degrade::KernelSpec> out;
  for (int i = 1; i <= count; ++i) out.push_back({static_cast<double>(i), static_cast<double>(i), 0});
  return out;
}

}  // namespace cdsr::analyze
