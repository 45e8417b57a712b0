#include "model/cpu/thread_pool.h"

#include <sched.h>

#include <system_error>
#include <utility>

#include "model/error.h"

// libgomp's, which libdnnl uses; <omp.h> would ask for -fopenmp.
extern "C" void omp_set_num_threads(int threads);

namespace cdsr::cpu {

ThreadPool::ThreadPool(int threads) {
  threads_.reserve(threads);
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error& e) {
    const size_t made = threads_.size();
    stop();
    fail(Errc::OutOfMemory, "thread {} of {} could not be started: {}", made + 1, threads, e.what());
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void ThreadPool::run(Call call, void* context, int threads) {
  std::unique_lock lock(mutex_);
  call_ = call;
  context_ = context;
  wanted_ = threads;
  busy_ = threads;
  error_ = nullptr;
  ++round_;
  start_.notify_all();
  done_.wait(lock, [this] { return busy_ == 0; });
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::work(int thread) {
  omp_set_num_threads(1);
  unsigned seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    start_.wait(lock, [&] { return stop_ || round_ != seen; });
    if (stop_) return;
    seen = round_;
    if (thread >= wanted_) continue;
    const Call call = call_;
    void* const context = context_;
    lock.unlock();
    std::exception_ptr error;
    try {
      call(context, thread);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !error_) error_ = error;
    if (--busy_ == 0) done_.notify_one();
  }
}

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? static_cast<int>(n) : 1;
}

}  // namespace cdsr::cpu
