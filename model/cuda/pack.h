// Weights in the order the convolution kernels read them. Plain data: needs no GPU.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/cuda/conv_tile.h"
#include "model/cuda/head_tile.h"
#include "model/network.h"

namespace cdsr::cuda {

/// Where the input channels of a convolution lie, each part padded to a multiple of kPad: `parts` are the
/// channel counts of the tensors side by side in the input (a dense block's).
struct ChannelPlaces {
  std::vector<int> place;  ///< of each real channel among the padded ones
  int count = 0;           ///< padded channels
};
inline ChannelPlaces channel_places(const std::vector<int>& parts) {
  ChannelPlaces all;
  for (int part : parts) {
    for (int c = 0; c < part; ++c) all.place.push_back(all.count + c);
    all.count += padded(part);
  }
  return all;
}

/// [chunk][tap][output][channel of the chunk] with outputs padded to a multiple of `group`; `parts` as in
/// channel_places(), empty: one part. The order is that of T's kernels, whatever is Stored.
template <typename T, typename Stored = T>
std::vector<Stored> pack_weights(const Conv& conv, int group, std::vector<int> parts = {}) {
  if (parts.empty()) parts = {conv.in};
  const int taps = conv.kernel * conv.kernel, rows = blocks_of(conv.out, group) * group;
  const auto [place, count] = channel_places(parts);
  const int chunks = count / kChunk<T>;
  std::vector<Stored> packed(static_cast<size_t>(chunks) * taps * rows * kChunk<T>, Stored(0.0F));
  for (int o = 0; o < conv.out; ++o)
    for (int i = 0; i < conv.in; ++i)
      for (int t = 0; t < taps; ++t) {
        const size_t chunk = place[i] / kChunk<T>, c = place[i] % kChunk<T>;
        packed[((chunk * taps + t) * rows + o) * kChunk<T> + c] =
            Stored(conv.weight[(static_cast<size_t>(o) * conv.in + i) * taps + t]);
      }
  return packed;
}

/// The same weights as cuDNN reads them: [output][tap][input], both padded to multiples of kPad.
template <typename T, typename Stored = T>
std::vector<Stored> pack_plain(const Conv& conv, std::vector<int> parts = {}) {
  if (parts.empty()) parts = {conv.in};
  const int taps = conv.kernel * conv.kernel;
  const auto [place, count] = channel_places(parts);
  std::vector<Stored> packed(static_cast<size_t>(padded(conv.out)) * taps * count, Stored(0.0F));
  for (int o = 0; o < conv.out; ++o)
    for (int i = 0; i < conv.in; ++i)
      for (int t = 0; t < taps; ++t)
        packed[(static_cast<size_t>(o) * taps + t) * count + place[i]] =
            Stored(conv.weight[(static_cast<size_t>(o) * conv.in + i) * taps + t]);
  return packed;
}

/// Those of the first layer, in fp32: [output][9 inputs], outputs padded.
inline std::vector<float> pack_head(const Conv& conv) {
  std::vector<float> packed(static_cast<size_t>(padded(conv.out)) * 9 * conv.in, 0.0F);
  for (int o = 0; o < conv.out; ++o)
    for (int p = 0; p < conv.in; ++p)
      for (int k = 0; k < 9; ++k)
        packed[static_cast<size_t>(o) * 9 * conv.in + head_tap(conv.in, p, k / 3, k % 3)] =
            conv.weight[(static_cast<size_t>(o) * conv.in + p) * 9 + k];
  return packed;
}

/// Weights for fp8: those of an output divided by descale[output], so that the largest is `most`.
inline Conv descaled(const Conv& conv, float most, std::vector<float>& descale) {
  Conv result = conv;
  const size_t each = conv.weight.size() / conv.out;
  descale.assign(conv.out, 1.0F);
  for (size_t o = 0; o < descale.size(); ++o) {
    float largest = 0;
    for (size_t i = 0; i < each; ++i) largest = std::max(largest, std::abs(conv.weight[o * each + i]));
    if (largest > 0) descale[o] = largest / most;
    for (size_t i = 0; i < each; ++i) result.weight[o * each + i] /= descale[o];
  }
  return result;
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
