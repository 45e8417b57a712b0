// State computed once per shot: E_a and the DQA queries.
#pragma once

#include <span>
#include <vector>

#include "model/engine.h"

namespace cdsr {

/// Means over the frames of a shot that were looked at.
struct ShotState {
  int looks = 0;                                ///< frames that are in the means; 0: nothing is known
  std::vector<float> embedding, embedding_sum;  ///< E_a
  std::vector<float> queries, queries_sum;      ///< of the DQAs; empty for Query::Frame

  /// Allocates for a network.
  void resize(const CdsrConfig& config, Query query);
};

/// Adds one more frame to the means: runs LPE and CSC and, for Query::Shot, takes the queries. Leaves
/// `engine` conditioned with the result. If the engine throws, nothing is known.
void embed_shot(Engine& engine, const RowSource& frame, Query query, ShotState& known);

/// Conditions `engine`.
void install(Engine& engine, Query query, std::span<const float> embedding, std::span<const float> queries);

}  // namespace cdsr
