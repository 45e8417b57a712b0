#include "filter/deadline.h"

#include <algorithm>
#include <cmath>

namespace cdsr {

bool Deadline::misses(int64_t time) {
  const double interval = has_time_ ? static_cast<double>(time - time_) * 1e-6 : 0;
  // Without a time that goes on nothing is known of the pace.
  wait_ = interval > 0 ? std::max(0.0, wait_ + service_ - interval) : 0;
  service_ = 0;
  has_time_ = true;
  time_ = time;
  trying_ = false;
  if (limit_ <= 0 || wait_ + predicted() <= limit_) {
    skipped_ = 0;
    return false;
  }
  // A try makes at most this frame late, and only when none waits: what is late already is not made later.
  if (predicted() > limit_ && wait_ <= 0 && ++skipped_ > patience_) {
    trying_ = true;
    skipped_ = 0;
    return false;
  }
  return true;
}

void Deadline::took(double ms, bool network) {
  service_ = ms;
  if (!network) return;
  if (trying_) {
    patience_ = ms <= limit_ ? kPatience : std::min(2 * patience_, kMostPatience);
    expect(ms);
    return;
  }
  if (!known_) {
    expect(ms);
    return;
  }
  // A hiccup counts as twice the usual time at most: one of them does not change what to expect, several do.
  const double error = std::min(ms - mean_, mean_);
  deviation_ += (std::abs(error) - deviation_) / 4;
  mean_ += error / 8;
}

void Deadline::expect(double ms) {
  known_ = true;
  mean_ = ms;
  deviation_ = ms / 16;
}

}  // namespace cdsr
