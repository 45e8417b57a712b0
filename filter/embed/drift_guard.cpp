#include "filter/embed/drift_guard.h"

#include <algorithm>
#include <cmath>

namespace cdsr {
namespace {

/// What the groups are apart at least: half of what they are large, and so many times what looks are apart
/// within them. Chosen on four clips, x264's crf going from 18 to 35 and noise being switched on.
constexpr double kApart = 0.5, kTimes = 4;

}  // namespace

double relative_distance(std::span<const float> a, std::span<const float> b) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    difference += d * d;
    size += (static_cast<double>(a[i]) * a[i] + static_cast<double>(b[i]) * b[i]) / 2;
  }
  return difference > 0 ? std::sqrt(difference / size) : 0;
}

DriftGuard::DriftGuard(int every, size_t values)
    : every_(every),
      size_(values),
      values_(every > 0 ? kLooks * values : 0),
      before_(values),
      after_(values) {}

double DriftGuard::mean_of(size_t first, std::span<float> mean) {
  std::fill(mean.begin(), mean.end(), 0.0F);
  for (size_t i = first; i < first + kGroup; ++i) {
    const std::span<const float> one = nth(i % kLooks);
    for (size_t v = 0; v < size_; ++v) mean[v] += one[v] / static_cast<float>(kGroup);
  }
  double apart = 0;
  for (size_t i = first; i < first + kGroup; ++i) apart += relative_distance(nth(i % kLooks), mean);
  return apart / kGroup;
}

bool DriftGuard::changed() {
  if (++looks_ < kLooks) return false;
  const double within = std::max(mean_of(looks_ - kLooks, before_), mean_of(looks_ - kGroup, after_));
  const double apart = relative_distance(before_, after_);
  return apart > kApart && apart > kTimes * within;
}

}  // namespace cdsr
