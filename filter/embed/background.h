// Looks at frames on a thread and an engine of its own, while the stream goes on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "filter/color/frame_source.h"
#include "filter/embed/knowledge.h"
#include "filter/format/frame_memory.h"

namespace cdsr {

/// One look at a time. Thread-safety: one caller.
class BackgroundLook {
 public:
  /// Starts the thread. Throws OutOfMemory if the system refuses it.
  BackgroundLook(std::unique_ptr<Engine> engine, Query query);
  ~BackgroundLook();
  BackgroundLook(const BackgroundLook&) = delete;
  BackgroundLook& operator=(const BackgroundLook&) = delete;

  /// Frames of this format and size follow. Waits for a look under way and drops what it found. Allocates.
  void plan(const PixelFormat& format, int width, int height);

  /// May start() be called?
  bool idle() const { return !under_way_; }

  /// Copies the frame and looks at it. `so_far` is what is known of its shot; ticket: whatever tells the
  /// caller which. Allocates nothing.
  void start(const Frame& frame, const Knowledge& so_far, int64_t ticket);

  /// If the look has come to its end: swaps what is known now into `known` and returns true with the ticket.
  /// Throws what the engine threw.
  bool finish(Knowledge& known, int64_t& ticket);

  /// Waits for a look under way and drops what it found.
  void cancel();

 private:
  enum class Stage { Idle, Asked, Done, Stop };
  void run();

  const std::unique_ptr<Engine> engine_;
  const Query query_;
  bool under_way_ = false;  ///< the caller's view

  // What the stage hands to one thread or the other.
  FrameMemory frame_;
  FrameSource source_;
  Knowledge known_;
  int64_t ticket_ = 0;
  std::exception_ptr failure_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Stage stage_ = Stage::Idle;
  std::thread thread_;
};

}  // namespace cdsr
