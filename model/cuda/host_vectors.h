// What depends on the embedding alone, and the embedding itself: a few million multiply-accumulates once a
// shot, on the processor, without allocating.
#pragma once

#include <span>
#include <vector>

#include "model/network.h"

namespace cdsr::cuda {

/// Pooled features of the LPE (2 d) to E_a (d).
class HostCsc {
 public:
  explicit HostCsc(const Encoder& encoder);
  void run(std::span<const float> pooled, std::span<float> embedding);

 private:
  const Encoder& encoder_;
  std::vector<float> a_, b_, scores_;
};

/// Vectors of every DQA, one after the other: gate [channels], key [nf], value [nf], y [nf].
class HostConditioner {
 public:
  /// `channels`: nf padded.
  HostConditioner(const Network& network, int channels);
  size_t stride() const { return channels_ + 3 * static_cast<size_t>(network_.config.nf); }
  /// result: dqas() * stride() floats.
  void run(std::span<const float> embedding, std::span<float> result);

 private:
  const Network& network_;
  size_t channels_;
  std::vector<float> a_, b_, y_;
};

}  // namespace cdsr::cuda
