// Numbers the shots of a stream, however their cuts are found.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/shot/detector.h"
#include "filter/shot/thumbnail.h"

namespace cdsr {

enum class ShotMode { Auto, Metadata, File, Off };

/// What the host knows of a frame (cdsr_hints).
struct Hints {
  bool cut = false;
  bool discontinuity = false;
  int64_t time = 0;  ///< nanoseconds, see Deadline
};

/// A frame's place among the shots.
struct ShotEvent {
  int64_t shot = 0;       ///< index, from 0
  bool begins = false;    ///< first frame of the shot
  bool returned = false;  ///< first frame after a flash: `shot` is the one before it
  double score = 0;       ///< of the detector, 0..1
  bool entered() const { return begins || returned; }
};

class ShotTracker {
 public:
  /// starts: for ShotMode::File, ascending.
  ShotTracker(ShotMode mode, double threshold, std::vector<int64_t> starts);

  void set_threshold(double threshold) { detector_.set_threshold(threshold); }

  /// Frames of another size or format follow: the next one begins a shot.
  void restart();

  /// Places the next frame. Allocates nothing. ShotMode::Auto needs its thumbnail.
  ShotEvent next(const Thumbnail* thumbnail, const Hints& hints);

  /// The next frame is frame 0 of shot 0.
  void reset();

 private:
  bool listed();

  const ShotMode mode_;
  const std::vector<int64_t> starts_;
  size_t next_start_ = 0;
  int64_t frame_ = 0;
  int64_t shots_ = 0;   ///< begun so far
  int64_t shot_ = 0;    ///< the current one
  int64_t before_ = 0;  ///< the one a flash would return to
  bool fresh_ = true;   ///< the next frame begins a shot, whatever it shows
  ShotDetector detector_;
};

}  // namespace cdsr
