// Single operators of a backend, run alone exactly as its engine runs them: for tests and benchmarks.
//
// Maps are planar floats whatever the backend's own layout and precision are; a bf16 backend rounds what it
// is given. Calls allocate and are slow; nothing here is for frames of a video.
#pragma once

#include <span>

#include "model/engine_options.h"
#include "model/network.h"

namespace cdsr {

/// channels x height x width floats somewhere in memory.
template <typename T>
struct MapView {
  int channels = 0, height = 0, width = 0;
  T* data = nullptr;

  size_t count() const { return static_cast<size_t>(channels) * height * width; }
  T* plane(int c) const { return data + static_cast<size_t>(c) * height * width; }
};
using Map = MapView<float>;
using ConstMap = MapView<const float>;

/// Not safe to share between threads.
class Operators {
 public:
  virtual ~Operators() = default;

  virtual Precision precision() const = 0;  ///< never Auto

  /// out = lrelu(conv(in)), slope 1: no activation; or, with a `residual` that is not null and slope 1, out =
  /// conv(in) + residual. Stride 1, kernel 1 or 3.
  virtual void conv(const Conv& conv, float slope, ConstMap in, const ConstMap* residual, Map out) = 0;

  /// The parts of a DQA that are vectors: the channel gate (nf) and the dynamic depthwise filter (nf * 9,
  /// channel major) from the conditioning vector y and the query (the mean of the DQA's input), nf each.
  virtual void dqa_vectors(const Dqa& dqa, std::span<const float> y, std::span<const float> query,
                           std::span<float> gate, std::span<float> filter) = 0;

  /// out = lrelu(conv1x1(lrelu(depthwise(in, filter))) + in * gate), both slopes kFuseSlope.
  virtual void dqa(const Dqa& dqa, std::span<const float> gate, std::span<const float> filter, ConstMap in,
                   Map out) = 0;

  /// out = kResidualScale * conv4(...) + in.
  virtual void dense_block(const DenseBlock& block, ConstMap in, Map out) = 0;

  /// out = PixelShuffle(conv(features)) plus, with Skip::Bicubic, the enlarged `input`; both pictures 3
  /// planes.
  virtual void tail(const Conv& conv, int scale, Skip skip, ConstMap features, ConstMap input, Map out) = 0;
};

}  // namespace cdsr
