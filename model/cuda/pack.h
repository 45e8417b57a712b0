// Weights in the order the convolution kernels read them. Plain data: needs no GPU.
#pragma once

#include <vector>

#include "model/cuda/conv_tile.h"
#include "model/network.h"

namespace cdsr::cuda {

/// [chunk][tap][output][channel of the chunk] with outputs padded to a multiple of `group` and input channels
/// part by part to multiples of kPad: `parts` are the channel counts of the tensors that lie side by side in
/// the input (a dense block's); empty: one part.
template <typename T>
std::vector<T> pack_weights(const Conv& conv, int group, std::vector<int> parts = {}) {
  if (parts.empty()) parts = {conv.in};
  const int taps = conv.kernel * conv.kernel, rows = blocks_of(conv.out, group) * group;
  std::vector<int> place;  // of each real input channel among the padded ones
  int base = 0;
  for (int part : parts) {
    for (int c = 0; c < part; ++c) place.push_back(base + c);
    base += padded(part);
  }
  const int chunks = base / kChunk<T>;
  std::vector<T> packed(static_cast<size_t>(chunks) * taps * rows * kChunk<T>, T(0.0F));
  for (int o = 0; o < conv.out; ++o)
    for (int i = 0; i < conv.in; ++i)
      for (int t = 0; t < taps; ++t) {
        const size_t chunk = place[i] / kChunk<T>, c = place[i] % kChunk<T>;
        packed[((chunk * taps + t) * rows + o) * kChunk<T> + c] =
            T(conv.weight[(static_cast<size_t>(o) * conv.in + i) * taps + t]);
      }
  return packed;
}

/// Padded with zeros to `count` values.
inline std::vector<float> pad_vector(const std::vector<float>& values, int count) {
  std::vector<float> all(values);
  all.resize(count, 0.0F);
  return all;
}

/// W [out][in] as [in][out], so that neighbouring threads, which make neighbouring outputs, read neighbouring
/// values.
inline std::vector<float> transposed(const Linear& layer) {
  std::vector<float> all(layer.weight.size());
  for (int o = 0; o < layer.out; ++o)
    for (int i = 0; i < layer.in; ++i)
      all[static_cast<size_t>(i) * layer.out + o] = layer.weight[static_cast<size_t>(o) * layer.in + i];
  return all;
}

}  // namespace cdsr::cuda
