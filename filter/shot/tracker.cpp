#include "filter/shot/tracker.h"

#include <utility>

namespace cdsr {

ShotTracker::ShotTracker(ShotMode mode, double threshold, std::vector<int64_t> starts)
    : mode_(mode), starts_(std::move(starts)) {
  detector_.set_threshold(threshold);
}

void ShotTracker::restart() {
  detector_.reset();
  fresh_ = true;
}

bool ShotTracker::listed() {
  bool found = false;
  while (next_start_ < starts_.size() && starts_[next_start_] <= frame_) {
    found = starts_[next_start_] == frame_;
    ++next_start_;
  }
  return found;
}

ShotEvent ShotTracker::next(const Thumbnail* thumbnail, const Hints& hints) {
  if (hints.discontinuity) {
    detector_.reset();
    fresh_ = true;
  }
  ShotEvent event;
  event.begins = fresh_;
  if (mode_ == ShotMode::Auto) {
    const ShotDetector::Result result = detector_.next(*thumbnail);
    event.score = result.score;
    event.begins |= result.verdict == ShotDetector::Verdict::Cut;
    event.returned = result.verdict == ShotDetector::Verdict::Return;
    if (result.anchored) before_ = shot_;
  } else if (mode_ == ShotMode::Metadata) {
    event.begins |= hints.cut;
  } else if (mode_ == ShotMode::File) {
    event.begins |= listed();
  }
  fresh_ = false;
  if (event.begins) shot_ = shots_++;
  if (event.returned) shot_ = before_;
  event.shot = shot_;
  ++frame_;
  return event;
}

void ShotTracker::reset() {
  detector_.reset();
  fresh_ = true;
  next_start_ = 0;
  frame_ = shots_ = shot_ = before_ = 0;
}

}  // namespace cdsr
