// Pictures crossed with degradations: what every analysis looks at.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/degrade/kernel.h"
#include "tools/degrade/video.h"
#include "tools/media/image_io.h"

namespace cdsr::analyze {

/// What to look at, as the commands' options say it.
struct GridOptions {
  std::vector<std::filesystem::path> data;  ///< folders of full-size pictures
  std::string protocol = "aligned";         ///< "aligned" or "paper": where the kernels put the pixels
  double noise = 0;                         ///< standard deviation on 0..255
  int images = 20;                          ///< the first so many; 0: all
  int crop = 0;                             ///< side of a centred low-resolution crop; 0: whole pictures
};

/// Every picture under every degradation, 8 bit.
struct Grid {
  int scale = 2;
  std::vector<degrade::KernelSpec> kernels;  ///< the degradations, or none:
  std::vector<degrade::VideoSpec> clips;     ///< then these
  std::vector<tools::Picture> hr;            ///< sides are multiples of the scale
  std::vector<tools::Picture> lr;            ///< [picture * degradations() + degradation]

  size_t pictures() const { return hr.size(); }
  size_t degradations() const { return clips.empty() ? kernels.size() : clips.size(); }
  const tools::Picture& at(size_t picture, size_t degradation) const {
    return lr[picture * degradations() + degradation];
  }
};

/// Reads and degrades. Throws InvalidArgument when fewer than two pictures are left: what is compared here is
/// always one picture with another.
Grid make_grid(const GridOptions& options, int scale, const std::vector<degrade::KernelSpec>& kernels);

/// The same with clips really encoded.
Grid make_grid(const GridOptions& options, int scale, const std::vector<degrade::VideoSpec>& clips);

/// `count` draws of the training's `video` degradation, the same in every run.
std::vector<degrade::VideoSpec> drawn_clips(int count, int scale);
/// Clips averaged by area and coded by H.264 at each CRF: five frames of a moving camera, the third shown.
std::vector<degrade::VideoSpec> coded_clips(const std::vector<double>& crf, int scale);

/// Isotropic kernels of variance 1..count: the paper's Table 1 and figure 6.
std::vector<degrade::KernelSpec> isotropic_kernels(int count);

}  // namespace cdsr::analyze
