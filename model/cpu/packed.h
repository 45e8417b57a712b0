// Weights as the CPU backend stores them: channels padded to multiples of 16, then in the order each oneDNN
// implementation asks for. Made once for a network and shared by all engines that run it; those of a network
// with experts change with the shot and are each engine's own.
#pragma once

#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <utility>
#include <vector>

#include "model/cpu/memory.h"
#include "model/cpu/quantized.h"
#include "model/cpu/winograd.h"
#include "model/network.h"

namespace cdsr::cpu {

/// One convolution's weights. Safe to use from several threads.
class PackedConv {
 public:
  /// `parts` are the channel counts of the tensors its input is made of (a dense block's), each padded for
  /// itself; empty: one part. `pad_input` false leaves the input channels as they are (a picture's three).
  explicit PackedConv(const Conv& conv, const std::vector<int>& parts = {}, bool pad_input = true);

  int in() const { return in_; }            ///< padded
  int out() const { return out_; }          ///< padded
  int outputs() const { return outputs_; }  ///< not padded
  int kernel() const { return kernel_; }
  double macs() const { return macs_; }  ///< per output pixel, without padding

  /// In the layout `desc`; made on first use.
  const void* weights(const dnnl::memory::desc& desc) const;
  /// Transformed for `kernels`, of the first `outputs` output channels; made on first use.
  const float* winograd(const WinogradKernels& kernels, int outputs) const;
  /// As FeatureKernels::tail of a `type` reads them, `step` input channels at a time; made on first use.
  const void* tail(Type type, int step) const;
  const float* bias() const { return bias_.as<float>(); }
  /// out x in x kernel x kernel, padded.
  const std::vector<float>& plain() const { return plain_; }

  /// Takes other weights of the same shape, in every layout made so far, whose addresses stay. Allocates
  /// nothing. While nobody reads them.
  void replace(const Conv& conv);

 private:
  void copy_plain(const Conv& conv);

  struct Arranged {
    dnnl::memory::desc desc;
    Buffer weights;
    dnnl::memory from, to;
    dnnl::reorder reorder;  ///< plain_ to weights

    void run(const dnnl::stream& stream) const;
  };

  int in_, out_, outputs_, kernel_;
  double macs_;
  std::vector<int> position_;  ///< of each input channel among the padded ones
  std::vector<float> plain_;
  Buffer bias_;
  mutable std::mutex mutex_;
  dnnl::stream stream_;
  mutable std::vector<Arranged> layouts_;
  struct Transformed {
    const WinogradKernels* kernels;
    int outputs;
    Buffer weights;
  };
  mutable std::vector<Transformed> transformed_;
  struct Tail {
    Type type;
    int step;
    Buffer weights;
  };
  void store_tail(const Tail& tail) const;
  mutable std::vector<Tail> tails_;
};

// NOLINTNEXTLINE(bugprone-reserved-identifier): clang-tidy 14 means its implied move loop
struct PackedDense {
  std::unique_ptr<PackedConv> conv[5];
};

struct PackedBlock {
  std::unique_ptr<PackedConv> dqa[2], conv1, conv2;
  PackedDense rdb[3];
};

struct PackedNetwork {
  explicit PackedNetwork(std::shared_ptr<const Network> network);

  std::shared_ptr<const Network> network;
  std::unique_ptr<PackedConv> pixel[6], patch[4], head, trunk, tail;
  std::vector<float> head_weights;  ///< [9 planes][channels]: taps ky, plane, kx
  std::vector<PackedBlock> blocks;
  /// After quantize(): the convolutions of stack_convs() in 8 bits.
  std::vector<QuantizedConv> quantized;

  /// Of a Body::Stack network with ranges. A second call does nothing; several threads may call.
  void quantize();
  /// Body::Stack: the weights of convolution `index` of stack_convs(). See PackedConv::replace().
  void replace(int index, const Conv& conv);

 private:
  std::once_flag quantize_once_;
  std::vector<Quantization> quantizations_;  ///< of the head's features and each block's
};

/// See FeatureKernels::head. `weights` holds 9 head.in() head.out() values.
void pack_head(const PackedConv& head, std::span<float> weights);
PackedDense pack_dense(const DenseBlock& block);

/// The packed form of `network`: the same object for every engine alive, or with experts a new one.
std::shared_ptr<PackedNetwork> packed(const std::shared_ptr<const Network>& network);

dnnl::engine& dnnl_cpu();

}  // namespace cdsr::cpu
