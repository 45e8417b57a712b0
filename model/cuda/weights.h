// A network's weights in a GPU: made once for a network and a context, shared by all engines there.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "model/cuda/driver.h"
#include "model/cuda/fp8.h"
#include "model/cuda/pack.h"
#include "model/network.h"

namespace cdsr::cuda {

/// Memory of one context, filled from vectors; freed with it.
class Uploads {
 public:
  explicit Uploads(std::shared_ptr<Context> context) : context_(std::move(context)) {}
  ~Uploads();
  template <typename T>
  const T* add(const std::vector<T>& values) {
    return static_cast<const T*>(copy(values.data(), values.size() * sizeof(T)));
  }
  size_t bytes() const { return bytes_; }
  const Context& context() const { return *context_; }

 private:
  const void* copy(const void* values, size_t bytes);

  std::shared_ptr<Context> context_;
  std::vector<DeviceBuffer> buffers_;
  size_t bytes_ = 0;
};

template <typename T>
struct ConvWeights {
  const T* weights = nullptr;
  const float* bias = nullptr;
  int rows = 0;              ///< outputs in `weights`
  int chunks = 0;            ///< of input channels
  int out = 0;               ///< output channels, padded
  const T* plain = nullptr;  ///< the same for cuDNN (pack_plain()), where it may be used
};

/// The arguments that follow from the weights and from maps of width x height: no activation, no residual,
/// every row stored.
template <typename T>
ConvArgs<T> conv_args(const ConvWeights<T>& w, int width, int height, const T* in, int in_pitch, T* out,
                      int out_pitch) {
  ConvArgs<T> a;
  a.width = width;
  a.height = a.own_end = height;
  a.in = in;
  a.in_pitch = in_pitch;
  a.chunks = w.chunks;
  a.weights = w.weights;
  a.weight_rows = w.rows;
  a.bias = w.bias;
  a.out = out;
  a.out_pitch = out_pitch;
  a.out_channels = w.out;
  return a;
}

/// The convolutions of the SR network in one precision.
template <typename T>
struct Convolutions {
  struct OfBlock {
    ConvWeights<T> dqa[2], conv1, conv2, rdb[3][5];  ///< Body::Stack: conv1 alone
  };

  const float* head = nullptr;  ///< pack_head()
  const float* head_bias = nullptr;
  std::vector<OfBlock> blocks;
  ConvWeights<T> trunk, tail;
};

/// Those of a network without experts: they never change.
template <typename T>
struct ConvolutionWeights : Convolutions<T> {
  ConvolutionWeights(const std::shared_ptr<Context>& context, const Network& network);

  Uploads uploads;
};

/// The weight sets of a network with experts, from which MixedWeights makes a shot's: floats in the order of
/// T's kernels.
template <typename T>
struct ExpertSets {
  struct Values {
    const float* sets = nullptr;  ///< [CdsrConfig::weight_sets()][count]
    int64_t count = 0;
  };
  struct OfLayer {
    Values weights, bias, plain;  ///< as in ConvWeights; the head's as in Convolutions
  };

  ExpertSets(const std::shared_ptr<Context>& context, const Network& network);

  Uploads uploads;
  std::vector<OfLayer> layers;  ///< of stack_convs()
};

/// The dense blocks' convolutions in fp8.
struct DenseWeightsFp8 {
  DenseWeightsFp8(const std::shared_ptr<Context>& context, const Network& network);

  Uploads uploads;
  std::vector<std::array<ConvWeights<Fp8>, 5>> blocks;
  int first[5] = {}, rows = 0;     ///< where a layer's outputs are among those of a block
  const float* descale = nullptr;  ///< [block][rows], see descaled()
};

/// What is fp32 in every precision: the vectors of the DQAs and the encoder.
struct VectorWeights {
  struct OfDqa {
    const float *query = nullptr, *query_bias = nullptr, *kernel0 = nullptr, *kernel1 = nullptr;
  };
  struct OfLayer {
    const float *weights = nullptr, *bias = nullptr;  ///< weights [ky][kx][in][out]
  };

  VectorWeights(const std::shared_ptr<Context>& context, const Network& network);

  Uploads uploads;
  std::vector<OfDqa> dqas;
  OfLayer pixel[6], patch[4];  ///< none for LpeInput::Statistics
};

/// The same object for every engine alive that runs `network` in `context`. The context must be current.
template <typename T>
std::shared_ptr<const ConvolutionWeights<T>> convolution_weights(
    const std::shared_ptr<Context>& context, const std::shared_ptr<const Network>& network);
template <typename T>
std::shared_ptr<const ExpertSets<T>> expert_sets(const std::shared_ptr<Context>& context,
                                                 const std::shared_ptr<const Network>& network);
std::shared_ptr<const DenseWeightsFp8> dense_weights_fp8(const std::shared_ptr<Context>& context,
                                                         const std::shared_ptr<const Network>& network);
std::shared_ptr<const VectorWeights> vector_weights(const std::shared_ptr<Context>& context,
                                                    const std::shared_ptr<const Network>& network);

/// A convolution's sizes, without weights.
template <typename T>
ConvWeights<T> sizes_of(const Conv& conv, const std::vector<int>& parts = {});
/// Uploads one convolution; `parts` as in pack_weights(), `plain`: for cuDNN too.
template <typename T>
ConvWeights<T> upload(Uploads& uploads, const Conv& conv, const std::vector<int>& parts = {},
                      bool plain = false);

}  // namespace cdsr::cuda
