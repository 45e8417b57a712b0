// Weights as the CPU backend stores them: channels padded to multiples of 16, then in the order each oneDNN
// implementation asks for. Made once for a network and shared by all engines that run it.
#pragma once

#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <utility>
#include <vector>

#include "model/cpu/memory.h"
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
  const float* bias() const { return bias_.as<float>(); }
  /// out x in x kernel x kernel, padded.
  const std::vector<float>& plain() const { return plain_; }

 private:
  int in_, out_, outputs_, kernel_;
  double macs_;
  std::vector<float> plain_;
  Buffer bias_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<dnnl::memory::desc, Buffer>> layouts_;
  struct Transformed {
    const WinogradKernels* kernels;
    int outputs;
    Buffer weights;
  };
  mutable std::vector<Transformed> transformed_;
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
  std::vector<float> head_weights;  ///< [27][channels]: taps ky, plane, kx
  std::vector<PackedBlock> blocks;
};

/// See RowKernels::head.
std::vector<float> pack_head(const PackedConv& head);
PackedDense pack_dense(const DenseBlock& block);

/// The packed form of `network`: the same object for every engine alive.
std::shared_ptr<const PackedNetwork> packed(const std::shared_ptr<const Network>& network);

dnnl::engine& dnnl_cpu();

}  // namespace cdsr::cpu
