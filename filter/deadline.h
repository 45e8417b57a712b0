// Whether the network can be ready in time: the part of the live policy that looks at the clock.
//
// Frames are taken to come at the pace of their time stamps. A frame's wait is what the frames before it took
// longer than that pace (Lindley's recursion: wait + service - interval, never below 0). Measured so, it does
// not depend on when the host calls: a paused pipeline or a sink that blocks makes no frame late, a slow
// network does.
#pragma once

#include <cstdint>

namespace cdsr {

class Deadline {
 public:
  /// Milliseconds from a frame's arrival to its end, 0: none.
  void set_limit(double ms) { limit_ = ms; }

  /// To be called once for each frame, with its time in nanoseconds. Whether the network would make it too
  /// late. While it says so frame after frame, it lets one through now and then, at growing distances, to see
  /// what is true now.
  bool misses(int64_t time);

  /// How long the frame of the last misses() took, and whether the network made it.
  void took(double ms, bool network);

  /// What the network is going to take, measured before the first frame.
  void expect(double ms);

  /// The next frame does not follow the last one: nobody waits.
  void reset() { has_time_ = false; }

  double wait() const { return wait_; }
  /// What the network will take, allowing for its spread.
  double predicted() const { return known_ ? mean_ + 2 * deviation_ : 0; }

 private:
  static constexpr int kPatience = 8, kMostPatience = 128;  ///< frames between two tries

  double limit_ = 0;
  double wait_ = 0, service_ = 0;
  bool has_time_ = false;
  int64_t time_ = 0;
  bool known_ = false;
  double mean_ = 0, deviation_ = 0;  ///< of the network's time, smoothed as round trips are in TCP
  bool trying_ = false;
  int skipped_ = 0, patience_ = kPatience;
};

}  // namespace cdsr
