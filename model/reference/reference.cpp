#include "model/reference/reference.h"

#include <algorithm>

#include "model/error.h"
#include "model/reference/encoder.h"
#include "model/reference/sr.h"
#include "model/reference/vectors.h"

namespace cdsr::reference {
namespace {

void need_fp32(Precision precision) {
  if (precision == Precision::Auto || precision == Precision::Fp32) return;
  fail(Errc::Unsupported, "the reference backend has no precision {}: use auto or fp32",
       to_string(precision));
}

class ReferenceEngine final : public EngineBackend {
 public:
  ReferenceEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
      : network_(std::move(network)), options_(options) {
    need_fp32(options.precision);
    info_.backend = "reference";
    info_.detail = "plain loops, double accumulation";
    info_.precision = Precision::Fp32;
    info_.threads = 1;
  }

  const EngineInfo& info() const override { return info_; }

  void plan(int width, int height) override {
    const size_t need = bytes_needed(width, height);
    const size_t limit = options_.memory_limit.value_or(kProcessorMemory);
    if (limit != 0 && need > limit)
      fail(Errc::OutOfMemory,
           "memory={} is too little for frames of {}x{} in the reference backend: the limit is {} MiB, the "
           "least that works is memory={}",
           limit >> 20, width, height, limit >> 20, (need + (1 << 20) - 1) >> 20);
    width_ = width;
    height_ = height;
    info_.planned_bytes = need;
  }

  void embed(const RowSource& frame, std::span<float> out) override {
    const std::vector<float> e = embedding(*network_, window_features(*network_, read(frame)));
    std::copy(e.begin(), e.end(), out.begin());
  }

  void condition(std::span<const float> embedding) override {
    y_ = conditioning(*network_, embedding);
    if (network_->config.body == Body::Stack) convs_ = mixed_convs(*network_, embedding, sharpness_);
  }

  void set_sharpness(float sharpness) override { sharpness_ = sharpness; }

  void measure_queries(const RowSource& frame, std::span<float> queries) override {
    run(frame, [&](int index, const FeatureMap& in) {
      const std::vector<float> mean = channel_means(in);
      std::copy(mean.begin(), mean.end(),
                queries.begin() + static_cast<ptrdiff_t>(index) * network_->config.nf);
      return make_filter(index, mean);
    });
  }

  void set_queries(std::span<const float> queries) override {
    const int nf = network_->config.nf;
    filters_.clear();
    for (int i = 0; i < network_->config.dqas(); ++i)
      filters_.push_back(make_filter(i, queries.subspan(static_cast<size_t>(i) * nf, nf)));
  }

  void upscale(const RowSource& frame, RowSink& out) override {
    const FeatureMap sr = run(frame, [&](int index, const FeatureMap& in) {
      return options_.query == Query::Shot ? filters_[index] : make_filter(index, channel_means(in));
    });
    const float* planes[3] = {};
    for (int c = 0; c < sr.channels; ++c) planes[c] = sr.plane(c);
    out.write(0, sr.height, planes, sr.width);
  }

 private:
  /// Widest moment: a dense block's concatenation twice (before and after one more part), or the encoder.
  size_t bytes_needed(int width, int height) const {
    const CdsrConfig& c = network_->config;
    const size_t nf = c.nf, gc = c.gc, scale = c.scale;
    const size_t dense = c.body == Body::Rrdb ? 2 * (nf + 4 * gc) : 2 * nf;
    const size_t channels = 3 * nf + dense + 12 + 9 * scale * scale;
    const size_t whole = static_cast<size_t>(width) * height;
    const size_t encoder = std::min<size_t>(whole, static_cast<size_t>(16) * 48 * 48) * 8 * c.lpe_nf;
    return sizeof(float) * (whole * channels + encoder);
  }

  std::vector<float> make_filter(int index, std::span<const float> mean) const {
    const int per_block = network_->config.dqas_per_block();
    if (per_block == 0) fail(Errc::Internal, "a filter of a network without DQAs");
    return dynamic_filter(network_->blocks[index / per_block].dqa[index % per_block], y_[index / per_block],
                          mean);
  }

  FeatureMap read(const RowSource& frame) const {
    FeatureMap map(network_->config.channels(), height_, width_);
    float* planes[3] = {};
    for (int c = 0; c < map.channels; ++c) planes[c] = map.plane(c);
    frame.read(0, height_, planes, width_);
    return map;
  }

  FeatureMap run(const RowSource& frame, const FilterOf& filter_of) const {
    return super_resolve(*network_, y_, convs_, filter_of, read(frame));
  }

  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  EngineInfo info_;
  int width_ = 0, height_ = 0;
  float sharpness_ = 0;
  std::vector<std::vector<float>> y_;
  std::vector<Conv> convs_;  // Body::Stack: with the shot's weights
  std::vector<std::vector<float>> filters_;
};

class ReferenceOperators final : public Operators {
 public:
  Precision precision() const override { return Precision::Fp32; }

  void conv(const Conv& conv, float slope, ConstMap in, const ConstMap* residual, Map out) override {
    FeatureMap map = conv2d(conv, load(in));
    leaky_relu(map, slope);
    if (residual != nullptr) scale_add(map, 1.0F, load(*residual));
    store(map, out);
  }

  void dqa_vectors(const Dqa& dqa, std::span<const float> y, std::span<const float> query,
                   std::span<float> gate_out, std::span<float> filter_out) override {
    const std::vector<float> s = gate(dqa, y), k = dynamic_filter(dqa, y, query);
    std::copy(s.begin(), s.end(), gate_out.begin());
    std::copy(k.begin(), k.end(), filter_out.begin());
  }

  void dqa(const Dqa& dqa, std::span<const float> gate, std::span<const float> filter, ConstMap in,
           Map out) override {
    store(dqa_layer(dqa, gate, filter, load(in)), out);
  }

  void dense_block(const DenseBlock& block, ConstMap in, Map out) override {
    store(reference::dense_block(block, load(in)), out);
  }

  void tail(const Conv& conv, int scale, Skip skip, ConstMap features, ConstMap input, Map out) override {
    store(tail_layer(conv, scale, skip, load(features), load(input)), out);
  }

 private:
  static FeatureMap load(ConstMap view) {
    FeatureMap map(view.channels, view.height, view.width);
    std::copy_n(view.data, view.count(), map.data.begin());
    return map;
  }
  static void store(const FeatureMap& map, Map view) {
    std::copy(map.data.begin(), map.data.end(), view.data);
  }
};

}  // namespace

bool available(std::string&) { return true; }

std::unique_ptr<EngineBackend> create(std::shared_ptr<const Network> network, const EngineOptions& options) {
  return std::make_unique<ReferenceEngine>(std::move(network), options);
}

std::unique_ptr<Operators> operators(const EngineOptions& options) {
  need_fp32(options.precision);
  return std::make_unique<ReferenceOperators>();
}

}  // namespace cdsr::reference
