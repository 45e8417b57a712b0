// Runs a program on frames of one size: plans the memory, then sends strips of rows through the segments.
//
// A segment's strips are taken from a queue by the pool's threads. A thread sends its strip through all ops
// of the segment, a few rows at a time (rows.h), in memory of its own; only tensors that outlive the segment
// are whole frames. Strips recompute what they need of their neighbours' rows, so the result does not depend
// on where the cuts are, and bits do not depend on the threads.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "model/cpu/bands.h"
#include "model/cpu/conv.h"
#include "model/cpu/cpu.h"
#include "model/cpu/int8.h"
#include "model/cpu/kernels.h"
#include "model/cpu/program.h"
#include "model/cpu/rows.h"
#include "model/cpu/thread_pool.h"
#include "model/cpu/winograd.h"
#include "model/engine_options.h"
#include "model/picture_rows.h"
#include "model/windows.h"

namespace cdsr::cpu {

/// What a DQA needs besides its weights. Channels are padded.
struct DqaVectors {
  Buffer filter;  ///< [9][channels] floats
  Buffer gate;    ///< [channels] floats
};
DqaVectors make_dqa_vectors(int nf);
/// From the order of vectors.h: nf values, and nf * 9 with the taps of channel 0 first.
void store_gate(std::span<const float> gate, DqaVectors& vectors);
void store_filter(std::span<const float> filter, DqaVectors& vectors);

struct RunnerOptions {
  Type type = Type::F32;
  int channels = 0;  ///< of a features tensor, padded
  int growth = 0;    ///< of a dense block, padded; 0 without
  int scale = 2;
  int tail_channels = 16;  ///< of the values a tail makes, padded
  bool skip = false;
  int planes = 3;  ///< of a picture
};

struct OpPlan;

class Runner {
 public:
  Runner(ThreadPool& pool, const RunnerOptions& options);
  ~Runner();

  /// Plans `programs` (which must live on) for frames of this size in at most `limit` bytes (0: no limit), of
  /// which `taken` are used elsewhere: in bands, fewer rows at once and on fewer threads where it must be,
  /// and so that it costs the least. The first program is the one that every frame goes through. Throws
  /// OutOfMemory with the least that works, which depends on the width alone. Call it again for a new size.
  void plan(const std::vector<const Program*>& programs, int width, int height, size_t limit, size_t taken);

  size_t bytes() const { return bytes_; }
  /// In which a frame goes through a planned program.
  const Bands& bands(int program) const { return bands_[program]; }
  /// Adds every distinct convolution to `all`.
  void list(std::vector<Implementation>& all) const;
  int width() const { return width_; }
  int height() const { return height_; }

  /// Runs a pass of planned program `program` (bands.h). `source` and `sink` may be null where no op reads or
  /// writes. If its last segment has a mean, it is in mean() afterwards.
  void run(int program, int pass, const std::vector<DqaVectors>& dqas, const RowSource* source,
           RowSink* sink);
  std::span<const float> mean() const { return mean_; }

  /// Plans made from now on are for run_windows() too. Of a program of one segment alone.
  void want_windows() { wants_windows_ = true; }
  /// As run(), with the one segment of a planned program and what WindowBackend::upscale_windows() says.
  void run_windows(int program, const std::vector<DqaVectors>& dqas, const WindowSource& source,
                   WindowSink& sink, std::span<const Window> windows);
  /// Of the first planned program, if windows are wanted.
  Reach reach() const { return reach_; }

  /// Row y of a whole tensor of a planned program; Operators fill them.
  std::byte* frame_row(int program, int tensor, int y) const;

  /// Adds this runner's times since the last call to `times`.
  void take_times(std::vector<StageTime>& times);

 private:
  struct Local;
  struct Piece;
  struct SegmentPlan;
  struct Thread;
  struct Job;
  class Strip;

  struct Level;
  using Programs = std::vector<const Program*>;

  size_t row_bytes(const TensorPlan& tensor) const { return row_bytes(tensor, width_); }
  size_t row_bytes(const TensorPlan& tensor, int width) const;
  size_t features_row() const {
    return static_cast<size_t>(width_) * options_.channels * size_of(options_.type);
  }
  /// Plans all but the convolutions, with the largest bands for which it takes at most `room` bytes; false if
  /// it cannot. `share` of the room, at most, is for a program that is not the first, if that costs little.
  bool fit(const Programs& programs, const Level& level, size_t room, size_t share);
  void cut(const Programs& programs, size_t room, size_t share);
  /// The same with the bands as they are: bytes.
  size_t plan_memory(const Programs& programs, const Level& level);
  /// Bytes of each whole tensor.
  std::vector<size_t> frame_bytes() const;
  double cost(const Level& level) const;
  /// Plans all; false if the convolutions do not fit as well. bytes_ is what it takes in any case.
  bool make(const Programs& programs, const Level& level, size_t room, size_t share);
  void allocate();
  void plan_rows(const Program& program, const std::vector<RowRange>& ranges, const Level& level,
                 SegmentPlan& plan) const;
  void plan_dense(const Program& program, int rows, SegmentPlan& plan) const;
  void make_convolutions();
  void make_row_convolutions(SegmentPlan& plan);
  void make_row_convolutions(SegmentPlan& plan, int level);
  Reach reach_of(const Segment& segment, size_t tensors) const;
  /// Windows cut into pieces, into pieces_.
  void cut_windows(const SegmentPlan& plan, std::span<const Window> windows, int margin);
  /// Whether one of our own kernels runs this op: the tail's, or Winograd's, which is faster than oneDNN's
  /// direct convolution wherever it can run.
  bool by_tail(const Op& op) const;
  bool by_winograd(const Op& op) const;
  void make_dense_convolutions(SegmentPlan& plan);
  void run_dense(Thread& thread, const Job& job, int strip);
  /// Those of a frame's `strips` that have some of `rows`.
  RowRange dense_strips(int strips, RowRange rows) const;
  /// Of a dense block's buffers.
  Layout dense_layout() const;
  /// The five convolutions on `rows` rows, of which `given` are at `in`, in each layout; where the result is.
  const std::byte* dense_blocked(Thread& thread, const Op& op, const OpPlan& convs, const std::byte* in,
                                 RowRange given, int rows) const;
  const std::byte* dense_rows(Thread& thread, const Op& op, const OpPlan& convs, const std::byte* in,
                              RowRange given, int rows) const;
  int threads() const { return static_cast<int>(threads_.size()); }
  /// Whole tensors have the rows from this one on.
  void move_frames(int program, int first_row);
  void run_segment(Job& job);
  /// Row y of a frame, for the mean.
  void sum_row(const Job& job, int y, const std::byte* row);

  ThreadPool& pool_;
  RunnerOptions options_;
  const FeatureKernels* rows_;
  const Kernels* kernels_;
  const WinogradKernels* winograd_;
  const Int8Kernels* int8_;  ///< null but for Type::U8
  ShuffleTaps taps_;
  int width_ = 0, height_ = 0;
  size_t bytes_ = 0;
  std::unique_ptr<ConvSet> convs_;
  std::vector<Bands> bands_;                        ///< by program
  std::vector<std::vector<SegmentPlan>> segments_;  ///< by program
  std::vector<std::vector<int>> frame_of_;          ///< by program and tensor: index into frames_, or -1
  std::vector<Buffer> frames_;
  int first_row_ = 0;            ///< that frames_ have, meanwhile
  std::vector<float> row_sums_;  ///< [rows of a band][channels], of the tensor whose mean is taken
  std::vector<double> sums_;     ///< of the bands so far
  std::vector<float> mean_;
  std::vector<std::unique_ptr<Thread>> threads_;  ///< as many as there is memory for
  bool wants_windows_ = false;
  Reach reach_;
  std::vector<Piece> pieces_;
};

}  // namespace cdsr::cpu
