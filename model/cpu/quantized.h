// The convolutions of a Body::Stack network as int8.h takes them: weights in 8 bits, one factor for each
// output channel, features in 8 bits, one unit for each channel.
#pragma once

#include <vector>

#include "model/cpu/memory.h"
#include "model/network.h"

namespace cdsr::cpu {

class PackedConv;

/// How a tensor of features is stored: f = unit (q - zero), with q from 0 to 255. By channel, padded.
struct Quantization {
  std::vector<float> unit, zero;
};

/// Of the features of layer `layer` of the ranges: 0 and what lies in the range can be stored.
Quantization quantization(const Network& network, int layer);

/// One convolution. store() allocates nothing.
class QuantizedConv {
 public:
  /// Its input and output and what is added to it, or null: of the head, whose input is the picture; of the
  /// tail, whose output stays floats; and where nothing is. They must outlive the object.
  QuantizedConv(const PackedConv& conv, const Quantization* in, const Quantization* out,
                const Quantization* add);

  /// Takes the weights that the convolution has now.
  void store(const PackedConv& conv);

  /// Made by Int8Kernels::tail(), in place of row().
  bool is_tail() const { return tail_; }

  // What Int8Row has of these names; of the head `head_weights` in place of `weights`, see
  // FeatureKernels::head.
  const int8_t* weights() const { return weights_.as<int8_t>(); }
  const float* head_weights() const { return weights_.as<float>(); }
  const float* factor() const { return factor_.as<float>(); }
  const float* bias() const { return bias_.as<float>(); }
  const float* add_factor() const { return add_factor_.as<float>(); }
  const float* offset() const { return out_ == nullptr ? nullptr : out_->zero.data(); }
  /// Pixels of the input and of the output that stand for 0.
  const uint8_t* beside() const { return beside_.as<uint8_t>(); }
  const uint8_t* zero() const { return zero_.as<uint8_t>(); }

 private:
  void store_head(const PackedConv& conv);

  const Quantization *in_, *out_, *add_;
  bool tail_;
  Buffer weights_, factor_, bias_, add_factor_, beside_, zero_;
};

}  // namespace cdsr::cpu
