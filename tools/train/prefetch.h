// Makes batches ahead of the training loop, on threads of its own.
#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tools/train/batch.h"

namespace cdsr::train {

/// Hands out the batches of first_step, first_step + 1, ... in order, `depth` of them ready at most. next()
/// is for one thread; it rethrows what a worker threw.
class Prefetcher {
 public:
  Prefetcher(const std::vector<tools::Picture>& photos, const BatchOptions& options, int64_t first_step,
             int threads, int depth);
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  Batch next();

 private:
  void work();

  const std::vector<tools::Picture>& photos_;
  const BatchOptions options_;
  const int64_t depth_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t to_make_, to_give_;
  bool stop_ = false;
  std::exception_ptr error_;
  std::map<int64_t, Batch> ready_;
  std::vector<std::jthread> threads_;
};

}  // namespace cdsr::train
