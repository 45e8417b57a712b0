// Strength of a window's detail by its direction and fineness: what blur has taken away, and in which
// direction.
//
// A Gaussian blur of covariance S multiplies the power spectrum by exp(-4 pi^2 f' S f): in the logarithm of
// power it is a quadratic form, and a linear layer reads the covariance from it. Differences along four
// directions (window_statistics.h) hardly show the direction: on 800 shots of the recipe cdsr-rt-x2
// held out, those that are neither noisy nor coded, they leave 0.70 and 1.12 of its two components' variance
// unexplained, with the spectrum beside them 0.54 and 0.73.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace cdsr {

/// Powers of sectors of the spectrum, for windows of up to kSide x kSide. For one thread; allocates when
/// made.
class WindowSpectrum {
 public:
  static constexpr int kSide = 48;
  static constexpr int kRings = 7, kSectors = 8;
  static constexpr int kValues = kRings * kSectors;

  WindowSpectrum();

  /// `plane`: height rows of width values, nominal range [0,1], one after the other; sides of 1 to kSide.
  /// Gives the logarithm of the mean power in each ring of frequencies, from coarse to fine, and there in
  /// each sector around multiples of 22.5 degrees (0: changes along x). The window is faded to its mean at
  /// the edges (Hann).
  void run(std::span<const float> plane, int width, int height, std::span<float> out);

 private:
  static constexpr int kHalf = kSide / 2 + 1;  // frequencies of a real row

  std::vector<float> cosine_, sine_;              // kSide x kHalf: of position times frequency
  std::vector<float> rows_re_, rows_im_;          // kSide x kHalf: each row's transform
  std::array<int, size_t{kSide} * kHalf> bin_{};  // of each frequency; -1: in none
};

}  // namespace cdsr
