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

/// The same, some rows at a time; from several threads at once. `lr` must outlive the object.
class Enlarger {
 public:
  Enlarger(const Picture& lr, int scale, Filter filter, double offset);
  /// Rows [y, y + count).
  std::vector<float> rows(int y, int count) const;
  int height() const { return static_cast<int>(down_.size()); }

 private:
  struct Tap {
    int index;  ///< clamped to the picture
    double weight;
  };
  /// For each output sample its taps, summing to 1.
  using Taps = std::vector<std::vector<Tap>>;
  static Taps taps_for(int size, int scale, Filter filter, double offset);

  const Picture& lr_;
  Taps across_, down_;
};

}  // namespace cdsr::tools
