// The CUDA backend's engine.
//
// Frames in the processor's memory are copied to the GPU as planes of floats and back. Frames in the GPU's
// memory are converted there, in the stream they came with, and nothing waits for them. The first frame of a
// size is queued kernel by kernel; the second is captured; from then on a frame is one graph.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/backend.h"
#include "model/cuda/runner.h"
#include "model/vectors.h"

namespace cdsr::cuda {

class CudaEngine final : public EngineBackend, public DeviceFrames {
 public:
  CudaEngine(std::shared_ptr<const Network> network, const EngineOptions& options);
  ~CudaEngine() override;

  const EngineInfo& info() const override;
  void plan(int width, int height) override;
  void embed(const RowSource& frame, std::span<float> embedding) override;
  void condition(std::span<const float> embedding) override;
  void measure_queries(const RowSource& frame, std::span<float> queries) override;
  void set_queries(std::span<const float> queries) override;
  void upscale(const RowSource& frame, RowSink& out) override;
  DeviceFrames* device_frames() override { return this; }

  void set_stream(void* stream) override { frames_stream_ = static_cast<cudaStream_t>(stream); }
  void thumbnail(const DeviceFrame& frame, int columns, int rows, uint16_t* cells) override;
  void bicubic(const DeviceFrame& in, const DeviceOutput& out) override;

 private:
  struct Resources;  ///< all that lives in the context

  bool half() const { return info_.precision != Precision::Fp32; }
  Means means() const { return options_.query == Query::Shot ? Means::Given : Means::Taken; }
  void make_states();
  /// Everything for frames of the planned size in about `limit` bytes (0: what there is); false if not even
  /// the smallest bands fit.
  bool allocate(size_t limit);
  /// Which of them cuDNN runs; after allocate().
  void choose_convolutions();
  /// Three planes of floats, in a new `buffer`.
  static color::Picture make_planes(DeviceBuffer& buffer, int width, int height);
  void queue_color_in(const color::Picture& picture, cudaStream_t stream) const;
  /// A frame on its way to the picture's planes.
  void load(const RowSource& frame);
  void give_addresses(const DeviceFrame& in, const DeviceOutput* out);
  void queue_network(bool device, cudaStream_t stream);
  void queue_redo(cudaStream_t stream);
  void queue_output(bool device, cudaStream_t stream);
  void run_directly(bool device);
  void deliver(RowSink& out);
  TailArgs tail_args() const;

  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  mutable EngineInfo info_;
  std::shared_ptr<Context> context_;
  std::unique_ptr<Resources> r_;
  Csc csc_;
  Conditioner conditioner_;
  cudaStream_t frames_stream_ = nullptr;
  int width_ = 0, height_ = 0;
  uint64_t network_hash_ = 0;  ///< 0: not made yet
  std::vector<Band> bands_, redo_bands_;
  std::vector<float> pooled_;
};

}  // namespace cdsr::cuda
