// Fits what is read off the embedding (model/degradation_reader.h) to shots whose degradation is known.
#pragma once

#include <array>

#include "model/degradation_reader.h"
#include "model/torch/cdsr.h"
#include "tools/train/shot_statistics.h"

namespace cdsr::analyze {

/// How well it reads shots that it was not fitted to. "Settled" is the share of a value's variance that the
/// reading explains, "claimed" the mean of the confidences that it gives.
struct ReaderScore {
  int64_t fitted = 0, tested = 0;  ///< shots
  std::array<double, kReadValues> settled{}, claimed{};
  double codec = 0,
         codec_claimed = 0;  ///< share of codecs read rightly, and mean probability of the likeliest
};

/// Fits to the first nine tenths of the shots and tests on the others. The model's encoder takes
/// statistics (LpeInput::Statistics). Throws InvalidArgument for fewer than 100 shots.
DegradationReader fit_reader(nn::Cdsr& model, const train::ShotStatistics& shots, ReaderScore& score);

}  // namespace cdsr::analyze
