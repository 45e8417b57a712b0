#include "filter/shot/tracker.h"

#include <algorithm>
#include <utility>

#include "filter/color/device_color.h"

namespace cdsr {

ShotTracker::ShotTracker(ShotMode mode, double threshold, std::vector<int64_t> starts)
    : mode_(mode), starts_(std::move(starts)) {
  detector_.set_threshold(threshold);
}

void ShotTracker::plan(int width) {
  thumbnailer_.plan(width);
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

ShotEvent ShotTracker::next(const Frame& frame, const Hints& hints, DeviceFrames* gpu) {
  if (mode_ != ShotMode::Off && frame.on_gpu) {
    thumbnail_.width = std::min(frame.width, kThumbnailWidth);
    thumbnail_.height = std::min(frame.height, kThumbnailHeight);
    gpu->thumbnail(device_frame(frame), thumbnail_.width, thumbnail_.height, thumbnail_.cell);
  } else if (mode_ != ShotMode::Off) {
    thumbnailer_.make(frame, thumbnail_);
  }
  if (hints.discontinuity) {
    detector_.reset();
    fresh_ = true;
  }
  ShotEvent event;
  event.begins = fresh_;
  if (mode_ == ShotMode::Auto) {
    const ShotDetector::Result result = detector_.next(thumbnail_);
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
