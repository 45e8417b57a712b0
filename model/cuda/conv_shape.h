// A convolution as cuDNN is told of it: a shape, which a graph is built for, and addresses. Needs neither.
//
// Inputs and outputs may be slices of a wider buffer (pitched NHWC), which cuDNN's runtime-fusion engines
// take: a dense block needs no copies.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/cuda/conv_tile.h"

namespace cdsr::cuda {

/// What a graph depends on; its text is the key of a kept choice.
struct ConvGraphShape {
  bool bf16 = false;  ///< else fp16
  /// Input and weights are fp8 (e4m3), a factor for every output; residuals stay fp16. fp8_out: the result is
  /// fp8 too, times a scale.
  bool fp8 = false, fp8_out = false;
  int width = 0, height = 0;
  int in = 0, in_pitch = 0;    ///< channels, multiples of 8
  int out = 0, out_pitch = 0;  ///< likewise
  bool float_out = false;
  float slope = 1, scale = 1;  ///< as in ConvArgs
  int first_pitch = 0;         ///< 0: no residual
  float first_scale = 0;
  int second_pitch = 0;
  float second_scale = 0;

  bool operator==(const ConvGraphShape&) const = default;
  /// "fp16 960x540 64/192->32/192 slope 0.2 ..."; one line without spaces at its ends.
  std::string text() const;
};

/// Tensors of a graph, by cuDNN's unique ids. Scale and FirstScale are there when they are not 1, and are
/// floats of the processor; Factor and OutScale with fp8.
enum class ConvTensor : int64_t {
  In = 1,
  Weights,
  Bias,
  Out,
  First,
  Second,
  Scale,
  FirstScale,
  Factor,
  OutScale
};

/// A convolution to be run. Weights are [out][3][3][in] (pack_plain()); all but the factors device memory.
struct ConvCall {
  ConvGraphShape shape;
  const void *in = nullptr, *weights = nullptr, *bias = nullptr, *first = nullptr, *second = nullptr,
             *factor = nullptr, *out_scale = nullptr;
  void* out = nullptr;

  /// Exactly the tensors of the shape's graph, with their addresses. The factors' lie in this object.
  std::vector<std::pair<ConvTensor, const void*>> bindings() const;
};

/// Types of products, for shapes: specialized beside each type.
template <typename T>
struct ProductType;  // static constexpr bool kBf16

/// The arguments of launch_conv<T, Out> for cuDNN; empty when only the own kernel can do it: partial sums,
/// rows of a band, fp32, or no `weights` for cuDNN.
template <typename T, typename Out = T>
std::optional<ConvCall> conv_call(const ConvArgs<T>& a, const T* weights) {
  if constexpr (sizeof(T) > 2) {
    return std::nullopt;
  } else {
    const bool whole = a.own_begin == 0 && a.own_end == a.height;
    if (weights == nullptr || a.gate != nullptr || a.partials != nullptr || a.not_finite != nullptr || !whole)
      return std::nullopt;
    // What the graph has no operation for: a stack's last block, and what the networks have none of.
    if (a.sum_slope != 1) return std::nullopt;
    if (a.second != nullptr && (a.first == nullptr || a.second_scale != 1)) return std::nullopt;
    if (a.first == nullptr && a.scale != 1) return std::nullopt;
    ConvCall call;
    ConvGraphShape& s = call.shape;
    s.bf16 = ProductType<T>::kBf16;
    s.fp8 = sizeof(T) == 1;
    s.fp8_out = sizeof(Out) == 1;
    s.width = a.width;
    s.height = a.height;
    s.in = a.chunks * kChunk<T>;
    s.in_pitch = a.in_pitch;
    s.out = a.out_channels;
    s.out_pitch = a.out_pitch;
    s.slope = a.slope;
    s.scale = a.scale;
    if (a.first != nullptr) {
      s.first_pitch = a.first_pitch;
      s.first_scale = a.first_scale;
    }
    if (a.second != nullptr) {
      s.second_pitch = a.second_pitch;
      s.second_scale = a.second_scale;
    }
    call.in = a.in;
    call.weights = weights;
    call.bias = a.bias;
    call.first = a.first;
    call.second = a.second;
    call.factor = a.factor;
    call.out_scale = a.out_scale;
    call.out = a.out;
    return call;
  }
}

}  // namespace cdsr::cuda
