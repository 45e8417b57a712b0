#include "model/cuda/runner.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "model/cuda/mixed_weights.h"
#include "model/error.h"

namespace cdsr::cuda {
namespace {

constexpr size_t kAlign = 256;

}  // namespace

template <>
struct ProductType<Fp8> {
  static constexpr bool kBf16 = false;
};
template <>
struct ProductType<__half> {
  static constexpr bool kBf16 = false;
};
template <>
struct ProductType<__nv_bfloat16> {
  static constexpr bool kBf16 = true;
};

namespace {

template <typename T>
class RunnerOf final : public Runner {
 public:
  /// fp8: the dense blocks; T is __half then.
  RunnerOf(const std::shared_ptr<Context>& context, const std::shared_ptr<const Network>& network,
           bool fp8 = false)
      : network_(network),
        config_(network->config),
        fixed_(network->experts.empty() ? convolution_weights<T>(context, network) : nullptr),
        mixed_(network->experts.empty() ? nullptr
                                        : std::make_unique<const MixedWeights<T>>(context, network)),
        weights_(fixed_ != nullptr ? static_cast<const Convolutions<T>&>(*fixed_) : mixed_->convolutions()),
        vectors_(vector_weights(context, network)),
        channels_(padded(config_.nf)),
        dense_(config_.body == Body::Rrdb ? channels_ + 4 * padded(config_.gc) : 0),
        fp8_(fp8 ? std::make_unique<const DenseFp8>(context, network) : nullptr) {
    if (fp8_ != nullptr) dense_ = channels_;
    load_conv_kernels<T>();
  }

  size_t arena_bytes(int width, int rows) const override {
    const size_t pixels = static_cast<size_t>(width) * rows;
    return maps() * map_bytes(pixels, channels_) + (dense_ > 0 ? 2 * map_bytes(pixels, dense_) : 0) +
           (fp8_ != nullptr ? aligned(pixels * fp8_->pitch()) : 0);
  }

  void tune(const RunMemory& memory, std::span<const DqaState> dqas, std::span<const Band> bands,
            [[maybe_unused]] Means means, const TuneSettings& settings, cudaStream_t stream) override {
    plans_.reset();
    if constexpr (sizeof(T) == 2) {
      if (bands.size() != 1) return;
      plans_ = make_conv_plans(settings.log);
      if (plans_ == nullptr) return;
      const size_t values = arena_bytes(memory.width, memory.height) / sizeof(T);
      launch_noise(static_cast<T*>(memory.arena), static_cast<int64_t>(values), stream);
      std::vector<TunableCall> calls;
      Pass pass(*this, memory, dqas, bands[0], stream);
      if (fp8_ != nullptr) {
        fp8_->set_scales(true, stream);
        launch_noise(pass.buffer8, static_cast<int64_t>(memory.width) * memory.height * fp8_->pitch(),
                     stream);
      }
      pass.live = means != Means::Given;
      pass.calls = &calls;
      pass.run();
      plans_->tune(calls, settings.key, settings.cache, settings.most_workspace, stream);
      if (fp8_ != nullptr) fp8_->set_scales(false, stream);
    }
  }
  size_t workspace() const override { return plans_ != nullptr ? plans_->workspace() : 0; }

  void run(const RunMemory& memory, std::span<const DqaState> dqas, std::span<const Band> bands, Means means,
           cudaStream_t stream) const override {
    const int last = config_.dqas() - 1;
    if (means != Means::Given && bands.size() == 1) {
      Pass pass(*this, memory, dqas, bands[0], stream);
      pass.live = true;
      pass.stop = means == Means::Measured ? last : -1;
      pass.run();
      if (pass.stop >= 0) vectors(memory, dqas[last], last, pass.partial_count(), stream);
      return;
    }
    if (means != Means::Given)
      for (int d = 0; d <= last; ++d) {
        int count = 0;
        for (const Band& band : bands) {
          Pass pass(*this, memory, dqas, band, stream);
          pass.stop = d;
          pass.first_partial = count;
          pass.run();
          count += pass.partial_count();
        }
        vectors(memory, dqas[d], d, count, stream);
      }
    if (means != Means::Measured)
      for (const Band& band : bands) Pass(*this, memory, dqas, band, stream).run();
  }

  const DenseFp8* fp8() const override { return fp8_.get(); }

  void mix(std::span<const float> shares, cudaStream_t stream) const override {
    if (mixed_ != nullptr) mixed_->mix(shares, stream);
  }

  void make_filter(int dqa, const DqaState& state, cudaStream_t stream) const override {
    DqaArgs args = dqa_args(dqa, state);
    args.mean = state.mean;
    launch_dqa_vectors(args, stream);
  }

 private:
  /// Feature maps beside the dense buffers: the input of the first block, and three that take turns.
  size_t maps() const { return dense_ > 0 ? 4 : 3; }
  static size_t aligned(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }
  static size_t map_bytes(size_t pixels, int channels) { return aligned(pixels * channels * sizeof(T)); }

  DqaArgs dqa_args(int index, const DqaState& state) const {
    const int per_block = config_.dqas_per_block();
    if (per_block == 0) fail(Errc::Internal, "a DQA of a network without any");
    const VectorWeights::OfDqa& w = vectors_->dqas[index];
    DqaArgs a;
    a.nf = config_.nf;
    a.channels = channels_;
    a.gamma = network_->blocks[index / per_block].dqa[index % per_block].gamma;
    a.query_weight = w.query;
    a.query_bias = w.query_bias;
    a.kernel0 = w.kernel0;
    a.kernel1 = w.kernel1;
    a.key = state.key;
    a.value = state.value;
    a.y = state.y;
    a.filter = state.filter;
    return a;
  }

  /// Mean, query and filter of a DQA from `count` rows of partial sums.
  void vectors(const RunMemory& memory, const DqaState& state, int index, int count,
               cudaStream_t stream) const {
    DqaArgs a = dqa_args(index, state);
    a.partials = memory.partials;
    a.partial_count = count;
    a.partial_channels = channels_;
    if (count > kFolds) {
      launch_fold(memory.partials, count, channels_, memory.folded, stream);
      a.partials = memory.folded;
      a.partial_count = kFolds;
    }
    a.pixels = static_cast<float>(static_cast<int64_t>(memory.width) * memory.height);
    a.mean_out = state.mean;
    launch_dqa_vectors(a, stream);
  }

  /// The network on one band, up to the DQA `stop`, whose input's partial sums it leaves; or to the end.
  struct Pass {
    Pass(const RunnerOf& runner, const RunMemory& memory, std::span<const DqaState> dqas, const Band& band,
         cudaStream_t stream)
        : r(runner), m(memory), dqas(dqas), band(band), stream(stream), rows(band.bottom - band.top) {
      const size_t pixels = static_cast<size_t>(m.width) * rows;
      auto* at = static_cast<unsigned char*>(m.arena);
      for (size_t i = 0; i < r.maps(); ++i, at += map_bytes(pixels, r.channels_))
        map[i] = reinterpret_cast<T*>(at);
      for (int i = 0; i < 2 && r.dense_ > 0; ++i, at += map_bytes(pixels, r.dense_))
        dense[i] = reinterpret_cast<T*>(at);
      if (r.fp8_ != nullptr) buffer8 = reinterpret_cast<Fp8*>(at);
    }

    const RunnerOf& r;
    const RunMemory& m;
    std::span<const DqaState> dqas;
    const Band& band;
    cudaStream_t stream;
    int rows;
    int stop = -1, first_partial = 0;
    bool live = false;
    /// If given, nothing is queued: the convolutions that cuDNN could run are listed.
    std::vector<TunableCall>* calls = nullptr;
    T *map[4] = {}, *dense[2] = {};
    Fp8* buffer8 = nullptr;

    int partial_count() const { return tile_count(m.width, rows); }
    /// Where the op that makes DQA `index`'s input leaves its partial sums, if they are wanted.
    float* partials_for(int index) const {
      if (index >= r.config_.dqas() || !(live || stop == index)) return nullptr;
      return m.partials + static_cast<ptrdiff_t>(first_partial) * r.channels_;
    }

    ConvArgs<T> args(const ConvWeights<T>& w, const T* in, int in_pitch, T* out, int out_pitch) const {
      return conv_args(w, m.width, rows, in, in_pitch, out, out_pitch);
    }
    /// A convolution by cuDNN where it was found faster, else by the own kernel.
    template <typename U, typename Out = U>
    void launch(const ConvWeights<U>& w, const ConvArgs<U>& a) const {
      if constexpr (sizeof(T) == 2) {
        const std::optional<ConvCall> call =
            calls != nullptr || r.plans_ != nullptr ? conv_call<U, Out>(a, w.plain) : std::nullopt;
        if (calls != nullptr) {
          if (call) calls->push_back({*call, [a](cudaStream_t to) { launch_conv<U, Out>(a, to); }});
          return;
        }
        if (call && r.plans_->run(*call, stream)) return;
      }
      launch_conv<U, Out>(a, stream);
    }
    /// Sums count the band's own rows alone, but all rows are stored: hence the partial sums of a map whose
    /// margin is needed are taken with the mask in `sum_begin`, `sum_end`.
    template <typename U>
    void sums(ConvArgs<U>& a, float* partials) const {
      a.partials = partials;
      a.sum_begin = band.begin - band.top;
      a.sum_end = band.end - band.top;
    }

    void head(T* out) const {
      if (calls != nullptr) return;
      HeadArgs<T> a;
      a.in = m.picture;
      for (int p = 0; p < a.in.count; ++p) a.in.plane[p] += band.top * a.in.stride;
      a.in.height = rows;
      a.weights = r.weights_.head;
      a.bias = r.weights_.head_bias;
      a.channels = r.channels_;
      if (r.config_.body == Body::Stack) a.slope = kFuseSlope;
      a.out = out;
      a.out_pitch = r.channels_;
      a.partials = partials_for(0);
      a.sum_begin = band.begin - band.top;
      a.sum_end = band.end - band.top;
      if (m.frame != nullptr)
        m.frame->head(a, stream);
      else
        launch_head(a, stream);
    }

    void conv(const ConvWeights<T>& w, const T* in, T* out, float slope, const T* residual,
              float* partials = nullptr) const {
      ConvArgs<T> a = args(w, in, r.channels_, out, r.channels_);
      a.slope = slope;
      a.first = residual;
      a.first_scale = 1;
      a.first_pitch = r.channels_;
      sums(a, partials);
      launch(w, a);
    }

    /// false when the pass ends here.
    bool dqa(const ConvWeights<T>& w, int index, const T* in, T* out) const {
      if (stop == index) return false;
      if (calls != nullptr) return true;
      if (live) r.vectors(m, dqas[index], index, partial_count(), stream);
      ConvArgs<T> a = args(w, in, r.channels_, out, r.channels_);
      a.slope = kFuseSlope;
      a.filter = dqas[index].filter;
      a.gate = dqas[index].gate;
      launch_dqa(a, stream);
      return true;
    }

    /// Five convolutions in `buffer`, whose first channels are the input; the last one's result goes to `out`
    /// with the block's own skip, and with the RRDB's if `outer` is given.
    void dense_block(int block, T* buffer, T* out, int out_pitch, const T* outer, float* partials) const {
      const ConvWeights<T>* const w = r.weights_.blocks[block / 3].rdb[block % 3];
      const int growth = padded(r.config_.gc);
      if constexpr (std::is_same_v<T, __half>)
        if (r.fp8_ != nullptr) return dense_block_fp8(block, buffer, out, out_pitch, outer, partials);
      for (int i = 0; i < 4; ++i) {
        ConvArgs<T> a = args(w[i], buffer, r.dense_, buffer + r.channels_ + i * growth, r.dense_);
        a.slope = kDenseSlope;
        launch(w[i], a);
      }
      if constexpr (sizeof(T) == 4)
        if (m.measured != nullptr)
          launch_range(buffer, static_cast<int64_t>(m.width) * rows * r.dense_, m.measured->most(block),
                       stream);
      ConvArgs<T> a = args(w[4], buffer, r.dense_, out, out_pitch);
      add_residuals(a, buffer, outer);
      sums(a, partials);
      launch(w[4], a);
    }
    /// The same of a map as wide as the network.
    void dense_block_fp8(int block, const __half* in, __half* out, int out_pitch, const __half* outer,
                         float* partials) const {
      if (calls == nullptr)
        r.fp8_->quantize(block, in, static_cast<int64_t>(m.width) * rows, buffer8, m.not_finite, stream);
      for (int i = 0; i < 4; ++i)
        launch(r.fp8_->weights(block, i), r.fp8_->layer(block, i, m.width, rows, buffer8));
      ConvArgs<Fp8> a = r.fp8_->layer(block, 4, m.width, rows, buffer8);
      a.out = out;
      a.out_pitch = out_pitch;
      add_residuals(a, in, outer);
      sums(a, partials);
      launch<Fp8, __half>(r.fp8_->weights(block, 4), a);
    }
    template <typename U>
    void add_residuals(ConvArgs<U>& a, const T* block, const T* outer) const {
      const float rest = outer != nullptr ? kResidualScale : 1.0F;
      a.scale = kResidualScale * rest;
      a.first = block;
      a.first_pitch = r.dense_;
      a.first_scale = rest;
      a.second = outer;
      a.second_pitch = r.channels_;
      a.second_scale = 1;
    }

    /// The maps that do not hold `used`, in turn.
    T* other_map(const T* used, int which) const {
      for (size_t i = r.dense_ > 0 ? 1 : 0; i < r.maps(); ++i)
        if (map[i] != used && which-- == 0) return map[i];
      return nullptr;
    }

    void stack() const {
      head(map[0]);
      const T* x = map[0];
      for (int b = 0; b < r.config_.blocks; ++b) {
        const ConvWeights<T>& w = r.weights_.blocks[b].conv1;
        T* const out = map[1 + b % 2];
        ConvArgs<T> a = args(w, x, r.channels_, out, r.channels_);
        if (b + 1 < r.config_.blocks) {
          a.slope = kFuseSlope;
        } else {
          a.first = map[0];
          a.first_pitch = r.channels_;
          a.first_scale = 1;
          a.sum_slope = kFuseSlope;
        }
        launch(w, a);
        x = out;
      }
      tail(x);
    }

    void run() const {
      const CdsrConfig& c = r.config_;
      if (c.body == Body::Stack) return stack();
      T* x = map[0];
      head(x);
      for (int b = 0; b < c.blocks; ++b) {
        const auto& w = r.weights_.blocks[b];
        const int index = b * c.dqas_per_block();
        T *const a = other_map(x, 0), *const t = other_map(x, 1);
        float* const next = partials_for(index + c.dqas_per_block());
        if (!dqa(w.dqa[0], index, x, a)) return;
        if (c.body == Body::Plain) {
          conv(w.conv1, a, t, kFuseSlope, nullptr);
          conv(w.conv2, t, a, 1, x, next);
          x = a;
          continue;
        }
        conv(w.conv1, a, t, kFuseSlope, nullptr, partials_for(index + 1));
        if (!dqa(w.dqa[1], index + 1, t, a)) return;
        ConvArgs<T> fuse = args(w.conv2, a, r.channels_, dense[0], r.dense_);
        fuse.first = x;
        fuse.first_pitch = r.channels_;
        fuse.first_scale = 1;
        launch(w.conv2, fuse);
        dense_block(3 * b, dense[0], dense[1], r.dense_, nullptr, nullptr);
        dense_block(3 * b + 1, dense[1], dense[0], r.dense_, nullptr, nullptr);
        dense_block(3 * b + 2, dense[0], a, r.channels_, x, next);
        x = a;
      }
      if (c.body == Body::Rrdb) {
        T* const out = other_map(x, 0);
        conv(r.weights_.trunk, x, out, 1, map[0]);
        x = out;
      }
      tail(x);
    }

    void tail(const T* x) const {
      if (calls != nullptr) return;
      ConvArgs<T> a = args(r.weights_.tail, x, r.channels_, nullptr, m.values_pitch);
      a.out = m.values + static_cast<ptrdiff_t>(band.top) * m.width * m.values_pitch;
      a.own_begin = band.begin - band.top;
      a.own_end = band.end - band.top;
      a.not_finite = m.not_finite;
      launch_conv<T, float>(a, stream);
    }
  };

  std::shared_ptr<const Network> network_;
  const CdsrConfig& config_;
  std::shared_ptr<const ConvolutionWeights<T>> fixed_;  ///< or, with experts:
  std::unique_ptr<const MixedWeights<T>> mixed_;
  const Convolutions<T>& weights_;
  std::shared_ptr<const VectorWeights> vectors_;
  int channels_, dense_;  ///< dense_: channels of the maps that dense blocks work in
  std::unique_ptr<const DenseFp8> fp8_;
  std::unique_ptr<ConvPlans> plans_;  ///< half precision alone, and after tune()
};

}  // namespace

int reach(const CdsrConfig& config) {
  const int block = config.body == Body::Rrdb ? 4 + 15 : config.body == Body::Plain ? 3 : 1;
  return 1 + config.blocks * block + (config.body == Body::Rrdb ? 1 : 0) + 1;
}

std::vector<Band> make_bands(int height, int rows, int margin) {
  std::vector<Band> bands;
  for (int y = 0; y < height; y += rows) {
    const int end = std::min(height, y + rows);
    bands.push_back({std::max(0, y - margin), std::min(height, end + margin), y, end});
  }
  return bands;
}

int partial_rows(int width, std::span<const Band> bands) {
  int rows = 0;
  for (const Band& b : bands) rows += tile_count(width, b.bottom - b.top);
  return rows;
}

std::unique_ptr<Runner> make_runner(Precision precision, const std::shared_ptr<Context>& context,
                                    const std::shared_ptr<const Network>& network) {
  switch (precision) {
    case Precision::Fp32:
      return std::make_unique<RunnerOf<float>>(context, network);
    case Precision::Bf16:
      return std::make_unique<RunnerOf<__nv_bfloat16>>(context, network);
    case Precision::Fp16:
      return std::make_unique<RunnerOf<__half>>(context, network);
    case Precision::Fp8:
      return std::make_unique<RunnerOf<__half>>(context, network, true);
    case Precision::Auto:
    case Precision::Int8:
      break;
  }
  fail(Errc::Internal, "precision {} was not resolved", to_string(precision));
}

}  // namespace cdsr::cuda
