// From one embedding to the next without a jump in the picture.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "filter/embed/shot_state.h"

namespace cdsr {

/// What an engine is conditioned with, frame after frame: of a live stream, or where degradation may drift.
class Fader {
 public:
  /// frames: length of a cross-fade, 0: none.
  Fader(const CdsrConfig& config, Query query, int frames);

  /// Conditions `engine` for the next frame and returns how much of the network the picture shall have: 0
  /// while nothing is known at all, then rising to 1 over a cross-fade's length. target: what is known of the
  /// frame's shot, nullptr: nothing yet; the last embedding stays. version: another number whenever the
  /// target is another or has become better known. jump: the picture changes anyway; so may the embedding.
  float step(Engine& engine, const ShotState* target, int64_t version, bool jump);

  /// In use.
  std::span<const float> embedding() const { return embedding_; }
  std::span<const float> queries() const { return queries_; }

  /// Somebody else has conditioned the engine.
  void reinstall() { installed_ = false; }
  /// Nothing is known any more.
  void forget();

 private:
  void mix(const ShotState& target, float share);

  const Query query_;
  const int frames_;
  bool shown_ = false, installed_ = false;
  int64_t version_ = -1;
  int faded_ = 0;                                     ///< frames of the cross-fade done
  int appeared_ = 0;                                  ///< frames since something was known
  std::vector<float> embedding_, queries_;            ///< in use
  std::vector<float> from_embedding_, from_queries_;  ///< when the cross-fade began
};

}  // namespace cdsr
