// Whether the degradation has changed inside a shot: a step of the bitrate, noise that begins. Content
// changes what the encoder sees too, from frame to frame and slowly as things move, so one look says little:
// a change is where three looks in a row agree, three before them agree, and the two groups are several times
// further apart than the looks within them.
//
// README.md of filter/ has how often that is right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cdsr {

class DriftGuard {
 public:
  /// every: frames from one look to the next; 0: there are none. values: of an embedding.
  DriftGuard(int every, size_t values);

  bool active() const { return every_ > 0; }

  /// What was seen before counts no more: another shot, or another embedding.
  void reset() { looks_ = 0; }

  /// Is this frame of a shot to be looked at? frames: before it in the shot.
  bool due(int64_t frames) const { return active() && frames > 0 && frames % every_ == 0; }

  /// To be filled with the embedding of the next look.
  std::span<float> next_embedding() { return nth(looks_ % kLooks); }

  /// After a look: has the degradation changed within the last ones?
  bool changed();

 private:
  static constexpr size_t kGroup = 3, kLooks = 2 * kGroup;

  std::span<float> nth(size_t i) { return std::span(values_).subspan(i * size_, size_); }
  /// The mean of a group that begins with the look of this number, and the mean distance of its looks from
  /// it.
  double mean_of(size_t first, std::span<float> mean);

  const int every_;
  const size_t size_;
  size_t looks_ = 0;           ///< since the reset
  std::vector<float> values_;  ///< of the last kLooks
  std::vector<float> before_, after_;
};

/// Distance of two embeddings as a share of their size: 0 the same, 2 opposite.
double relative_distance(std::span<const float> a, std::span<const float> b);

}  // namespace cdsr
