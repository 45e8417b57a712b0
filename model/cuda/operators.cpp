// Single operators: the engine's kernels on one map, copied there and back.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "model/cuda/kernels.h"
#include "model/cuda/module_entry.h"
#include "model/cuda/weights.h"
#include "model/error.h"
#include "model/vectors.h"

namespace cdsr::cuda {
namespace {

template <typename T>
class OperatorsOf final : public Operators {
 public:
  OperatorsOf(std::shared_ptr<Context> context, Precision precision)
      : context_(std::move(context)), precision_(precision) {
    const Context::Scope scope(*context_);
    load_conv_kernels<T>();
    load_pixel_kernels();
  }

  Precision precision() const override { return precision_; }

  void conv(const Conv& conv, float slope, ConstMap in, const ConstMap* residual, Map out) override {
    const Context::Scope scope(*context_);
    if (conv.kernel == 1) return pointwise(conv, slope, in, residual, out);
    Uploads uploads(context_);
    const ConvWeights<T> w = upload<T>(uploads, conv);
    const DeviceBuffer x = pixels(in, padded(in.channels));
    DeviceBuffer r, y(sizeof(T) * out.width * out.height * w.out);
    ConvArgs<T> a = conv_args(w, in.width, in.height, x.as<T>(), padded(in.channels), y.as<T>(), w.out);
    a.slope = slope;
    if (residual != nullptr) {
      r = pixels(*residual, w.out);
      a.first = r.as<T>();
      a.first_pitch = w.out;
      a.first_scale = 1;
    }
    poison(y);
    launch_conv<T, T>(a, nullptr);
    planes(y, w.out, out);
  }

  void dqa_vectors(const Dqa& dqa, std::span<const float> y, std::span<const float> query,
                   std::span<float> gate, std::span<float> filter) override {
    const Context::Scope scope(*context_);
    Uploads uploads(context_);
    const int nf = dqa.query.out, channels = padded(nf);
    DqaCondition condition(nf);
    condition_dqa(dqa, y, condition);
    std::copy(condition.gate.begin(), condition.gate.end(), gate.begin());
    DeviceBuffer filters(sizeof(float) * 9 * channels);
    DqaArgs d;
    d.nf = nf;
    d.channels = channels;
    d.gamma = dqa.gamma;
    d.query_weight = uploads.add(transposed(dqa.query));
    d.query_bias = uploads.add(dqa.query.bias);
    d.kernel0 = uploads.add(transposed(dqa.kernel0));
    d.kernel1 = uploads.add(transposed(dqa.kernel1));
    d.key = uploads.add(condition.key);
    d.value = uploads.add(condition.value);
    d.y = uploads.add(condition.y);
    d.mean = uploads.add(std::vector<float>(query.begin(), query.end()));
    d.filter = filters.as<float>();
    poison(filters);
    launch_dqa_vectors(d, nullptr);
    std::vector<float> taps(static_cast<size_t>(9) * channels);
    read(filters, taps.data());
    for (int c = 0; c < nf; ++c)
      for (int t = 0; t < 9; ++t) filter[9 * c + t] = taps[t * channels + c];
  }

  void dqa(const Dqa& dqa, std::span<const float> gate, std::span<const float> filter, ConstMap in,
           Map out) override {
    const Context::Scope scope(*context_);
    Uploads uploads(context_);
    const ConvWeights<T> w = upload<T>(uploads, dqa.conv);
    std::vector<float> taps(static_cast<size_t>(9) * w.out, 0.0F);
    for (int c = 0; c < in.channels; ++c)
      for (int t = 0; t < 9; ++t) taps[t * w.out + c] = filter[9 * c + t];
    const DeviceBuffer x = pixels(in, w.out), y(x.bytes());
    ConvArgs<T> a = conv_args(w, in.width, in.height, x.as<T>(), w.out, y.as<T>(), w.out);
    a.slope = kFuseSlope;
    a.filter = uploads.add(taps);
    a.gate = uploads.add(pad_vector({gate.begin(), gate.end()}, w.out));
    poison(y);
    launch_dqa(a, nullptr);
    planes(y, w.out, out);
  }

  void dense_block(const DenseBlock& block, ConstMap in, Map out) override {
    const Context::Scope scope(*context_);
    Uploads uploads(context_);
    const int channels = padded(in.channels), growth = padded(block.conv[0].out),
              pitch = channels + 4 * growth;
    const DeviceBuffer x = pixels(in, pitch), y(sizeof(T) * in.width * in.height * channels);
    std::vector<int> parts{in.channels};
    poison(y);
    for (int i = 0; i < 5; ++i) {
      const ConvWeights<T> w = upload<T>(uploads, block.conv[i], parts);
      T* const to = i < 4 ? x.as<T>() + channels + i * growth : y.as<T>();
      ConvArgs<T> a = conv_args(w, in.width, in.height, x.as<T>(), pitch, to, i < 4 ? pitch : channels);
      if (i < 4) {
        a.slope = kDenseSlope;
      } else {
        a.scale = kResidualScale;
        a.first = x.as<T>();
        a.first_pitch = pitch;
        a.first_scale = 1;
      }
      launch_conv<T, T>(a, nullptr);
      parts.push_back(block.conv[0].out);
    }
    planes(y, channels, out);
  }

  void tail(const Conv& conv, int scale, Skip skip, ConstMap features, ConstMap input, Map out) override {
    const Context::Scope scope(*context_);
    Uploads uploads(context_);
    const ConvWeights<T> w = upload<T>(uploads, conv);
    const DeviceBuffer x = pixels(features, padded(features.channels)),
                       values(sizeof(float) * features.width * features.height * w.out),
                       result(sizeof(float) * out.count());
    ConvArgs<T> a = conv_args(w, features.width, features.height, x.as<T>(), padded(features.channels),
                              static_cast<T*>(nullptr), w.out);
    a.out = values.as<float>();
    poison(values);
    poison(result);
    launch_conv<T, float>(a, nullptr);
    TailArgs t;
    t.values = values.as<float>();
    t.pitch = w.out;
    t.scale = scale;
    t.skip = skip == Skip::Bicubic;
    const float* const picture = uploads.add(std::vector<float>(input.data, input.data + input.count()));
    const size_t plane = static_cast<size_t>(input.width) * input.height;
    for (size_t p = 0; p < 3; ++p) t.picture.plane[p] = picture + p * plane;
    t.picture.stride = t.picture.width = input.width;
    t.picture.height = input.height;
    t.taps = bicubic_taps(scale);
    auto* const first = result.template as<float>();
    const size_t large = static_cast<size_t>(out.width) * out.height;
    float* const planes[3] = {first, first + large, first + 2 * large};
    launch_planes(t, planes, out.width, nullptr);
    read(result, out.data);
  }

 private:
  /// The engine has 1x1 convolutions inside its DQAs alone: here one is a 3x3 with zeros around its centre.
  void pointwise(const Conv& conv, float slope, ConstMap in, const ConstMap* residual, Map out) {
    Conv wide = conv;
    wide.kernel = 3;
    wide.padding = 1;
    wide.weight.assign(conv.weight.size() * 9, 0.0F);
    for (size_t i = 0; i < conv.weight.size(); ++i) wide.weight[9 * i + 4] = conv.weight[i];
    this->conv(wide, slope, in, residual, out);
  }

  static void poison(const DeviceBuffer& buffer) {
    check(cudaMemset(buffer.as<void>(), 0xFF, buffer.bytes()), "poisoning an output");  // NaN in every type
  }
  static void read(const DeviceBuffer& buffer, void* to) {
    check(cudaMemcpy(to, buffer.as<void>(), buffer.bytes(), cudaMemcpyDeviceToHost), "reading a result");
  }
  static DeviceBuffer pixels(ConstMap map, int pitch) {
    std::vector<T> all(static_cast<size_t>(map.width) * map.height * pitch, T(0.0F));
    for (int c = 0; c < map.channels; ++c)
      for (int i = 0; i < map.width * map.height; ++i)
        all[static_cast<size_t>(i) * pitch + c] = T(map.plane(c)[i]);
    DeviceBuffer buffer(all.size() * sizeof(T));
    check(cudaMemcpy(buffer.as<void>(), all.data(), buffer.bytes(), cudaMemcpyHostToDevice), "copying a map");
    return buffer;
  }
  static void planes(const DeviceBuffer& buffer, int pitch, Map map) {
    std::vector<T> all(buffer.bytes() / sizeof(T));
    read(buffer, all.data());
    for (int c = 0; c < map.channels; ++c)
      for (int i = 0; i < map.width * map.height; ++i)
        map.plane(c)[i] = static_cast<float>(all[static_cast<size_t>(i) * pitch + c]);
  }

  std::shared_ptr<Context> context_;
  Precision precision_;
};

}  // namespace

std::unique_ptr<Operators> make_operators(const EngineOptions& options) {
  const auto context = Context::open(options.device, options.cuda_context);
  switch (options.precision) {
    case Precision::Fp32:
      return std::make_unique<OperatorsOf<float>>(context, Precision::Fp32);
    case Precision::Bf16:
      if (context->capability() < 80)
        fail(Errc::Unsupported, "precision bf16 needs sm_80, the GPU is sm_{}", context->capability());
      return std::make_unique<OperatorsOf<__nv_bfloat16>>(context, Precision::Bf16);
    case Precision::Int8:
      fail(Errc::Unsupported, "int8 is for the cpu backend: single operators run in fp32, bf16 or fp16");
    case Precision::Fp8:
      fail(Errc::Unsupported, "fp8 is for whole networks: single operators run in fp32, bf16 or fp16");
    default:
      return std::make_unique<OperatorsOf<__half>>(context, Precision::Fp16);
  }
}

}  // namespace cdsr::cuda
