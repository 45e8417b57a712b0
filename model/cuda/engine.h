// The CUDA backend's engine.
//
// Frames in the processor's memory are copied to the GPU as planes of floats and back. Frames in the GPU's
// memory come with stages (stages.h) that become part of a frame's graph, and nothing waits for them. The
// first frame of a size is queued kernel by kernel; the second is captured; from then on a frame is one
// graph.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/backend.h"
#include "model/cuda/runner.h"
#include "model/vectors.h"

namespace cdsr::cuda {

class CudaEngine : public EngineBackend {
 public:
  CudaEngine(std::shared_ptr<const Network> network, const EngineOptions& options);
  ~CudaEngine() override;

  const EngineInfo& info() const override;
  void plan(int width, int height) override;
  void embed(const RowSource& frame, std::span<float> embedding) override;
  void condition(std::span<const float> embedding) override;
  void set_sharpness(float sharpness) override { sharpness_ = sharpness; }
  void measure_queries(const RowSource& frame, std::span<float> queries) override;
  void set_queries(std::span<const float> queries) override;
  void upscale(const RowSource& frame, RowSink& out) override;
  bool takes_device_frames() const override { return true; }

 protected:
  const Context& context() const { return *context_; }
  /// What the network runs in.
  Stream& stream() const;

 private:
  struct Resources;  ///< all that lives in the context

  bool half() const { return info_.precision != Precision::Fp32; }
  Means means() const { return options_.query == Query::Shot ? Means::Given : Means::Taken; }
  void make_states();
  /// Gives back what allocate() has taken.
  void release();
  /// Everything for frames of the planned size in about `limit` bytes (0: what there is); false if not even
  /// the smallest bands fit.
  bool allocate(size_t limit);
  /// Which of them cuDNN runs; after allocate().
  void choose_convolutions();
  /// Says in the log that frames are run in bands, if they are.
  void tell_bands() const;
  /// A frame on its way to the picture's planes.
  void load(const RowSource& frame);
  // stages: nullptr for a frame of the processor.
  void queue_network(const FrameStages* stages, cudaStream_t stream);
  void queue_redo(cudaStream_t stream);
  void queue_output(const FrameStages* stages, cudaStream_t stream);
  void run_directly(const FrameStages* stages);
  void deliver(RowSink& out);
  /// Channels of the last layer, as stored.
  int values_pitch() const;
  TailArgs tail_args() const;

  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  mutable EngineInfo info_;
  std::shared_ptr<Context> context_;
  std::unique_ptr<Resources> r_;
  Csc csc_;
  Conditioner conditioner_;
  float sharpness_ = 0;
  int width_ = 0, height_ = 0;
  size_t limit_ = 0;           ///< of the plan's memory, in bytes; 0: none
  size_t whole_bytes_ = 0;     ///< what the planned size would need in one band
  uint64_t network_hash_ = 0;  ///< 0: not made yet
  std::vector<Band> bands_, redo_bands_;
};

}  // namespace cdsr::cuda
