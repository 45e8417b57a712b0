// Single operators: programs of one segment, run by the engine's own Runner.
#include <algorithm>

#include "model/cpu/cpu.h"
#include "model/cpu/isa.h"
#include "model/cpu/runner.h"
#include "model/vectors.h"

namespace cdsr::cpu {
namespace {

float widen(Bf16 v) {
  const uint32_t bits = static_cast<uint32_t>(v.bits) << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

/// Planes 0 to 2 of a map as a source and as a sink.
class MapSource final : public RowSource {
 public:
  explicit MapSource(ConstMap map) : map_(map) {}
  void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const override {
    for (int p = 0; p < 3; ++p)
      for (int r = 0; r < rows; ++r)
        std::copy_n(map_.plane(p) + static_cast<ptrdiff_t>(y + r) * map_.width, map_.width,
                    dst[p] + r * stride);
  }

 private:
  ConstMap map_;
};

class MapSink final : public RowSink {
 public:
  explicit MapSink(Map map) : map_(map) {}
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override {
    for (int p = 0; p < 3; ++p)
      for (int r = 0; r < rows; ++r)
        std::copy_n(src[p] + r * stride, map_.width,
                    map_.plane(p) + static_cast<ptrdiff_t>(y + r) * map_.width);
  }

 private:
  Map map_;
};

class CpuOperators final : public Operators {
 public:
  explicit CpuOperators(const EngineOptions& options)
      : precision_(resolve_precision(options.precision, nullptr)),
        limit_(options.memory_limit.value_or(kProcessorMemory)),
        pool_(options.threads > 0 ? options.threads : available_processors()) {}

  Precision precision() const override { return precision_; }

  void conv(const Conv& conv, float slope, ConstMap in, const ConstMap* residual, Map out) override {
    const PackedConv packed(conv);
    Op op{
        .kind = OpKind::Conv, .in = 0, .out = 1, .radius = conv.kernel / 2, .slope = slope, .conv = &packed};
    if (residual != nullptr) op.aux = 2;
    run(features(3), {op}, options(conv.in), in, residual, out);
  }

  void dqa_vectors(const Dqa& dqa, std::span<const float> y, std::span<const float> query,
                   std::span<float> gate, std::span<float> filter) override {
    DqaCondition condition(dqa.query.out);
    condition_dqa(dqa, y, condition);
    std::copy(condition.gate.begin(), condition.gate.end(), gate.begin());
    filter_dqa(dqa, condition, query, filter);
  }

  void dqa(const Dqa& dqa, std::span<const float> gate, std::span<const float> filter, ConstMap in,
           Map out) override {
    const PackedConv packed(dqa.conv);
    const int nf = dqa.query.out;
    dqas_.clear();
    dqas_.push_back(make_dqa_vectors(nf));
    store_gate(gate, dqas_[0]);
    store_filter(filter, dqas_[0]);
    const Op op{
        .kind = OpKind::Dqa, .in = 0, .out = 1, .radius = 1, .slope = kFuseSlope, .dqa = 0, .conv = &packed};
    run(features(2), {op}, options(nf), in, nullptr, out);
  }

  void dense_block(const DenseBlock& block, ConstMap in, Map out) override {
    const PackedDense packed = pack_dense(block);
    const Op op{.kind = OpKind::Dense, .in = 0, .out = 1, .radius = 5, .dense = &packed};
    RunnerOptions o = options(block.conv[0].in);
    o.growth = padded_channels(block.conv[0].out);
    run(features(2), {op}, o, in, nullptr, out);
  }

  void tail(const Conv& conv, int scale, Skip skip, ConstMap in, ConstMap input, Map out) override {
    const PackedConv packed(conv);
    RunnerOptions o = options(conv.in);
    o.scale = scale;
    o.skip = skip == Skip::Bicubic;
    o.tail_channels = packed.out();
    std::vector<TensorPlan> tensors = features(1);
    tensors.push_back({TensorPlan::Values, packed.out(), false});
    tensors.push_back({TensorPlan::Enlarged, 0, false});
    tensors.push_back({TensorPlan::Picture, 0, false});
    const std::vector<Op> ops = {
        {.kind = OpKind::Read, .out = 3},
        {.kind = OpKind::Tail, .in = 0, .out = 1, .radius = 1, .conv = &packed},
        {.kind = OpKind::Shuffle, .in = 1, .out = 2, .aux = o.skip ? 3 : -1, .aux_radius = o.skip ? 2 : 0},
        {.kind = OpKind::Write, .in = 2}};
    for (TensorPlan& t : tensors)
      if (t.kind == TensorPlan::Features) t.channels = o.channels;
    const MapSource source(input);
    MapSink sink(out);
    run(std::move(tensors), ops, o, in, nullptr, {}, &source, &sink);
  }

 private:
  RunnerOptions options(int channels) const {
    RunnerOptions o;
    o.type = precision_ == Precision::Bf16 ? Type::Bf16 : Type::F32;
    o.channels = padded_channels(channels);
    return o;
  }
  static std::vector<TensorPlan> features(int count) {
    return std::vector<TensorPlan>(count, {TensorPlan::Features, 0, true});
  }

  /// Tensor 0 is `in`, tensor 2 the residual; tensor 1 becomes `out` unless a sink takes the result.
  void run(std::vector<TensorPlan> tensors, const std::vector<Op>& ops, const RunnerOptions& o, ConstMap in,
           const ConstMap* residual, Map out, const RowSource* source = nullptr, RowSink* sink = nullptr) {
    for (TensorPlan& t : tensors)
      if (t.kind == TensorPlan::Features) t.channels = o.channels;
    Program program;
    program.tensors = std::move(tensors);
    program.segments = {{ops, -1}};
    Runner runner(pool_, o);
    runner.plan({&program}, in.width, in.height, limit_, 0);
    store(runner, 0, in, o);
    if (residual != nullptr) store(runner, 2, *residual, o);
    runner.run(0, 0, dqas_, source, sink);
    if (sink == nullptr) load(runner, 1, out, o);
  }

  static void store(const Runner& runner, int tensor, ConstMap map, const RunnerOptions& o) {
    for (int y = 0; y < map.height; ++y)
      for (int x = 0; x < map.width; ++x)
        for (int c = 0; c < map.channels; ++c) {
          const float v = map.plane(c)[static_cast<ptrdiff_t>(y) * map.width + x];
          const ptrdiff_t at = static_cast<ptrdiff_t>(x) * o.channels + c;
          std::byte* const row = runner.frame_row(0, tensor, y);
          if (o.type == Type::F32)
            reinterpret_cast<float*>(row)[at] = v;
          else
            reinterpret_cast<Bf16*>(row)[at] = narrow(v);
        }
  }

  static void load(const Runner& runner, int tensor, Map map, const RunnerOptions& o) {
    for (int y = 0; y < map.height; ++y)
      for (int x = 0; x < map.width; ++x)
        for (int c = 0; c < map.channels; ++c) {
          const ptrdiff_t at = static_cast<ptrdiff_t>(x) * o.channels + c;
          const std::byte* const row = runner.frame_row(0, tensor, y);
          map.plane(c)[static_cast<ptrdiff_t>(y) * map.width + x] =
              o.type == Type::F32 ? reinterpret_cast<const float*>(row)[at]
                                  : widen(reinterpret_cast<const Bf16*>(row)[at]);
        }
  }

  Precision precision_;
  size_t limit_;
  ThreadPool pool_;
  std::vector<DqaVectors> dqas_;
};

}  // namespace

std::unique_ptr<Operators> operators(const EngineOptions& options) {
  return std::make_unique<CpuOperators>(options);
}

}  // namespace cdsr::cpu
