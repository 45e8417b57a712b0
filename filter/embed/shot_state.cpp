#include "filter/embed/shot_state.h"

namespace cdsr {
namespace {

/// `value`, just measured, joins the mean of `count` values, itself included.
void add_to_mean(int count, std::vector<float>& sum, std::vector<float>& value) {
  for (size_t i = 0; i < value.size(); ++i) {
    sum[i] = count == 1 ? value[i] : sum[i] + value[i];
    value[i] = sum[i] / static_cast<float>(count);
  }
}

}  // namespace

void ShotState::resize(const CdsrConfig& config, Query query) {
  const auto values = static_cast<size_t>(config.embedding());
  embedding.resize(values);
  embedding_sum.resize(values);
  const size_t means =
      query == Query::Shot ? static_cast<size_t>(config.dqas()) * static_cast<size_t>(config.nf) : 0;
  queries.resize(means);
  queries_sum.resize(means);
}

void embed_shot(Engine& engine, const RowSource& frame, Query query, ShotState& known) {
  const int count = known.looks + 1;
  known.looks = 0;  // whatever throws below, the next look starts anew
  engine.embed(frame, known.embedding);
  add_to_mean(count, known.embedding_sum, known.embedding);
  engine.condition(known.embedding);
  if (query == Query::Shot) {
    // Each frame is measured under the mean so far: the last of them counts fully, the first nearly so.
    engine.measure_queries(frame, known.queries);
    add_to_mean(count, known.queries_sum, known.queries);
    engine.set_queries(known.queries);
  }
  known.looks = count;
}

void install(Engine& engine, Query query, std::span<const float> embedding, std::span<const float> queries) {
  engine.condition(embedding);
  if (query == Query::Shot) engine.set_queries(queries);
}

}  // namespace cdsr
