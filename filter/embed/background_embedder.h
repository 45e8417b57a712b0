// Looks at frames on a thread and an engine of its own, while the stream goes on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "filter/color/frame_source.h"
#include "filter/embed/shot_state.h"
#include "filter/format/frame_memory.h"

namespace cdsr {

/// One look at a time. Thread-safety: one caller.
class BackgroundEmbedder {
 public:
  /// Starts the thread. Throws OutOfMemory if the system refuses it.
  BackgroundEmbedder(std::unique_ptr<Engine> engine, Query query);
  ~BackgroundEmbedder();
  BackgroundEmbedder(const BackgroundEmbedder&) = delete;
  BackgroundEmbedder& operator=(const BackgroundEmbedder&) = delete;

  /// Frames of this format and size follow. Waits for a look under way and drops what it found. Allocates.
  void plan(const PixelFormat& format, int width, int height);

  /// May start() be called?
  bool idle() const { return !under_way_; }

  /// Copies the frame and looks at it. `so_far` is what is known of its shot; ticket: whatever tells the
  /// caller which. Allocates nothing.
  void start(const Frame& frame, const ShotState& so_far, int64_t ticket);

  /// If the look has come to its end: swaps what is known now into `known` and returns true with the ticket.
  /// Throws what the engine threw.
  bool finish(ShotState& known, int64_t& ticket);

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
  ShotState known_;
  int64_t ticket_ = 0;
  std::exception_ptr failure_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Stage stage_ = Stage::Idle;
  std::thread thread_;
};

}  // namespace cdsr
