#include "model/cuda/conv_graph.h"

#include <algorithm>

#include "model/error.h"

namespace cdsr::cuda {
namespace {

constexpr int64_t kAlignment = 16;
constexpr int64_t kFirstVirtual = 100;  ///< ids of what stays inside the kernel

/// Puts the descriptors of one graph together.
class Builder {
 public:
  Builder(const Cudnn& cudnn, const ConvGraphShape& shape, std::vector<Descriptor>& parts)
      : cudnn_(cudnn), s_(shape), parts_(parts) {
    parts_.reserve(32);
  }

  std::vector<cudnnBackendDescriptor_t> operations;

  void build() {
    const cudnnDataType_t half = s_.bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_HALF;
    const cudnnDataType_t product = s_.fp8 ? CUDNN_DATA_FP8_E4M3 : half;
    const Descriptor& x = tensor(ConvTensor::In, s_.in, s_.in_pitch, product);
    const Descriptor& w = filter(product);
    const Descriptor* y = &inner();
    convolution(x, w, *y);
    if (s_.fp8) y = &pointwise(CUDNN_POINTWISE_MUL, *y, &each_output(ConvTensor::Factor), inner());
    // Bias, activation, residuals: those that are there, the last of them into memory.
    const bool activates = s_.slope != 1, first = s_.first_pitch > 0, second = s_.second_pitch > 0;
    const cudnnDataType_t out_type = s_.float_out ? CUDNN_DATA_FLOAT
                                     : s_.fp8_out ? CUDNN_DATA_FP8_E4M3
                                                  : half;
    const auto next = [&](bool last) -> const Descriptor& {
      return last && !s_.fp8_out ? result(out_type) : inner();
    };
    y = &pointwise(CUDNN_POINTWISE_ADD, *y, &each_output(ConvTensor::Bias), next(!activates && !first));
    if (activates) y = &pointwise(CUDNN_POINTWISE_RELU_FWD, *y, nullptr, next(!first), s_.slope);
    // Factors are operations of their own: the engines take no others in an addition than 1.
    if (s_.scale != 1) y = &pointwise(CUDNN_POINTWISE_MUL, *y, &scalar(ConvTensor::Scale), inner());
    if (first) {
      const Descriptor* r = &tensor(ConvTensor::First, s_.out, s_.first_pitch, half);
      if (s_.first_scale != 1)
        r = &pointwise(CUDNN_POINTWISE_MUL, *r, &scalar(ConvTensor::FirstScale), inner());
      y = &pointwise(CUDNN_POINTWISE_ADD, *y, r, next(!second));
    }
    if (second)
      y = &pointwise(CUDNN_POINTWISE_ADD, *y, &tensor(ConvTensor::Second, s_.out, s_.second_pitch, half),
                     next(true));
    if (s_.fp8_out) pointwise(CUDNN_POINTWISE_MUL, *y, &out_scale(), result(out_type));
  }

 private:
  Descriptor& add(cudnnBackendDescriptorType_t type) { return parts_.emplace_back(cudnn_, type); }

  const Descriptor& described(int64_t id, const std::vector<int64_t>& dims,
                              const std::vector<int64_t>& strides, cudnnDataType_t type, bool inside) {
    return add(CUDNN_BACKEND_TENSOR_DESCRIPTOR)
        .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, dims)
        .set(CUDNN_ATTR_TENSOR_STRIDES, strides)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignment)
        .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, inside)
        .finish("a tensor");
  }
  const Descriptor& map(int64_t id, int channels, int pitch, cudnnDataType_t type, bool inside) {
    const int64_t row = static_cast<int64_t>(s_.width) * pitch;
    return described(id, {1, channels, s_.height, s_.width}, {row * s_.height, 1, row, pitch}, type, inside);
  }
  const Descriptor& tensor(ConvTensor id, int channels, int pitch, cudnnDataType_t type) {
    return map(static_cast<int64_t>(id), channels, pitch, type, false);
  }
  const Descriptor& result(cudnnDataType_t type) {
    return tensor(ConvTensor::Out, s_.out, s_.out_pitch, type);
  }
  /// What stays in registers, fp32.
  const Descriptor& inner() { return map(kFirstVirtual + next_++, s_.out, s_.out, CUDNN_DATA_FLOAT, true); }
  const Descriptor& filter(cudnnDataType_t type) {
    return described(static_cast<int64_t>(ConvTensor::Weights), {s_.out, s_.in, 3, 3},
                     {int64_t{9} * s_.in, 1, int64_t{3} * s_.in, s_.in}, type, false);
  }
  const Descriptor& each_output(ConvTensor id) {
    return described(static_cast<int64_t>(id), {1, s_.out, 1, 1}, {s_.out, 1, s_.out, s_.out},
                     CUDNN_DATA_FLOAT, false);
  }
  const Descriptor& out_scale() {
    return described(static_cast<int64_t>(ConvTensor::OutScale), {1, 1, 1, 1}, {1, 1, 1, 1}, CUDNN_DATA_FLOAT,
                     false);
  }

  void convolution(const Descriptor& x, const Descriptor& w, const Descriptor& y) {
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const std::vector<int64_t> ones{1, 1};
    Descriptor& conv = add(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    conv.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, ones)
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, ones)
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, ones)
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, ones)
        .finish("a convolution");
    Descriptor& op = add(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, conv)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0F, CUDNN_TYPE_DOUBLE)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0F, CUDNN_TYPE_DOUBLE)
        .finish("a convolution");
    operations.push_back(op.get());
  }

  /// A factor that is given when the graph is run.
  const Descriptor& scalar(ConvTensor id) {
    return add(CUDNN_BACKEND_TENSOR_DESCRIPTOR)
        .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, static_cast<int64_t>(id))
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT)
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<int64_t>{1, 1, 1, 1})
        .set(CUDNN_ATTR_TENSOR_STRIDES, std::vector<int64_t>{1, 1, 1, 1})
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignment)
        .set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, true)
        .finish("a factor");
  }

  /// Returns y. slope: of RELU_FWD.
  const Descriptor& pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor* b,
                              const Descriptor& y, float slope = 0) {
    Descriptor& what = add(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    what.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode)
        .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    if (mode == CUDNN_POINTWISE_RELU_FWD)
      what.set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, slope, CUDNN_TYPE_DOUBLE);
    what.finish("a pointwise operation");
    Descriptor& op = add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, what)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    if (b != nullptr) op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    op.finish("a pointwise operation");
    operations.push_back(op.get());
    return y;
  }

  const Cudnn& cudnn_;
  const ConvGraphShape& s_;
  std::vector<Descriptor>& parts_;
  int64_t next_ = 0;
};

/// An engine's notes of one kind.
template <typename Note>
std::vector<Note> notes(const Cudnn& cudnn, const Descriptor& engine, cudnnBackendAttributeName_t name,
                        cudnnBackendAttributeType_t type) {
  constexpr int64_t kMost = 32;
  std::vector<Note> all(kMost);
  int64_t count = 0;
  cudnn.check(cudnn.get_attribute(engine.get(), name, type, kMost, &count, all.data()),
              "reading an engine's notes");
  all.resize(std::clamp(count, int64_t{0}, kMost));
  return all;
}

}  // namespace

ConvGraph::ConvGraph(const Cudnn& cudnn, const ConvGraphShape& shape, cudnnHandle_t handle,
                     const Descriptor* device)
    : cudnn_(cudnn), handle_(handle), device_(device) {
  Builder builder(cudnn, shape, parts_);
  builder.build();
  graph_.emplace(cudnn, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  if (handle != nullptr) graph_->set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  graph_->set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
              static_cast<int64_t>(builder.operations.size()), builder.operations.data());
  graph_->finish("the graph of a convolution");
}

std::vector<ConvGraph::Candidate> ConvGraph::candidates() const {
  std::vector<Candidate> all;
  const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
  Descriptor heuristics(cudnn_, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, *graph_)
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  if (device_ != nullptr) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device_);
  heuristics.finish("cuDNN's heuristics");
  int64_t count = 0;
  cudnn_.check(cudnn_.get_attribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
               "counting engine configurations");
  std::vector<cudnnBackendDescriptor_t> raw;
  for (int64_t i = 0; i < count; ++i) {
    all.push_back({Descriptor(cudnn_, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR), -1});
    raw.push_back(all.back().config.get());
  }
  if (count == 0) return all;
  cudnn_.check(cudnn_.get_attribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, raw.data()),
               "reading engine configurations");
  while (static_cast<int64_t>(all.size()) > count) all.pop_back();  // fewer than were announced
  for (Candidate& c : all) {
    Descriptor engine(cudnn_, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendDescriptor_t to = engine.get();
    int64_t one = 0;
    cudnn_.check(cudnn_.get_attribute(c.config.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &one, &to),
                 "reading an engine");
    c.engine = engine.get_int(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    c.exact = true;
    for (const auto note : notes<cudnnBackendNumericalNote_t>(
             cudnn_, engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE))
      if (note != CUDNN_NUMERICAL_NOTE_TENSOR_CORE && note != CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP)
        c.exact = false;
    for (const auto note : notes<cudnnBackendBehaviorNote_t>(cudnn_, engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                                             CUDNN_TYPE_BEHAVIOR_NOTE))
      if (note == CUDNN_BEHAVIOR_NOTE_SUPPORTS_CUDA_GRAPH_NATIVE_API) c.native_graph = true;
  }
  return all;
}

std::optional<Descriptor> ConvGraph::plan(const Candidate& candidate) const {
  Descriptor plan(cudnn_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  if (handle_ != nullptr) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle_);
  if (device_ != nullptr) plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *device_);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, candidate.config);
  if (!plan.try_finish()) return std::nullopt;
  return plan;
}

Descriptor variant_pack(const Cudnn& cudnn, const ConvCall& call, void* workspace) {
  std::vector<int64_t> ids;
  std::vector<void*> pointers;
  for (const auto& [id, pointer] : call.bindings()) {
    ids.push_back(static_cast<int64_t>(id));
    pointers.push_back(const_cast<void*>(pointer));
  }
  Descriptor pack(cudnn, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, static_cast<int64_t>(pointers.size()),
           pointers.data())
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace)
      .finish("the tensors of a convolution");
  return pack;
}

std::optional<Descriptor> ConvGraph::restore(const std::string& json) const {
  Descriptor plan(cudnn_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  // The text before the handle, as NVIDIA's front end does it.
  if (cudnn_.set_attribute(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                           static_cast<int64_t>(json.size()), json.data()) != CUDNN_STATUS_SUCCESS)
    return std::nullopt;
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle_);
  if (!plan.try_finish()) return std::nullopt;
  return plan;
}

}  // namespace cdsr::cuda
