// A shot's weights of a network with experts. Every engine has its own, in memory that stays for its life:
// graphs that read it outlive cuts. The sets that they are mixed from are shared (weights.h).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/cuda/kernels.h"
#include "model/cuda/weights.h"

namespace cdsr::cuda {

template <typename T>
class MixedWeights {
 public:
  /// Equal shares of all sets. The context must be current, here and at the end of its life.
  MixedWeights(const std::shared_ptr<Context>& context, const std::shared_ptr<const Network>& network);

  const Convolutions<T>& convolutions() const { return convolutions_; }
  /// Queues the mixing; shares as Conditioner::shares() has them.
  void mix(std::span<const float> shares, cudaStream_t stream) const;

 private:
  template <typename V>
  struct Part {
    MixArgs<V> args;
    size_t layer;
  };

  /// Memory that mix() fills.
  template <typename V>
  const V* add(std::vector<Part<V>>& parts, const typename ExpertSets<T>::Values& from, size_t layer);
  template <typename V>
  void queue(const std::vector<Part<V>>& parts, std::span<const float> shares, cudaStream_t stream) const;

  std::shared_ptr<const ExpertSets<T>> sets_;
  int sets_of_layer_;
  std::vector<DeviceBuffer> buffers_;
  std::vector<Part<T>> weights_;
  std::vector<Part<float>> floats_;  ///< the first layer, and biases
  Convolutions<T> convolutions_;
};

}  // namespace cdsr::cuda
