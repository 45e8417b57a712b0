#include "filter/shot/detector.h"

#include <algorithm>

namespace cdsr {
namespace {

/// Below this deviation, in 8-bit codes, a frame has no structure.
constexpr double kStructure = 3;
/// The rule `1 - zncc > 0.5, difference > 6, difference > 2.5 usual`, each scaled so that its bound is 0.5,
/// the default threshold: one knob moves all three.
constexpr double kDifferenceScale = 12;
constexpr double kUsualScale = 5;
/// Share of the newest frame in the usual difference.
constexpr double kLearningRate = 0.2;
/// An anchor that correlates with the frame by more than this has come back.
constexpr double kReturnZncc = 0.9;

}  // namespace

double ShotDetector::score(const Similarity& similarity) const {
  // After frames without structure the levels may still be rising from black: only the structure counts.
  if (after_flat_) return std::clamp(1 - similarity.zncc, 0.0, 1.0);
  double score = std::min(1 - similarity.zncc, similarity.difference / kDifferenceScale);
  if (usual_difference_ > 0)
    score = std::min(score, similarity.difference / (kUsualScale * usual_difference_));
  return std::clamp(score, 0.0, 1.0);
}

void ShotDetector::learn(double difference) {
  // A cut counts, but not in full: else a shot in which every frame looks like a cut would never become
  // usual, and one cut would hide the next.
  const double most = 2.5 * usual_difference_ + 6;
  usual_difference_ += kLearningRate * (std::min(difference, most) - usual_difference_);
}

ShotDetector::Result ShotDetector::next(const Thumbnail& frame) {
  const bool flat = deviation(frame) < kStructure;
  if (!started_) {
    started_ = true;
    has_previous_ = !flat;
    previous_ = frame;
    return {Verdict::Cut, 1, false};
  }
  if (anchor_left_ > 0) --anchor_left_;
  if (flat) {
    after_flat_ = true;
    return {};
  }
  if (!has_previous_) {  // the stream began with black
    has_previous_ = true;
    after_flat_ = false;
    previous_ = frame;
    return {Verdict::Cut, 1, false};
  }

  const Similarity similarity = compare(frame, previous_);
  Result result;
  result.score = score(similarity);
  if (!after_flat_) learn(similarity.difference);
  after_flat_ = false;
  if (anchor_left_ > 0 && compare(frame, anchor_).zncc > kReturnZncc) {
    result.verdict = Verdict::Return;
    anchor_left_ = 0;
  } else if (result.score > threshold_) {
    result.verdict = Verdict::Cut;
    if (anchor_left_ == 0) {
      anchor_ = previous_;
      result.anchored = true;
      anchor_left_ = kAnchorFrames + 1;
    }
  }
  previous_ = frame;
  return result;
}

void ShotDetector::reset() {
  const double threshold = threshold_;
  *this = ShotDetector();
  threshold_ = threshold;
}

}  // namespace cdsr
