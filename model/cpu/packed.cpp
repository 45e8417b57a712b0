#include "model/cpu/packed.h"

#include <map>

namespace cdsr::cpu {

dnnl::engine& dnnl_cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

PackedConv::PackedConv(const Conv& conv, const std::vector<int>& parts, bool pad_input)
    : in_(0),
      out_(padded_channels(conv.out)),
      outputs_(conv.out),
      kernel_(conv.kernel),
      macs_(static_cast<double>(conv.in) * conv.out * conv.kernel * conv.kernel) {
  std::vector<int> position;  // of each input channel among the padded ones
  for (int part : parts.empty() ? std::vector<int>{conv.in} : parts) {
    for (int i = 0; i < part; ++i) position.push_back(in_ + i);
    in_ += pad_input ? padded_channels(part) : part;
  }
  const size_t taps = static_cast<size_t>(kernel_) * kernel_;
  plain_.assign(static_cast<size_t>(out_) * in_ * taps, 0.0F);
  for (int o = 0; o < conv.out; ++o)
    for (int i = 0; i < conv.in; ++i)
      for (size_t t = 0; t < taps; ++t)
        plain_[(static_cast<size_t>(o) * in_ + position[i]) * taps + t] =
            conv.weight[(static_cast<size_t>(o) * conv.in + i) * taps + t];
  bias_ = Buffer(out_ * sizeof(float));
  std::copy(conv.bias.begin(), conv.bias.end(), bias_.as<float>());
}

const void* PackedConv::weights(const dnnl::memory::desc& desc) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [have, buffer] : layouts_)
    if (have == desc) return buffer.data();
  using dnnl::memory;
  const memory::desc plain_desc({out_, in_, kernel_, kernel_}, memory::data_type::f32,
                                memory::format_tag::oihw);
  Buffer buffer(desc.get_size());
  memory from(plain_desc, dnnl_cpu(), const_cast<float*>(plain_.data()));
  memory to(desc, dnnl_cpu(), buffer.data());
  dnnl::stream stream(dnnl_cpu());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return layouts_.emplace_back(desc, std::move(buffer)).second.data();
}

const float* PackedConv::winograd(const WinogradKernels& kernels, int outputs) const {
  const std::lock_guard lock(mutex_);
  for (const Transformed& have : transformed_)
    if (have.kernels == &kernels && have.outputs == outputs) return have.weights.as<float>();
  Buffer buffer(kernels.weights(in_, outputs) * sizeof(float));
  kernels.transform(plain_.data(), in_, outputs, buffer.as<float>());
  return transformed_.emplace_back(Transformed{&kernels, outputs, std::move(buffer)}).weights.as<float>();
}

std::vector<float> pack_head(const PackedConv& head) {
  std::vector<float> weights;
  for (int ky = 0; ky < 3; ++ky)
    for (int plane = 0; plane < 3; ++plane)
      for (int kx = 0; kx < 3; ++kx)
        for (int o = 0; o < head.out(); ++o)
          weights.push_back(head.plain()[(o * 3 + plane) * 9 + ky * 3 + kx]);
  return weights;
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
  for (int i = 0; i < 6; ++i)
    pixel[i] = std::make_unique<PackedConv>(encoder.pixel[i], std::vector<int>{}, i > 0);
  for (int i = 0; i < 4; ++i) {
    Conv conv = encoder.patch[i];
    if (i == 0) {  // patches are laid out as vectors of 12 x 12 x 3, see encoder.cpp
      Conv flat{3 * kPatch * kPatch, conv.out, 1, 1, 0, {}, conv.bias};
      for (int o = 0; o < conv.out; ++o)
        for (int t = 0; t < kPatch * kPatch; ++t)
          for (int c = 0; c < 3; ++c)
            flat.weight.push_back(conv.weight[(static_cast<size_t>(o) * 3 + c) * kPatch * kPatch + t]);
      conv = std::move(flat);
    }
    patch[i] = std::make_unique<PackedConv>(conv);
  }
  head = std::make_unique<PackedConv>(network->head, std::vector<int>{}, false);
  head_weights = pack_head(*head);
  tail = std::make_unique<PackedConv>(network->tail);
  if (rrdb) trunk = std::make_unique<PackedConv>(network->trunk);
  for (const Block& block : network->blocks) {
    PackedBlock p;
    for (int i = 0; i < network->config.dqas_per_block(); ++i)
      p.dqa[i] = std::make_unique<PackedConv>(block.dqa[i].conv);
    p.conv1 = std::make_unique<PackedConv>(block.conv1);
    p.conv2 = std::make_unique<PackedConv>(block.conv2);
    if (rrdb)
      for (int i = 0; i < 3; ++i) p.rdb[i] = pack_dense(block.rdb[i]);
    blocks.push_back(std::move(p));
  }
}

std::shared_ptr<const PackedNetwork> packed(const std::shared_ptr<const Network>& network) {
  static std::mutex mutex;
  static std::map<const Network*, std::weak_ptr<const PackedNetwork>> all;
  const std::lock_guard lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<const PackedNetwork>& entry = all[network.get()];
  std::shared_ptr<const PackedNetwork> alive = entry.lock();
  if (!alive) entry = alive = std::make_shared<const PackedNetwork>(network);
  return alive;
}

}  // namespace cdsr::cpu
