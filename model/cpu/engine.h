// The CPU backend's engine: a network's programs, run on its threads.
#pragma once

#include "model/cpu/cpu.h"
#include "model/cpu/encoder.h"
#include "model/cpu/runner.h"
#include "model/vectors.h"

namespace cdsr::cpu {

class CpuEngine final : public EngineBackend, public WindowBackend {
 public:
  CpuEngine(std::shared_ptr<const Network> network, const EngineOptions& options);

  const EngineInfo& info() const override { return info_; }
  void plan(int width, int height) override;
  void embed(const RowSource& frame, std::span<float> embedding) override;
  void condition(std::span<const float> embedding) override;
  void set_sharpness(float sharpness) override { sharpness_ = sharpness; }
  void measure_queries(const RowSource& frame, std::span<float> queries) override;
  void set_queries(std::span<const float> queries) override;
  void upscale(const RowSource& frame, RowSink& out) override;
  std::vector<StageTime> take_times() override;

  bool has_windows() const override;
  void want_windows() override { runner_.want_windows(); }
  Reach reach() const override { return runner_.reach(); }
  uint64_t state() const override { return state_; }
  void upscale_windows(const WindowSource& frame, WindowSink& out, std::span<const Window> windows) override;

  std::vector<Implementation> implementations() const;
  int bands() const { return runner_.bands(kUpscale).count(); }

 private:
  /// Of programs_: the network as upscale() runs it, and the one that takes means; the same with
  /// Query::Frame, and where there is no DQA.
  static constexpr int kUpscale = 0;
  int measuring() const { return static_cast<int>(programs_.size()) - 1; }
  /// Runs a program, without `out` as far as there are means; every mean becomes its DQA's query, and goes to
  /// `queries` if not empty.
  void run(int program, const RowSource& frame, RowSink* out, std::span<float> queries);
  /// The filter of DQA `index` from its query.
  void set_query(int index, std::span<const float> query);

  std::shared_ptr<const Network> network_;
  std::shared_ptr<PackedNetwork> packed_;
  EngineOptions options_;
  EngineInfo info_;
  ThreadPool pool_;
  std::vector<Program> programs_;
  Runner runner_;
  EncoderRunner encoder_;
  Csc csc_;
  Conditioner conditioner_;
  float sharpness_ = 0;
  std::vector<float> filter_;
  std::vector<DqaVectors> dqas_;
  double embed_seconds_ = 0;
  uint64_t state_ = 0;
};

}  // namespace cdsr::cpu
