// oneDNN's own rate on the convolution a network is made of: what the engine's speed is divided by.
#pragma once

#include <memory>
#include <string>

#include "model/engine.h"

namespace cdsr::tools {

/// A channels -> channels 3x3 convolution with bias and LeakyReLU on a whole frame, run by oneDNN on its own
/// threads in the layout it is fastest in. Timed by calls that alternate with the engine's frames, since a
/// machine's speed changes with its load and temperature.
class ConvRate {
 public:
  /// Throws Unsupported if oneDNN has no such convolution.
  ConvRate(int channels, int width, int height, Precision precision, int threads);
  ~ConvRate();

  /// Runs it for about `seconds`, at least once.
  void sample(double seconds);

  double macs_per_second() const;            ///< of all threads; median over the samples
  double macs_per_processor_second() const;  ///< the same by the time the threads were running
  std::string label() const;                 ///< "32->32 3x3 on 480x270, nhwc, brgconv:avx512_core_bf16"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdsr::tools
