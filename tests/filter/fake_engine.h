// A backend without a network: counts its calls and upscales by repeating samples.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "model/engine.h"
#include "model/error.h"

namespace cdsr::test {

class FakeBackend final : public EngineBackend {
 public:
  struct Calls {
    int plan = 0, embed = 0, condition = 0, measure = 0, set_queries = 0, upscale = 0;
    std::vector<float> embedding, queries;  ///< what is installed
    bool fail_next_embed = false;
    int64_t redone = 0;  ///< what EngineInfo says after the next frame
  };

  /// Calls are counted in `calls`, which must outlive the engine.
  FakeBackend(const CdsrConfig& config, Calls& calls) : scale_(config.scale), calls_(calls) {
    info_.backend = "fake";
    info_.detail = "repeats samples";
    calls_.embedding.resize(static_cast<size_t>(config.embedding()));
    calls_.queries.resize(static_cast<size_t>(config.dqas()) * static_cast<size_t>(config.nf));
  }

  const EngineInfo& info() const override { return info_; }

  void plan(int width, int height) override {
    ++calls_.plan;
    width_ = width;
    height_ = height;
    for (int p = 0; p < 3; ++p) {
      row_[p].resize(static_cast<size_t>(width));
      strip_[p].resize(static_cast<size_t>(width) * scale_ * (kStrip + 2 * kContext));
    }
  }

  /// Every member becomes the red of the first pixel.
  void embed(const RowSource& frame, std::span<float> embedding) override {
    ++calls_.embed;
    if (std::exchange(calls_.fail_next_embed, false)) fail(Errc::OutOfMemory, "asked to fail");
    std::fill(embedding.begin(), embedding.end(), first_red(frame));
  }

  void condition(std::span<const float> embedding) override {
    ++calls_.condition;
    std::copy(embedding.begin(), embedding.end(), calls_.embedding.begin());
  }

  /// Twice the red of the first pixel.
  void measure_queries(const RowSource& frame, std::span<float> queries) override {
    ++calls_.measure;
    std::fill(queries.begin(), queries.end(), 2 * first_red(frame));
  }

  void set_queries(std::span<const float> queries) override {
    ++calls_.set_queries;
    std::copy(queries.begin(), queries.end(), calls_.queries.begin());
  }

  void upscale(const RowSource& frame, RowSink& out) override {
    ++calls_.upscale;
    info_.redone = calls_.redone;
    const int out_width = width_ * scale_;
    const int out_height = height_ * scale_;
    for (int y = 0; y < out_height; y += kStrip) {
      const int rows = std::min(kStrip, out_height - y);
      const int above = std::min(out.context(), y);
      const int below = std::min(out.context(), out_height - y - rows);
      for (int r = -above; r < rows + below; ++r) {
        float* const row[3] = {row_[0].data(), row_[1].data(), row_[2].data()};
        frame.read((y + r) / scale_, 1, row, width_);
        for (int p = 0; p < 3; ++p) {
          float* dst = strip_[p].data() + ptrdiff_t{r + kContext} * out_width;
          for (int x = 0; x < out_width; ++x) dst[x] = row_[p][x / scale_];
        }
      }
      const float* src[3];
      for (int p = 0; p < 3; ++p) src[p] = strip_[p].data() + ptrdiff_t{kContext} * out_width;
      out.write(y, rows, src, out_width);
    }
  }

 private:
  static constexpr int kStrip = 12;
  static constexpr int kContext = 4;

  float first_red(const RowSource& frame) {
    float* const row[3] = {row_[0].data(), row_[1].data(), row_[2].data()};
    frame.read(0, 1, row, width_);
    return row_[0][0];
  }

  int scale_;
  Calls& calls_;
  EngineInfo info_;
  int width_ = 0, height_ = 0;
  std::vector<float> row_[3], strip_[3];
};

inline std::unique_ptr<Engine> fake_engine(const std::shared_ptr<const Network>& network, Query query,
                                           FakeBackend::Calls& calls) {
  return std::make_unique<Engine>(std::make_unique<FakeBackend>(network->config, calls), network, query);
}

}  // namespace cdsr::test
