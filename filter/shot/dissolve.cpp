#include "filter/shot/dissolve.h"

#include <algorithm>
#include <cmath>

namespace cdsr {
namespace {

/// Both ends must have this much contrast, as a deviation in 8-bit codes; else it is a fade.
constexpr double kContrast = 8;
/// Share of a frame's variance that the mixture must explain.
constexpr double kExplained = 0.9;
/// Shares of both ends in the middle one, and how far from 1 the shares of a frame may sum up.
constexpr double kLeastShare = 0.25, kSumError = 0.2;
/// A change of less than this share of the last ones ends a dissolve.
constexpr double kStill = 0.5;
constexpr int kLastChanges = 4;

/// What a frame has of the two ends: least squares, with a constant.
struct Mixture {
  double first = 0, last = 0, explained = 0;
};

}  // namespace

DissolveDetector::DissolveDetector() : ring_(kRemembered) {}

void DissolveDetector::reset() { count_ = span_ = doubtful_ = 0; }

const DissolveDetector::Remembered& DissolveDetector::before(int age) const {
  return ring_[static_cast<size_t>((newest_ + kRemembered - age) % kRemembered)];
}

bool DissolveDetector::is_mixed(int span) {
  const Remembered& a = before(span);
  const Remembered& b = before(0);
  constexpr double kLeastVariance = kContrast * kContrast;
  if (a.variance < kLeastVariance || b.variance < kLeastVariance) return false;
  const double ab = covariance(a.picture, b.picture);
  const double zncc = ab / std::sqrt(a.variance * b.variance);
  if (zncc >= same_) return false;
  const double determinant = a.variance * b.variance - ab * ab;
  const auto mixture = [&](int age) {
    const Remembered& m = before(age);
    const double am = covariance(a.picture, m.picture), bm = covariance(b.picture, m.picture);
    Mixture result;
    result.first = (b.variance * am - ab * bm) / determinant;
    result.last = (a.variance * bm - ab * am) / determinant;
    result.explained = m.variance > 0 ? (result.first * am + result.last * bm) / m.variance : 0;
    return result;
  };
  const auto is_mixture = [](const Mixture& m) {
    return m.explained > kExplained && std::abs(m.first + m.last - 1) < kSumError;
  };
  const Mixture middle = mixture(span / 2);
  if (!is_mixture(middle) || middle.first < kLeastShare || middle.last < kLeastShare) return false;
  const Mixture early = mixture(span * 3 / 4), late = mixture(span / 4);
  if (!is_mixture(early) || !is_mixture(late)) return false;
  if (early.first <= middle.first || middle.first <= late.first) return false;
  if (early.last >= middle.last || middle.last >= late.last) return false;
  score_ = std::clamp(1 - zncc, 0.0, 1.0);
  return true;
}

int DissolveDetector::find() {
  for (const int span : kSpans)
    if (span < count_ && is_mixed(span)) return span;
  return 0;
}

bool DissolveDetector::next(const Thumbnail& frame) {
  newest_ = (newest_ + 1) % kRemembered;
  Remembered& now = ring_[static_cast<size_t>(newest_)];
  now.picture = frame;
  now.variance = covariance(frame, frame);
  now.change = count_ > 0 ? compare(frame, before(1).picture).difference : 0;
  count_ = std::min(count_ + 1, kRemembered);

  const int found = find();
  if (span_ > 0) {
    double usual = 0;
    for (int age = 1; age <= kLastChanges; ++age) usual += before(age).change / kLastChanges;
    doubtful_ = found > 0 ? 0 : doubtful_ + 1;
    // Motion hides a mixture for a while; a real end brings still frames or none of them.
    if (now.change < kStill * usual || doubtful_ > span_ / 4) {
      reset();
      return true;
    }
  }
  if (found > 0) span_ = found;
  return false;
}

}  // namespace cdsr
