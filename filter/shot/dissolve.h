// Where a dissolve from one picture to another is over, without looking ahead.
//
// A dissolve has no frame that begins anything. What tells it from motion is what lies between: three frames
// spread over it are each a mixture of the one before and the newest one, of less and less of the first and
// more and more of the last. It is over when the frames stop changing so much, or are such mixtures no more.
//
// Seen on the clips of detector.h (3680 frames without a dissolve): nothing. On dissolves of 6 to 90 frames
// made between moving pieces of them, two of three are found, most of those in the first frame after their
// end.
#pragma once

#include <vector>

#include "filter/shot/thumbnail.h"

namespace cdsr {

class DissolveDetector {
 public:
  /// Allocates for the frames that it remembers.
  DissolveDetector();

  /// Pictures this much alike, in Similarity::zncc, are of one shot.
  void set_same(double zncc) { same_ = zncc; }

  /// Whether this is the first frame after a dissolve. Thumbnails must all be of one size until reset().
  bool next(const Thumbnail& frame);

  /// How little the ends of the last dissolve have in common, 0..1: 1 - zncc.
  double score() const { return score_; }

  /// The next frame follows nothing.
  void reset();

 private:
  /// Frames from the first to the last of what may be a dissolve. One is found by a span of 0.7 to 1.4 times
  /// its length.
  static constexpr int kSpans[] = {8, 16, 32, 64};
  static constexpr int kLongest = 64;
  static constexpr int kRemembered = kLongest + 1;

  struct Remembered {
    Thumbnail picture;
    double variance = 0;
    double change = 0;  ///< from the frame before, Similarity::difference
  };

  /// The frame that was `age` frames ago.
  const Remembered& before(int age) const;
  /// The span that is a dissolve up to the newest frame; 0: none.
  int find();
  bool is_mixed(int span);

  std::vector<Remembered> ring_;
  int newest_ = 0;
  int count_ = 0;     ///< remembered frames
  int span_ = 0;      ///< of the dissolve that goes on; 0: none
  int doubtful_ = 0;  ///< frames since it was seen last
  double same_ = 0.5, score_ = 0;
};

}  // namespace cdsr
