#include "model/cpu/conv.h"

#include <cstring>

#include "model/cpu/isa.h"
#include "model/cpu/room.h"
#include "model/onednn.h"

namespace cdsr::cpu {
namespace {

using dnnl::memory;

memory::data_type type_of(Type type) {
  return type == Type::F32 ? memory::data_type::f32 : memory::data_type::bf16;
}

memory::format_tag tag_of(Layout layout) {
  if (layout == Layout::Rows) return memory::format_tag::nhwc;
  return block_channels() == 16 ? memory::format_tag::nChw16c : memory::format_tag::nChw8c;
}

dnnl::convolution_forward::primitive_desc make_desc(const ConvShape& s, int width, int rows) {
  const int pad = s.kernel / 2, pad_rows = s.pad_rows ? pad : 0;
  const int in_rows = s.pad_rows ? rows : rows + s.kernel - 1,
            out_rows = s.pad_rows ? s.out_side(rows) : rows;
  const memory::desc src({1, s.in, in_rows, width}, type_of(s.src), tag_of(s.layout));
  const memory::desc dst({1, s.out, out_rows, s.out_side(width)}, type_of(s.dst), tag_of(s.layout));
  const memory::desc weights({s.out, s.in, s.kernel, s.kernel}, type_of(s.src), memory::format_tag::any);
  const memory::desc bias({s.out}, memory::data_type::f32, memory::format_tag::x);
  dnnl::post_ops post;
  switch (s.post) {
    case Post::None:
      break;
    case Post::Activate:
      onednn::append_eltwise(post, dnnl::algorithm::eltwise_relu, s.slope);
      break;
    case Post::Add:
      post.append_binary(dnnl::algorithm::binary_add, dst);
      break;
    case Post::ScaleAdd:
      onednn::append_eltwise(post, dnnl::algorithm::eltwise_linear, s.slope);
      post.append_binary(dnnl::algorithm::binary_add, dst);
      break;
    case Post::AddActivate:
      post.append_binary(dnnl::algorithm::binary_add, dst);
      onednn::append_eltwise(post, dnnl::algorithm::eltwise_relu, s.slope);
      break;
    case Post::SumActivate:
      post.append_sum(1);
      onednn::append_eltwise(post, dnnl::algorithm::eltwise_relu, s.slope);
      break;
  }
  dnnl::primitive_attr attr;
  attr.set_post_ops(post);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const memory::dims strides = {s.stride, s.stride}, padding = {pad_rows, pad};
  return onednn::describe<dnnl::convolution_forward>(dnnl_cpu(), attr, dnnl::prop_kind::forward_inference,
                                                     dnnl::algorithm::convolution_direct, src, weights, bias,
                                                     dst, strides, padding, padding);
}

}  // namespace

int block_channels() { return kernel_isa() >= Isa::Avx512 ? 16 : 8; }

ConvKernel::ConvKernel(const ConvShape& s, int width, int rows)
    : post_(s.post),
      label_(fmt::format("{}->{} {}x{}{}{} {}x{}", s.in, s.out, s.kernel, s.kernel,
                         s.src == Type::F32 ? " fp32" : " bf16",
                         s.layout == Layout::Blocked ? " blocked" : "", width, rows)) {
  check_room_for_onednn();
  try {
    desc_ = make_desc(s, width, rows);
    primitive_ = dnnl::convolution_forward(desc_);
  } catch (const dnnl::error& e) {
    fail(e.status == dnnl_out_of_memory ? Errc::OutOfMemory : Errc::Unsupported, "oneDNN convolution {}: {}",
         label_, e.message);
  }
  const char* name = implementation();
  if (kernel_isa() != Isa::Base &&
      (std::strstr(name, "ref") != nullptr || std::strstr(name, "gemm:") == name))
    fail(Errc::Internal, "oneDNN runs {} as {}, which is slow: a bug of the CPU backend", label_, name);
}

int ConvSet::add(const ConvShape& shape, int width, int rows) {
  const auto [entry, fresh] = index_.try_emplace({shape, width, rows}, size());
  if (fresh) kernels_.push_back(std::make_unique<ConvKernel>(shape, width, rows));
  return entry->second;
}

size_t ConvSet::scratch() const {
  size_t most = 0;
  for (const auto& k : kernels_) most = std::max(most, k->scratch());
  return most;
}

void ConvSet::list(std::vector<Implementation>& all) const {
  for (const auto& k : kernels_) all.push_back({k->label(), k->implementation()});
}

ConvCaller::ConvCaller(const ConvSet& set) : scratch_(set.scratch()), stream_(dnnl_cpu()) {
  for (int i = 0; i < set.size(); ++i) {
    if (i % 16 == 0) check_room_for_onednn();
    const ConvKernel& kernel = set[i];
    const auto& pd = kernel.desc();
    dnnl::engine& cpu = dnnl_cpu();
    Slot slot;
    slot.src = memory(pd.src_desc(), cpu, nullptr);
    slot.weights = memory(pd.weights_desc(), cpu, nullptr);
    slot.bias = memory(pd.bias_desc(), cpu, nullptr);
    slot.dst = memory(pd.dst_desc(), cpu, nullptr);
    slot.scratch = memory(pd.scratchpad_desc(), cpu, scratch_.data());
    slot.primitive = kernel.primitive().get();
    const auto arg = [](int id, const memory& m) { return dnnl_exec_arg_t{id, m.get()}; };
    slot.args[0] = arg(DNNL_ARG_SRC, slot.src);
    slot.args[1] = arg(DNNL_ARG_WEIGHTS, slot.weights);
    slot.args[2] = arg(DNNL_ARG_BIAS, slot.bias);
    slot.args[3] = arg(DNNL_ARG_DST, slot.dst);
    slot.args[4] = arg(DNNL_ARG_SCRATCHPAD, slot.scratch);
    if (kernel.post() == Post::Add || kernel.post() == Post::ScaleAdd || kernel.post() == Post::AddActivate) {
      const int position = kernel.post() == Post::ScaleAdd ? 1 : 0;
      slot.operand = memory(pd.dst_desc(), cpu, nullptr);
      slot.args[slot.count++] = arg(DNNL_ARG_ATTR_MULTIPLE_POST_OP(position) | DNNL_ARG_SRC_1, slot.operand);
    }
    slots_.push_back(std::move(slot));
  }
}

ConvCaller::~ConvCaller() = default;

void ConvCaller::run(int kernel, const void* src, const void* weights, const float* bias, void* dst,
                     const void* operand) {
  Slot& slot = slots_[kernel];
  slot.src.set_data_handle(const_cast<void*>(src));
  slot.weights.set_data_handle(const_cast<void*>(weights));
  slot.bias.set_data_handle(const_cast<float*>(bias));
  slot.dst.set_data_handle(dst);
  if (slot.count == 6) slot.operand.set_data_handle(const_cast<void*>(operand));
  const dnnl_status_t status = dnnl_primitive_execute(slot.primitive, stream_.get(), slot.count, slot.args);
  if (status != dnnl_success)
    fail(Errc::Internal, "oneDNN execution failed with status {}", static_cast<int>(status));
}

}  // namespace cdsr::cpu
