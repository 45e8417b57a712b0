// The engine's own threads. Each tells oneDNN's OpenMP runtime to use one thread, so that a primitive made or
// run there runs where it is called; the caller's OpenMP settings stay as they are.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cdsr::cpu {

class ThreadPool {
 public:
  /// Throws OutOfMemory if the system refuses a thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }

  /// Calls job(thread) once on every thread, 0 to size() - 1, and waits for all. The first exception is
  /// thrown here. Does not allocate. One caller at a time.
  template <typename Job>
  void run(Job&& job) {
    run([](void* context, int thread) { (*static_cast<std::remove_reference_t<Job>*>(context))(thread); },
        &job, size());
  }
  /// The same on thread 0 alone.
  template <typename Job>
  void run_one(Job&& job) {
    run([](void* context, int) { (*static_cast<std::remove_reference_t<Job>*>(context))(); }, &job, 1);
  }

 private:
  using Call = void (*)(void* context, int thread);
  void run(Call call, void* context, int threads);
  void work(int thread);
  void stop();

  std::mutex mutex_;
  std::condition_variable start_, done_;
  Call call_ = nullptr;
  void* context_ = nullptr;
  int wanted_ = 0;  ///< threads the current job is for
  int busy_ = 0;
  unsigned round_ = 0;
  bool stop_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

/// Processors this process may use.
int available_processors();

}  // namespace cdsr::cpu
