#include "model/cuda/weights.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "model/cuda/conv_plans.h"
#include "model/cuda/fp8_math.h"
#include "model/cuda/kernels.h"

namespace cdsr::cuda {
namespace {

/// Finds or makes a T for a network in a context. Held while making: who asks for the same waits for it.
template <typename T>
std::shared_ptr<const T> shared(const std::shared_ptr<Context>& context,
                                const std::shared_ptr<const Network>& network) {
  struct Entry {
    std::weak_ptr<const Network> network;
    std::weak_ptr<const T> value;
  };
  static std::mutex mutex;
  static std::map<std::pair<void*, const Network*>, Entry> entries;
  const std::lock_guard lock(mutex);
  std::erase_if(entries,
                [](const auto& e) { return e.second.value.expired() || e.second.network.expired(); });
  Entry& entry = entries[{context->handle(), network.get()}];
  std::shared_ptr<const T> value = entry.value.lock();
  if (value == nullptr) {
    value = std::make_shared<const T>(context, *network);
    entry = {network, value};
  }
  return value;
}

/// Whether cuDNN may run convolutions of T, and needs weights in an order of its own.
template <typename T>
bool for_cudnn() {
  return sizeof(T) == 2 && cudnn_version() != 0;
}

VectorWeights::OfLayer upload_layer(Uploads& uploads, const Conv& conv) {
  const size_t taps = static_cast<size_t>(conv.kernel) * conv.kernel;
  std::vector<float> weights(conv.weight.size());
  for (int o = 0; o < conv.out; ++o)
    for (int i = 0; i < conv.in; ++i)
      for (size_t t = 0; t < taps; ++t)
        weights[(t * conv.in + i) * conv.out + o] =
            conv.weight[(static_cast<size_t>(o) * conv.in + i) * taps + t];
  return {uploads.add(weights), uploads.add(conv.bias)};
}

}  // namespace

Uploads::~Uploads() {
  try {
    const Context::Scope scope(*context_);
    buffers_.clear();
  } catch (...) {  // the context is gone, and the memory with it
    for (DeviceBuffer& b : buffers_) b.forget();
  }
}

const void* Uploads::copy(const void* values, size_t bytes) {
  DeviceBuffer buffer(bytes);
  check(cudaMemcpy(buffer.as<void>(), values, bytes, cudaMemcpyHostToDevice), "copying weights to the GPU");
  bytes_ += bytes;
  buffers_.push_back(std::move(buffer));
  return buffers_.back().as<void>();
}

template <typename T>
ConvWeights<T> sizes_of(const Conv& conv, const std::vector<int>& parts) {
  ConvWeights<T> w;
  w.out = padded(conv.out);
  const int group = output_group<T>(w.out);
  w.rows = blocks_of(conv.out, group) * group;
  w.chunks = channel_places(parts.empty() ? std::vector<int>{conv.in} : parts).count / kChunk<T>;
  return w;
}

template <typename T>
ConvWeights<T> upload(Uploads& uploads, const Conv& conv, const std::vector<int>& parts, bool plain) {
  ConvWeights<T> w = sizes_of<T>(conv, parts);
  w.weights = uploads.add(pack_weights<T>(conv, output_group<T>(w.out), parts));
  w.bias = uploads.add(pad_vector(conv.bias, w.rows));
  if (plain) w.plain = uploads.add(pack_plain<T>(conv, parts));
  return w;
}

template <typename T>
ConvolutionWeights<T>::ConvolutionWeights(const std::shared_ptr<Context>& context, const Network& network)
    : uploads(context) {
  const CdsrConfig& c = network.config;
  const bool plain = for_cudnn<T>();
  this->head = uploads.add(pack_head(network.head));
  this->head_bias = uploads.add(pad_vector(network.head.bias, padded(c.nf)));
  for (const Block& block : network.blocks) {
    typename Convolutions<T>::OfBlock w;
    for (int i = 0; i < c.dqas_per_block(); ++i) w.dqa[i] = upload<T>(uploads, block.dqa[i].conv);
    w.conv1 = upload<T>(uploads, block.conv1, {}, plain);
    if (c.body != Body::Stack) w.conv2 = upload<T>(uploads, block.conv2, {}, plain);
    if (c.body == Body::Rrdb)
      for (int r = 0; r < 3; ++r) {
        std::vector<int> parts{c.nf};
        for (int i = 0; i < 5; ++i) {
          w.rdb[r][i] = upload<T>(uploads, block.rdb[r].conv[i], parts, plain);
          parts.push_back(c.gc);
        }
      }
    this->blocks.push_back(w);
  }
  if (c.body == Body::Rrdb) this->trunk = upload<T>(uploads, network.trunk, {}, plain);
  this->tail = upload<T>(uploads, network.tail);
}

template <typename T>
ExpertSets<T>::ExpertSets(const std::shared_ptr<Context>& context, const Network& network)
    : uploads(context) {
  const std::vector<const Conv*> convs = stack_convs(network);
  const auto add = [&](size_t layer, const auto& pack) {
    const Experts& experts = network.experts[layer];
    Conv one = *convs[layer];
    std::vector<float> all;
    for (int k = 0; k < network.config.weight_sets(); ++k) {
      if (k < network.config.experts) {
        std::copy_n(&experts.weight[k * one.weight.size()], one.weight.size(), one.weight.begin());
        std::copy_n(&experts.bias[k * one.bias.size()], one.bias.size(), one.bias.begin());
      } else {
        one.weight = experts.sharp_weight;
        one.bias = experts.sharp_bias;
      }
      const std::vector<float> values = pack(one);
      all.insert(all.end(), values.begin(), values.end());
    }
    return Values{uploads.add(all), static_cast<int64_t>(all.size()) / network.config.weight_sets()};
  };
  for (size_t i = 0; i < convs.size(); ++i) {
    const bool head = i == 0, tail = i + 1 == convs.size();
    const ConvWeights<T> sizes = sizes_of<T>(*convs[i]);
    OfLayer layer;
    layer.weights = add(i, [&](const Conv& conv) {
      return head ? pack_head(conv) : pack_weights<T, float>(conv, output_group<T>(sizes.out));
    });
    layer.bias =
        add(i, [&](const Conv& conv) { return pad_vector(conv.bias, head ? sizes.out : sizes.rows); });
    if (for_cudnn<T>() && !head && !tail)
      layer.plain = add(i, [](const Conv& conv) { return pack_plain<T, float>(conv); });
    layers.push_back(layer);
  }
}

DenseWeightsFp8::DenseWeightsFp8(const std::shared_ptr<Context>& context, const Network& network)
    : uploads(context) {
  const CdsrConfig& c = network.config;
  std::vector<float> all;
  for (const Block& block : network.blocks)
    for (const DenseBlock& dense : block.rdb) {
      std::array<ConvWeights<Fp8>, 5> layers;
      std::vector<int> parts{c.nf};
      rows = 0;
      for (int i = 0; i < 5; ++i) {
        std::vector<float> descale;
        layers[i] =
            upload<Fp8>(uploads, descaled(dense.conv[i], kFp8Most, descale), parts, cudnn_version() != 0);
        first[i] = rows;
        rows += layers[i].rows;
        descale = pad_vector(descale, layers[i].rows);
        all.insert(all.end(), descale.begin(), descale.end());
        parts.push_back(c.gc);
      }
      blocks.push_back(layers);
    }
  descale = uploads.add(all);
}

VectorWeights::VectorWeights(const std::shared_ptr<Context>& context, const Network& network)
    : uploads(context) {
  for (const Block& block : network.blocks)
    for (int i = 0; i < network.config.dqas_per_block(); ++i) {
      const Dqa& d = block.dqa[i];
      dqas.push_back({uploads.add(transposed(d.query)), uploads.add(d.query.bias),
                      uploads.add(transposed(d.kernel0)), uploads.add(transposed(d.kernel1))});
    }
  if (network.config.lpe_input == LpeInput::Statistics) return;
  for (int i = 0; i < 6; ++i) pixel[i] = upload_layer(uploads, network.encoder.pixel[i]);
  for (int i = 0; i < 4; ++i) patch[i] = upload_layer(uploads, network.encoder.patch[i]);
}

template <typename T>
std::shared_ptr<const ConvolutionWeights<T>> convolution_weights(
    const std::shared_ptr<Context>& context, const std::shared_ptr<const Network>& network) {
  return shared<ConvolutionWeights<T>>(context, network);
}

template <typename T>
std::shared_ptr<const ExpertSets<T>> expert_sets(const std::shared_ptr<Context>& context,
                                                 const std::shared_ptr<const Network>& network) {
  return shared<ExpertSets<T>>(context, network);
}

std::shared_ptr<const DenseWeightsFp8> dense_weights_fp8(const std::shared_ptr<Context>& context,
                                                         const std::shared_ptr<const Network>& network) {
  return shared<DenseWeightsFp8>(context, network);
}

std::shared_ptr<const VectorWeights> vector_weights(const std::shared_ptr<Context>& context,
                                                    const std::shared_ptr<const Network>& network) {
  return shared<VectorWeights>(context, network);
}

// A type in parentheses is not a template argument. NOLINTBEGIN(bugprone-macro-parentheses)
#define CDSR_INSTANTIATE(T)                                                                     \
  template struct ConvolutionWeights<T>;                                                        \
  template struct ExpertSets<T>;                                                                \
  template ConvWeights<T> sizes_of<T>(const Conv&, const std::vector<int>&);                    \
  template ConvWeights<T> upload<T>(Uploads&, const Conv&, const std::vector<int>&, bool);      \
  template std::shared_ptr<const ConvolutionWeights<T>> convolution_weights<T>(                 \
      const std::shared_ptr<Context>&, const std::shared_ptr<const Network>&);                  \
  template std::shared_ptr<const ExpertSets<T>> expert_sets<T>(const std::shared_ptr<Context>&, \
                                                               const std::shared_ptr<const Network>&);
CDSR_INSTANTIATE(float)
CDSR_INSTANTIATE(__half)
CDSR_INSTANTIATE(__nv_bfloat16)
#undef CDSR_INSTANTIATE
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace cdsr::cuda
