#include "model/cpu/packed.h"

#include <cstring>
#include <map>

#include "model/cpu/kernels.h"
#include "model/cpu/room.h"
#include "model/error.h"

namespace cdsr::cpu {

dnnl::engine& dnnl_cpu() {
  static dnnl::engine engine = [] {
    check_room_for_onednn();
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

PackedConv::PackedConv(const Conv& conv, const std::vector<int>& parts, bool pad_input)
    : in_(0),
      out_(padded_channels(conv.out)),
      outputs_(conv.out),
      kernel_(conv.kernel),
      macs_(static_cast<double>(conv.in) * conv.out * conv.kernel * conv.kernel),
      stream_(dnnl_cpu()) {
  for (int part : parts.empty() ? std::vector<int>{conv.in} : parts) {
    for (int i = 0; i < part; ++i) position_.push_back(in_ + i);
    in_ += pad_input ? padded_channels(part) : part;
  }
  plain_.assign(static_cast<size_t>(out_) * in_ * kernel_ * kernel_, 0.0F);
  bias_ = Buffer(out_ * sizeof(float));
  copy_plain(conv);
}

void PackedConv::copy_plain(const Conv& conv) {
  const size_t taps = static_cast<size_t>(kernel_) * kernel_;
  for (int o = 0; o < conv.out; ++o)
    for (int i = 0; i < conv.in; ++i)
      std::copy_n(&conv.weight[(static_cast<size_t>(o) * conv.in + i) * taps], taps,
                  &plain_[(static_cast<size_t>(o) * in_ + position_[i]) * taps]);
  std::copy(conv.bias.begin(), conv.bias.end(), bias_.as<float>());
}

void PackedConv::replace(const Conv& conv) {
  copy_plain(conv);
  for (const Arranged& a : layouts_) a.run(stream_);
  for (Transformed& t : transformed_)
    t.kernels->transform(plain_.data(), in_, t.outputs, t.weights.as<float>());
  for (const Tail& t : tails_) store_tail(t);
}

/// By the C interface: the C++ one makes a map of the arguments in every call.
void PackedConv::Arranged::run(const dnnl::stream& stream) const {
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from.get()}, {DNNL_ARG_TO, to.get()}};
  dnnl_status_t status = dnnl_primitive_execute(reorder.get(), stream.get(), 2, arguments);
  if (status == dnnl_success) status = dnnl_stream_wait(stream.get());
  if (status != dnnl_success)
    fail(Errc::Internal, "oneDNN's reorder failed with status {}", static_cast<int>(status));
}

void PackedConv::store_tail(const Tail& t) const {
  size_t at = 0;
  for (int tap = 0; tap < 9; ++tap)
    for (int c = 0; c < in_; c += t.step)
      for (int o = 0; o < kTailOutputs; ++o)
        for (int i = 0; i < t.step; ++i, ++at) {
          const float w = plain_[(static_cast<size_t>(o) * in_ + c + i) * 9 + tap];
          if (t.type == Type::F32)
            t.weights.as<float>()[at] = w;
          else
            t.weights.as<Bf16>()[at] = narrow(w);
        }
}

const void* PackedConv::tail(Type type, int step) const {
  const std::lock_guard lock(mutex_);
  for (const Tail& have : tails_)
    if (have.type == type && have.step == step) return have.weights.data();
  Tail t{type, step, Buffer(size_t{9} * in_ * kTailOutputs * size_of(type))};
  store_tail(t);
  return tails_.emplace_back(std::move(t)).weights.data();
}

const void* PackedConv::weights(const dnnl::memory::desc& desc) const {
  const std::lock_guard lock(mutex_);
  for (const Arranged& have : layouts_)
    if (have.desc == desc) return have.weights.data();
  check_room_for_onednn();
  using dnnl::memory;
  const memory::desc plain_desc({out_, in_, kernel_, kernel_}, memory::data_type::f32,
                                memory::format_tag::oihw);
  Arranged a{desc, Buffer(desc.get_size()), {}, {}, {}};
  a.from = memory(plain_desc, dnnl_cpu(), const_cast<float*>(plain_.data()));
  a.to = memory(desc, dnnl_cpu(), a.weights.data());
  a.reorder = dnnl::reorder(a.from, a.to);
  a.run(stream_);
  return layouts_.emplace_back(std::move(a)).weights.data();
}

const float* PackedConv::winograd(const WinogradKernels& kernels, int outputs) const {
  const std::lock_guard lock(mutex_);
  for (const Transformed& have : transformed_)
    if (have.kernels == &kernels && have.outputs == outputs) return have.weights.as<float>();
  Buffer buffer(kernels.weights(in_, outputs) * sizeof(float));
  kernels.transform(plain_.data(), in_, outputs, buffer.as<float>());
  return transformed_.emplace_back(Transformed{&kernels, outputs, std::move(buffer)}).weights.as<float>();
}

void pack_head(const PackedConv& head, std::span<float> weights) {
  float* to = weights.data();
  for (int ky = 0; ky < 3; ++ky)
    for (int plane = 0; plane < head.in(); ++plane)
      for (int kx = 0; kx < 3; ++kx)
        for (int o = 0; o < head.out(); ++o)
          *to++ = head.plain()[(static_cast<size_t>(o) * head.in() + plane) * 9 + ky * 3 + kx];
}

PackedDense pack_dense(const DenseBlock& block) {
  PackedDense packed;
  std::vector<int> parts = {block.conv[0].in};
  for (int i = 0; i < 5; ++i) {
    packed.conv[i] = std::make_unique<PackedConv>(block.conv[i], parts);
    parts.push_back(block.conv[i].out);
  }
  return packed;
}

PackedNetwork::PackedNetwork(std::shared_ptr<const Network> of) : network(std::move(of)) {
  const bool rrdb = network->config.body == Body::Rrdb;
  const Encoder& encoder = network->encoder;
  const bool convolves = network->config.lpe_input != LpeInput::Statistics;
  for (int i = 0; convolves && i < 6; ++i)
    pixel[i] = std::make_unique<PackedConv>(encoder.pixel[i], std::vector<int>{}, i > 0);
  for (int i = 0; convolves && i < 4; ++i) {
    Conv conv = encoder.patch[i];
    if (i == 0) {  // patches are laid out as vectors, see encoder.cpp
      const int taps = conv.kernel * conv.kernel;
      Conv flat{conv.in * taps, conv.out, 1, 1, 0, {}, conv.bias};
      for (int o = 0; o < conv.out; ++o)
        for (int t = 0; t < taps; ++t)
          for (int c = 0; c < conv.in; ++c)
            flat.weight.push_back(conv.weight[(static_cast<size_t>(o) * conv.in + c) * taps + t]);
      conv = std::move(flat);
    }
    patch[i] = std::make_unique<PackedConv>(conv);
  }
  head = std::make_unique<PackedConv>(network->head, std::vector<int>{}, false);
  head_weights.resize(size_t{9} * head->in() * head->out());
  pack_head(*head, head_weights);
  tail = std::make_unique<PackedConv>(network->tail);
  if (rrdb) trunk = std::make_unique<PackedConv>(network->trunk);
  for (const Block& block : network->blocks) {
    PackedBlock p;
    for (int i = 0; i < network->config.dqas_per_block(); ++i)
      p.dqa[i] = std::make_unique<PackedConv>(block.dqa[i].conv);
    p.conv1 = std::make_unique<PackedConv>(block.conv1);
    if (network->config.body != Body::Stack) p.conv2 = std::make_unique<PackedConv>(block.conv2);
    if (rrdb)
      for (int i = 0; i < 3; ++i) p.rdb[i] = pack_dense(block.rdb[i]);
    blocks.push_back(std::move(p));
  }
}

void PackedNetwork::quantize() {
  std::call_once(quantize_once_, [this] {
    const int last = network->config.blocks;
    for (int i = 0; i <= last; ++i) quantizations_.push_back(quantization(*network, i));
    const auto of = [this](int i) { return &quantizations_[i]; };
    quantized.reserve(last + 2);
    quantized.emplace_back(*head, nullptr, of(0), nullptr);
    for (int i = 1; i <= last; ++i)
      quantized.emplace_back(*blocks[i - 1].conv1, of(i - 1), of(i), i == last ? of(0) : nullptr);
    quantized.emplace_back(*tail, of(last), nullptr, nullptr);
  });
}

void PackedNetwork::replace(int index, const Conv& conv) {
  PackedConv& packed = index == 0                        ? *head
                       : index <= network->config.blocks ? *blocks[index - 1].conv1
                                                         : *tail;
  packed.replace(conv);
  if (index == 0) pack_head(packed, head_weights);
  if (!quantized.empty()) quantized[index].store(packed);
}

std::shared_ptr<PackedNetwork> packed(const std::shared_ptr<const Network>& network) {
  if (!network->experts.empty()) return std::make_shared<PackedNetwork>(network);
  static std::mutex mutex;
  static std::map<const Network*, std::weak_ptr<PackedNetwork>> all;
  const std::lock_guard lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<PackedNetwork>& entry = all[network.get()];
  std::shared_ptr<PackedNetwork> alive = entry.lock();
  if (!alive) entry = alive = std::make_shared<PackedNetwork>(network);
  return alive;
}

}  // namespace cdsr::cpu
