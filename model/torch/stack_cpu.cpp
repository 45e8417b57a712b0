#include "model/torch/stack_cpu.h"

#ifdef CDSR_HAVE_DNNL

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>

#include "model/onednn.h"

namespace cdsr::nn {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;

const dnnl::engine& engine() {
  static const dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}

memory::dims dims(int64_t n, int64_t c, int64_t h, int64_t w) { return {n, c, h, w}; }

/// What features and products are kept in, and how channels lie in memory.
struct Numbers {
  Type type;
  Tag blocked;
  int64_t block;  ///< channels next to each other
  Tag input;      ///< of the pictures: fp32 has no kernel that takes planes for the head's gradient

  torch::Dtype scalar() const { return type == Type::bf16 ? torch::kBFloat16 : torch::kFloat; }
};

/// Of this processor; block 0: it has no kernels for them.
Numbers numbers(bool bf16) {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  if (bf16 && isa >= dnnl::cpu_isa::avx512_core_bf16) return {Type::bf16, Tag::nChw16c, 16, Tag::nchw};
  if (isa >= dnnl::cpu_isa::avx512_core) return {Type::f32, Tag::nChw16c, 16, Tag::nChw16c};
  if (isa >= dnnl::cpu_isa::avx2) return {Type::f32, Tag::nChw8c, 8, Tag::nChw8c};
  return {Type::f32, Tag::nchw, 0, Tag::nchw};
}

/// One 3x3 convolution of a stack: its three primitives and the weights in the layouts they want.
class Layer {
 public:
  Layer(const Numbers& numbers, int64_t n, int64_t in, int64_t out, int64_t h, int64_t w, Tag src_tag,
        bool sum, bool relu, float slope, bool input_gradient)
      : plain_({out, in, 3, 3}, Type::f32, Tag::oihw), plain_bias_({out}, Type::f32, Tag::x) {
    const memory::desc src(dims(n, in, h, w), numbers.type, src_tag),
        dst(dims(n, out, h, w), numbers.type, numbers.blocked);
    const memory::desc weights({out, in, 3, 3}, numbers.type, Tag::any),
        diff_weights({out, in, 3, 3}, Type::f32, Tag::any);
    dnnl::post_ops ops;
    if (sum) ops.append_sum(1);
    if (relu) onednn::append_eltwise(ops, algorithm::eltwise_relu, slope);
    dnnl::primitive_attr attr;
    attr.set_post_ops(ops);
    const memory::dims one = {1, 1};
    const auto direct = algorithm::convolution_direct;
    const auto forward =
        onednn::describe<dnnl::convolution_forward>(engine(), attr, dnnl::prop_kind::forward_training, direct,
                                                    src, weights, plain_bias_, dst, one, one, one);
    forward_ = dnnl::convolution_forward(forward);
    forward_weights_ = memory(forward.weights_desc(), engine());
    const auto by_weights = onednn::describe_backward<dnnl::convolution_backward_weights>(
        engine(), forward, direct, src, diff_weights, plain_bias_, dst, one, one, one);
    by_weights_ = dnnl::convolution_backward_weights(by_weights);
    diff_weights_ = memory(by_weights.diff_weights_desc(), engine());
    if (!input_gradient) return;
    const auto by_input = onednn::describe_backward<dnnl::convolution_backward_data>(
        engine(), forward, direct, src, weights, dst, one, one, one);
    by_input_ = dnnl::convolution_backward_data(by_input);
    backward_weights_ = memory(by_input.weights_desc(), engine());
  }

  void forward(dnnl::stream& stream, const float* weight, const float* bias, memory src, memory dst) {
    copy(stream, weight, forward_weights_);
    memory b(plain_bias_, engine(), const_cast<float*>(bias));
    forward_.execute(
        stream,
        {{DNNL_ARG_SRC, src}, {DNNL_ARG_WEIGHTS, forward_weights_}, {DNNL_ARG_BIAS, b}, {DNNL_ARG_DST, dst}});
  }
  void weight_gradient(dnnl::stream& stream, memory src, memory diff_dst, float* weight, float* bias) {
    memory b(plain_bias_, engine(), bias), w(plain_, engine(), weight);
    by_weights_.execute(stream, {{DNNL_ARG_SRC, src},
                                 {DNNL_ARG_DIFF_DST, diff_dst},
                                 {DNNL_ARG_DIFF_WEIGHTS, diff_weights_},
                                 {DNNL_ARG_DIFF_BIAS, b}});
    dnnl::reorder(diff_weights_, w).execute(stream, diff_weights_, w);
  }
  void input_gradient(dnnl::stream& stream, const float* weight, memory diff_dst, memory diff_src) {
    copy(stream, weight, backward_weights_);
    by_input_.execute(stream, {{DNNL_ARG_DIFF_DST, diff_dst},
                               {DNNL_ARG_WEIGHTS, backward_weights_},
                               {DNNL_ARG_DIFF_SRC, diff_src}});
  }

 private:
  void copy(dnnl::stream& stream, const float* weight, memory& to) {
    memory from(plain_, engine(), const_cast<float*>(weight));
    dnnl::reorder(from, to).execute(stream, from, to);
  }

  memory::desc plain_, plain_bias_;
  dnnl::convolution_forward forward_;
  dnnl::convolution_backward_weights by_weights_;
  dnnl::convolution_backward_data by_input_;
  memory forward_weights_, backward_weights_, diff_weights_;
};

/// The primitives of a stack for one size of pictures.
struct Plan {
  Numbers numbers;
  std::vector<Layer> layers;
  memory::desc input, features, output, plain_input, plain_output;
  dnnl::eltwise_backward relu;
  dnnl::binary add;

  Plan(const Numbers& what, int64_t n, int64_t in, int64_t nf, int64_t out, int64_t blocks, int64_t h,
       int64_t w, float slope)
      : numbers(what),
        input(dims(n, in, h, w), what.type, what.input),
        features(dims(n, nf, h, w), what.type, what.blocked),
        output(dims(n, out, h, w), what.type, what.blocked),
        plain_input(dims(n, in, h, w), Type::f32, Tag::nchw),
        plain_output(dims(n, out, h, w), Type::f32, Tag::nchw) {
    layers.emplace_back(what, n, in, nf, h, w, what.input, false, true, slope, false);
    for (int64_t i = 0; i < blocks; ++i)
      layers.emplace_back(what, n, nf, nf, h, w, what.blocked, i + 1 == blocks, true, slope, true);
    layers.emplace_back(what, n, nf, out, h, w, what.blocked, false, false, slope, true);
    // A leaky ReLU keeps the sign: its gradient can be told from what came out of it.
    const auto kind = algorithm::eltwise_relu_use_dst_for_bwd;
    relu = dnnl::eltwise_backward(onednn::describe_eltwise_backward(engine(), kind, features, slope));
    add = dnnl::binary(onednn::describe<dnnl::binary>(engine(), dnnl::primitive_attr(), algorithm::binary_add,
                                                      features, features, features));
  }

  torch::Tensor buffer(const memory::desc& desc) const {
    const torch::Dtype type = numbers.scalar();
    return torch::empty({static_cast<int64_t>(desc.get_size() / torch::elementSize(type))}, type);
  }
};

Plan& plan_of(bool bf16, int64_t n, int64_t in, int64_t nf, int64_t out, int64_t blocks, int64_t h, int64_t w,
              float slope) {
  static std::map<std::tuple<bool, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, float>,
                  std::unique_ptr<Plan>>
      plans;
  auto& plan = plans[{bf16, n, in, nf, out, blocks, h, w, slope}];
  if (!plan) plan = std::make_unique<Plan>(numbers(bf16), n, in, nf, out, blocks, h, w, slope);
  return *plan;
}

memory view(const memory::desc& desc, const torch::Tensor& t) { return {desc, engine(), t.data_ptr()}; }

/// Where the weights and biases lie in the flat tensor that autograd sees: layer by layer, weights then bias.
struct Flat {
  std::vector<int64_t> weight, bias, shape_in, shape_out;
  int64_t size = 0;

  void add(int64_t in, int64_t out) {
    shape_in.push_back(in), shape_out.push_back(out);
    weight.push_back(size), size += out * in * 9;
    bias.push_back(size), size += out;
  }
};

struct Stack : torch::autograd::Function<Stack> {
  static Plan& plan(const torch::Tensor& x, int64_t nf, int64_t out, int64_t blocks, double slope,
                    bool bf16) {
    return plan_of(bf16, x.size(0), x.size(1), nf, out, blocks, x.size(2), x.size(3),
                   static_cast<float>(slope));
  }
  static Flat layout(int64_t in, int64_t nf, int64_t out, int64_t blocks) {
    Flat flat;
    flat.add(in, nf);
    for (int64_t i = 0; i < blocks; ++i) flat.add(nf, nf);
    flat.add(nf, out);
    return flat;
  }

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weights, int64_t nf, int64_t out, int64_t blocks,
                               double slope, bool bf16) {
    Plan& p = plan(x, nf, out, blocks, slope, bf16);
    const Flat flat = layout(x.size(1), nf, out, blocks);
    const auto* w = weights.data_ptr<float>();
    dnnl::stream stream(engine());
    std::vector<torch::Tensor> kept = {p.buffer(p.input)};  // the input of every layer
    memory plain = view(p.plain_input, x), in = view(p.input, kept[0]);
    dnnl::reorder(plain, in).execute(stream, plain, in);
    for (int64_t i = 0; i <= blocks; ++i) {
      // The last block adds the head's features: its convolution sums onto a copy of them.
      kept.push_back(i > 0 && i == blocks ? kept[1].clone() : p.buffer(p.features));
      p.layers[i].forward(stream, w + flat.weight[i], w + flat.bias[i],
                          view(i == 0 ? p.input : p.features, kept[i]), view(p.features, kept[i + 1]));
    }
    const torch::Tensor last = p.buffer(p.output);
    memory blocked = view(p.output, last);
    p.layers.back().forward(stream, w + flat.weight.back(), w + flat.bias.back(),
                            view(p.features, kept.back()), blocked);
    torch::Tensor y = torch::empty({x.size(0), out, x.size(2), x.size(3)});
    memory to = view(p.plain_output, y);
    dnnl::reorder(blocked, to).execute(stream, blocked, to);
    stream.wait();
    context->save_for_backward({x, weights});
    context->saved_data["kept"] = kept;
    context->saved_data["nf"] = nf;
    context->saved_data["out"] = out;
    context->saved_data["blocks"] = blocks;
    context->saved_data["slope"] = slope;
    context->saved_data["bf16"] = bf16;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weights = saved[1];
    const auto kept = context->saved_data["kept"].toTensorVector();
    const int64_t nf = context->saved_data["nf"].toInt(), out = context->saved_data["out"].toInt(),
                  blocks = context->saved_data["blocks"].toInt();
    Plan& p = plan(x, nf, out, blocks, context->saved_data["slope"].toDouble(),
                   context->saved_data["bf16"].toBool());
    const Flat flat = layout(x.size(1), nf, out, blocks);
    const auto* w = weights.data_ptr<float>();
    torch::Tensor result = torch::empty_like(weights);
    auto* g = result.data_ptr<float>();
    dnnl::stream stream(engine());

    const torch::Tensor dy = gradients[0].contiguous(), last = p.buffer(p.output);
    memory plain = view(p.plain_output, dy), blocked = view(p.output, last);
    dnnl::reorder(plain, blocked).execute(stream, plain, blocked);
    torch::Tensor ahead = p.buffer(p.features), behind = p.buffer(p.features), skip;
    Layer& tail = p.layers.back();
    tail.weight_gradient(stream, view(p.features, kept.back()), blocked, g + flat.weight.back(),
                         g + flat.bias.back());
    tail.input_gradient(stream, w + flat.weight.back(), blocked, view(p.features, ahead));
    for (int64_t i = blocks; i >= 0; --i) {
      memory d = view(p.features, ahead);
      p.relu.execute(
          stream,
          {{DNNL_ARG_DST, view(p.features, kept[i + 1])}, {DNNL_ARG_DIFF_DST, d}, {DNNL_ARG_DIFF_SRC, d}});
      if (i == blocks && i > 0) skip = ahead.clone();
      p.layers[i].weight_gradient(stream, view(i == 0 ? p.input : p.features, kept[i]), d, g + flat.weight[i],
                                  g + flat.bias[i]);
      if (i == 0) break;
      memory to = view(p.features, behind);
      p.layers[i].input_gradient(stream, w + flat.weight[i], d, to);
      std::swap(ahead, behind);
      if (i == 1) {
        memory s = view(p.features, skip);
        p.add.execute(stream, {{DNNL_ARG_SRC_0, to}, {DNNL_ARG_SRC_1, s}, {DNNL_ARG_DST, to}});
      }
    }
    stream.wait();
    return {torch::Tensor(), result,          torch::Tensor(), torch::Tensor(),
            torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

bool stack_cpu_takes(const torch::Tensor& x, const StackWeights& weights) {
  static const int64_t block = std::max(numbers(false).block, numbers(true).block);
  const int64_t nf = weights.weight.front().size(0);
  return block > 0 && x.is_cpu() && x.dtype() == torch::kFloat && nf % block == 0 &&
         weights.weight.size() > 2;
}

torch::Tensor stack_cpu(const torch::Tensor& x, const StackWeights& weights, double slope, bool bf16) {
  const Numbers n = numbers(bf16);
  // Channels of zeros, to a whole block.
  const int64_t missing = n.input == n.blocked ? (n.block - x.size(1) % n.block) % n.block : 0;
  std::vector<torch::Tensor> flat;
  for (size_t i = 0; i < weights.weight.size(); ++i) {
    const torch::Tensor& w = weights.weight[i];
    flat.push_back((i == 0 ? torch::constant_pad_nd(w, {0, 0, 0, 0, 0, missing}) : w).flatten());
    flat.push_back(weights.bias[i]);
  }
  return Stack::apply(torch::constant_pad_nd(x, {0, 0, 0, 0, 0, missing}).contiguous(), torch::cat(flat),
                      weights.weight.front().size(0), weights.weight.back().size(0),
                      static_cast<int64_t>(weights.weight.size()) - 2, slope, bf16);
}

}  // namespace cdsr::nn

#else

namespace cdsr::nn {

bool stack_cpu_takes(const torch::Tensor&, const StackWeights&) { return false; }

torch::Tensor stack_cpu(const torch::Tensor&, const StackWeights&, double, bool) {
  TORCH_CHECK(false, "built without oneDNN");
}

}  // namespace cdsr::nn

#endif
