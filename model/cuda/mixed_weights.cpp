#include "model/cuda/mixed_weights.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "model/vectors.h"

namespace cdsr::cuda {

static_assert(MixArgs<float>::kMost == kMostWeightSets);

template <typename T>
MixedWeights<T>::MixedWeights(const std::shared_ptr<Context>& context,
                              const std::shared_ptr<const Network>& network)
    : sets_(expert_sets<T>(context, network)), sets_of_layer_(network->config.weight_sets()) {
  const std::vector<const Conv*> convs = stack_convs(*network);
  const size_t last = convs.size() - 1;
  convolutions_.head = add(floats_, sets_->layers[0].weights, 0);
  convolutions_.head_bias = add(floats_, sets_->layers[0].bias, 0);
  for (size_t i = 1; i <= last; ++i) {
    const auto& from = sets_->layers[i];
    ConvWeights<T> w = sizes_of<T>(*convs[i]);
    w.weights = add(weights_, from.weights, i);
    w.bias = add(floats_, from.bias, i);
    if (from.plain.count > 0) w.plain = add(weights_, from.plain, i);
    if (i == last)
      convolutions_.tail = w;
    else
      convolutions_.blocks.emplace_back().conv1 = w;
  }
  // Something to measure convolutions with before the first shot.
  const std::vector<float> equal(convs.size() * sets_of_layer_, 1.0F / static_cast<float>(sets_of_layer_));
  mix(equal, nullptr);
  check(cudaStreamSynchronize(nullptr), "mixing weights");
}

template <typename T>
template <typename V>
const V* MixedWeights<T>::add(std::vector<Part<V>>& parts, const typename ExpertSets<T>::Values& from,
                              size_t layer) {
  buffers_.emplace_back(sizeof(V) * from.count);
  MixArgs<V> args;
  args.sets = from.sets;
  args.experts = sets_of_layer_;
  args.count = from.count;
  args.to = buffers_.back().template as<V>();
  parts.push_back({args, layer});
  return args.to;
}

template <typename T>
template <typename V>
void MixedWeights<T>::queue(const std::vector<Part<V>>& parts, std::span<const float> shares,
                            cudaStream_t stream) const {
  for (Part<V> part : parts) {
    std::copy_n(&shares[part.layer * sets_of_layer_], sets_of_layer_, part.args.share);
    launch_mix(part.args, stream);
  }
}

template <typename T>
void MixedWeights<T>::mix(std::span<const float> shares, cudaStream_t stream) const {
  queue(weights_, shares, stream);
  queue(floats_, shares, stream);
}

template class MixedWeights<float>;
template class MixedWeights<__half>;
template class MixedWeights<__nv_bfloat16>;

}  // namespace cdsr::cuda
