#include "tools/train/prefetch.h"

#include <utility>

namespace cdsr::train {

Prefetcher::Prefetcher(const std::vector<tools::Picture>& photos, const BatchOptions& options,
                       int64_t first_step, int threads, int depth)
    : photos_(photos), options_(options), depth_(depth), to_make_(first_step), to_give_(first_step) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
}

void Prefetcher::work() {
  // The training loop owns the cores: a worker's tensor operations stay on its own thread.
  at::set_num_threads(1);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || to_make_ < to_give_ + depth_; });
    if (stop_) return;
    const int64_t step = to_make_++;
    lock.unlock();
    Batch batch;
    std::exception_ptr error;
    try {
      batch = make_batch(photos_, options_, step);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error) error_ = error;
    ready_[step] = std::move(batch);
    changed_.notify_all();
  }
}

Batch Prefetcher::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return error_ || ready_.count(to_give_) != 0; });
  if (error_) std::rethrow_exception(error_);
  Batch batch = std::move(ready_.extract(to_give_).mapped());
  ++to_give_;
  changed_.notify_all();
  return batch;
}

}  // namespace cdsr::train
