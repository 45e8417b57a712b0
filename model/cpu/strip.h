// One strip on its way through a segment of row ops: the visitor of RowSchedule that does the work.
#pragma once

#include "model/cpu/runner_detail.h"

namespace cdsr::cpu {

struct Runner::Job {
  int program = 0;
  const SegmentPlan* plan = nullptr;
  const std::vector<DqaVectors>* dqas = nullptr;
  const RowSource* source = nullptr;
  RowSink* sink = nullptr;
  const WindowSource* window_source = nullptr;  ///< of pieces that are not as wide as the frame
  WindowSink* window_sink = nullptr;
  RowRange rows;      ///< to make
  bool sums = false;  ///< sum them, for the mean
  std::atomic<int> next{0};
};

class Runner::Strip {
 public:
  Strip(Runner& runner, Thread& thread, const Job& job) : runner_(runner), thread_(thread), job_(job) {}

  /// Goes through all ops of the segment. `context`: rows around it that the sink needs to see.
  void run(const Piece& piece, int context);

  void start(int op, int begin, int end);
  void room(int op, int keep, int row, int count);
  void make(int op, int row, int count);

 private:
  const Op& op(int i) const { return job_.plan->segment->ops[i]; }
  std::byte* row_of(int tensor, int y) const;
  ptrdiff_t row_bytes(int tensor) const { return static_cast<ptrdiff_t>(thread_.row_bytes[tensor]); }
  void read(const Op& op, int row, int count);
  void head(const Op& op, int row, int count);
  void dqa(const Op& op, const OpPlan& plan, int row, int count);
  void shuffle(const Op& op, int row, int count);
  void write(const Op& op, int row, int count);
  /// A convolution of features, by oneDNN or one of our own's kernel.
  void conv(const Op& op, const OpPlan& plan, int row, int count);
  void tail(const Op& op, const OpPlan& plan, int row, int count);
  void winograd(const Op& op, const OpPlan& plan, int row, int count);
  void int8(const Op& op, int row, int count);
  /// A row of the op's output above or below the frame, which stands for 0.
  void clear(const Op& op, std::byte* row) const;
  /// oneDNN's 3x3 or 1x1 over `count` rows as a sum of powers of two; pointers are to the first row of each.
  void convolve(const Op& op, const OpPlan& plan, const std::byte* src, std::byte* dst,
                const std::byte* operand, size_t src_bytes, int count);

  Runner& runner_;
  Thread& thread_;
  const Job& job_;
  Piece piece_;
};

}  // namespace cdsr::cpu
