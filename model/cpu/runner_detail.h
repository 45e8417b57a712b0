// Inside of Runner, shared by runner.cpp and dense.cpp.
#pragma once

#include <chrono>
#include <optional>

#include "model/cpu/runner.h"

namespace cdsr::cpu {

inline constexpr int kOpKinds = 8;
/// Kernels exist for 1, 2, 4, ... rows: any number of rows is a sum of them, and few are compiled.
inline constexpr int kRowKernels = 7;
/// Widths that oneDNN's kernels are compiled for: the frame's, and narrower ones for windows.
inline constexpr int kWidths = 6;

/// Least and most rows of a strip of row ops: shorter ones are recomputation for the greater part, longer
/// ones leave nothing to a thread that is done before another.
inline constexpr int kLeastStripRows = 32, kMostStripRows = 136;
/// What windows are cut into, at most.
inline constexpr size_t kMostPieces = size_t{4} * kMostWindows;

/// The number of strips that has the slowest thread make the fewest rows, the `radius` rows that a cut has
/// recomputed included; of several the least.
int strip_count(int rows, int threads, int radius);
inline RowRange strip_of(RowRange rows, int i, int strips) {
  return {rows.begin + strip_begin(i, strips, rows.size()),
          rows.begin + strip_begin(i + 1, strips, rows.size())};
}

/// Output of an op inside a strip: a window of rows in the thread's memory.
struct LocalPlan {
  size_t offset = 0;
  int capacity = 0;  ///< rows
};

struct OpPlan {
  /// By width, and log2 of the rows or of a dense block's five convolutions.
  int kernel[kWidths][kRowKernels] = {};
  const void* weights[kWidths][kRowKernels] = {};
  const float* winograd = nullptr;  ///< transformed weights, and the kernels above are unused; or null
  const void* tail = nullptr;       ///< the same of FeatureKernels::tail
  const QuantizedConv* quantized = nullptr;  ///< the same of int8.h
  int outputs = 0;                           ///< channels that Winograd's kernel makes
};

/// A dense block's buffers for one strip height: kernels of its five convolutions.
struct DensePlan {
  int rows = 0;  ///< of the buffer: the strip and 5 more where it was cut
  OpPlan convs;
};

/// What one thread sends through a segment: columns [x, x + n) of rows [y0, y1), and the columns around them
/// that what it makes depends on, in all [left, left + width).
struct Runner::Piece {
  int y0 = 0, y1 = 0;
  int x = 0, n = 0;
  int left = 0, width = 0;
  int level = 0;  ///< of the width, index into SegmentPlan::widths
};

struct Runner::SegmentPlan {
  const Segment* segment = nullptr;
  int strips = 1;  ///< of a frame's dense block; row ops are cut by strip_count()
  int radius = 0;  ///< of all its ops
  int chunk = 1;
  std::vector<OpPlan> ops;
  std::vector<LocalPlan> locals;  ///< by op; capacity 0: the op writes a whole frame, or nothing
  std::vector<int> producer;      ///< by tensor: op of this segment, or -1
  std::vector<TensorPlan> tensors;
  std::vector<size_t> row_bytes;  ///< by tensor
  /// That a window can have; empty: any. The frame's first.
  std::vector<int> widths;
  size_t filtered_offset = 0;    ///< what a Dqa hands from its depthwise to its 1x1 convolution
  size_t temp_offset = 0;        ///< floats for the shuffle
  size_t winograd_offset = 0;    ///< floats for Winograd's kernel
  size_t arena = 0;              ///< bytes of a thread's memory
  std::vector<DensePlan> dense;  ///< one for each distinct buffer height
};

struct Runner::Local {
  std::byte* base = nullptr;
  int low = 0;  ///< frame row that is at base
};

struct Runner::Thread {
  explicit Thread(size_t ops) : schedule(ops), locals(ops) {}

  Buffer arena;
  std::optional<ConvCaller> convs;
  RowSchedule schedule;
  std::vector<Local> locals;      ///< by op
  std::vector<size_t> row_bytes;  ///< by tensor, of the piece it is at
  std::array<double, kOpKinds> seconds = {}, macs = {};
};

/// Adds the time since it was made to a stage.
class StageTimer {
 public:
  explicit StageTimer(double& seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~StageTimer() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace cdsr::cpu
