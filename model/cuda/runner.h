// The SR network on one frame in a GPU, in one precision: queues its kernels on a stream.
//
// A frame is run whole, or in bands of rows with a margin of the network's reach, one after the other in the
// same memory. Means over the frame (Query::Frame, and measuring a shot's) are taken from partial sums of the
// bands' own rows: band by band up to each DQA in turn, since a DQA needs the means of all rows before it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/cuda/conv_plans.h"
#include "model/cuda/dense_fp8.h"
#include "model/cuda/stages.h"
#include "model/cuda/weights.h"
#include "model/engine_options.h"

namespace cdsr::cuda {

/// Rows of a frame: [begin, end) are made, [top, bottom) are computed for it.
struct Band {
  int top = 0, bottom = 0, begin = 0, end = 0;
};

/// Rows around a row that its result depends on when the dynamic filters are given.
int reach(const CdsrConfig& config);
/// Bands of at most `rows` own rows.
std::vector<Band> make_bands(int height, int rows, int margin);
/// Rows in the partial sums of all bands.
int partial_rows(int width, std::span<const Band> bands);

/// A DQA's vectors, device memory.
struct DqaState {
  float* filter = nullptr;  ///< [9][channels]
  float* mean = nullptr;    ///< [nf], the query
  /// Of the shot: [channels], [nf], [nf], [nf].
  float *gate = nullptr, *key = nullptr, *value = nullptr, *y = nullptr;
};

/// What a run works on, device memory.
struct RunMemory {
  int width = 0, height = 0;
  Planes picture;
  /// If given, the picture's planes are made by its head(); for one band alone.
  const FrameStages* frame = nullptr;
  float* values = nullptr;  ///< [height][width][values_pitch], of the last layer
  int values_pitch = 0;
  float* partials = nullptr;  ///< partial_rows() x channels
  float* folded = nullptr;    ///< kFolds x channels
  int* not_finite = nullptr;  ///< set to 1 if a value of the last layer is, or fp8 does not hold the picture
  void* arena = nullptr;      ///< Runner::arena_bytes()
  /// If given, a run in fp32 measures the dense blocks for it; whoever queued it then calls take_scales().
  const DenseFp8* measured = nullptr;
};

/// How Runner::tune() names and keeps what it finds.
struct TuneSettings {
  PlanKey key;
  PlanCache cache;
  size_t most_workspace = 0;  ///< bytes that cuDNN may have
  LogLine log;
};

enum class Means {
  Given,    ///< the filters are installed
  Taken,    ///< every DQA's from this frame
  Measured  ///< the same, but the network stops at its last DQA
};

class Runner {
 public:
  virtual ~Runner() = default;
  /// Feature memory for frames or bands of this size.
  virtual size_t arena_bytes(int width, int rows) const = 0;
  /// Decides for frames in this memory which convolutions cuDNN runs, by measuring what is not known yet.
  /// Whole frames alone: bands keep the own kernels. Overwrites the arena.
  virtual void tune(const RunMemory& memory, std::span<const DqaState> dqas, std::span<const Band> bands,
                    Means means, const TuneSettings& settings, cudaStream_t stream) = 0;
  /// Bytes that tune() has allocated.
  virtual size_t workspace() const = 0;
  virtual void run(const RunMemory& memory, std::span<const DqaState> dqas, std::span<const Band> bands,
                   Means means, cudaStream_t stream) const = 0;
  /// What a redone frame is measured for; nullptr but with Precision::Fp8.
  virtual const DenseFp8* fp8() const = 0;
  /// With experts: queues the mixing of a shot's weights from Conditioner::shares(). Until then all have
  /// equal shares.
  virtual void mix(std::span<const float> shares, cudaStream_t stream) const = 0;
  /// Computes a DQA's filter from its `mean`.
  virtual void make_filter(int dqa, const DqaState& state, cudaStream_t stream) const = 0;
};

/// precision: Fp32, Bf16, Fp16 or Fp8. The context must be current.
std::unique_ptr<Runner> make_runner(Precision precision, const std::shared_ptr<Context>& context,
                                    const std::shared_ptr<const Network>& network);

}  // namespace cdsr::cuda
