// Interpolation by a whole factor, as what CDSR is compared with.
#pragma once

#include <vector>

#include "tools/media/image_io.h"

namespace cdsr::tools {

enum class Filter {
  Bicubic,  ///< Keys' cubic, a = -0.5: MATLAB's imresize, the papers' "bicubic"
  Lanczos,  ///< Lanczos with three lobes
};

/// Enlarges by `scale`. Low-resolution pixel i lies at output coordinate scale * i + offset, in x and in y:
/// (scale - 1) / 2 for ordinary pictures. Edges are replicated. Interleaved RGB on 0..255, not clamped.
std::vector<float> enlarge(const Picture& lr, int scale, Filter filter, double offset);

}  // namespace cdsr::tools
