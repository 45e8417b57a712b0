// TIFFs that FFmpeg's decoder refuses, through libtiff: JPEG inside, YCbCr.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/media/av.h"

namespace cdsr::tools {

/// Whether this build has libtiff.
bool has_libtiff();

/// The first picture as rgb24, with its ICC profile. Throws Unsupported, with libtiff's words or for alpha,
/// which these never have.
AvPtr<AVFrame> read_tiff(const std::vector<uint8_t>& bytes, const std::string& name);

/// How many pictures there are; 0 when libtiff cannot tell.
int tiff_pages(const std::vector<uint8_t>& bytes, const std::string& name);

}  // namespace cdsr::tools
