// LPE on the CPU: both branches on the windows of model/encoder_windows.h, one thread a window. Always fp32:
// it runs once a shot, and the CSC's softmax over unscaled products magnifies what bf16 would leave out of
// its features.
#pragma once

#include <span>
#include <vector>

#include "model/cpu/conv.h"
#include "model/cpu/thread_pool.h"
#include "model/encoder_windows.h"
#include "model/picture_rows.h"

namespace cdsr::cpu {

class EncoderRunner {
 public:
  EncoderRunner(ThreadPool& pool, const PackedNetwork& network);
  ~EncoderRunner();

  /// Compiles and allocates everything for frames of this size.
  void plan(int width, int height);
  size_t bytes() const { return bytes_; }
  const ConvSet& convolutions() const { return *convs_; }

  /// Features of the frame's windows, config.features() of each: pixel-wise then patch-wise, or statistics.
  /// Valid until the next call.
  std::span<const float> run(const RowSource& frame);

 private:
  struct Layer;
  struct Thread;

  std::vector<Layer> plan_branch(const std::unique_ptr<PackedConv>* convs, int count, int width, int height);
  void read_window(Thread& thread, const RowSource& frame, const EncoderWindow& window) const;
  void run_branch(Thread& thread, const std::vector<Layer>& layers, std::span<float> mean) const;

  ThreadPool& pool_;
  const PackedNetwork& network_;
  int width_ = 0, height_ = 0;
  size_t bytes_ = 0;
  std::vector<EncoderWindow> windows_;
  std::unique_ptr<ConvSet> convs_;
  std::vector<Layer> pixel_, patch_;
  std::vector<float> features_;  ///< by window
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace cdsr::cpu
