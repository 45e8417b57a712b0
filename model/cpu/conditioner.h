// What is computed on vectors: once a shot from the embedding, once a frame (or shot) from the queries. fp32.
#pragma once

#include <span>
#include <vector>

#include "model/cpu/runner.h"
#include "model/network.h"

namespace cdsr::cpu {

/// E_a from pooled LPE features (CSC). Allocates nothing. `work` holds scratch.
class Csc {
 public:
  explicit Csc(const Encoder& encoder);
  void run(std::span<const float> pooled, std::span<float> embedding);

 private:
  const Encoder& encoder_;
  std::vector<float> a_, b_, scores_;
};

/// Of one DQA: what depends on the conditioning vector alone, kept for the shot.
struct DqaCondition {
  std::vector<float> y, key, value;
};

/// key, value and gate from y.
void condition_dqa(const Dqa& dqa, std::span<const float> y, DqaCondition& condition, DqaVectors& vectors);
/// The dynamic filter from the query's source, the mean of the DQA's input. `work`: at least 11 nf floats.
void filter_dqa(const Dqa& dqa, const DqaCondition& condition, std::span<const float> mean,
                std::span<float> work, DqaVectors& vectors);
DqaVectors make_dqa_vectors(int nf);

/// All DQAs of a network. Allocates when made only.
class Conditioner {
 public:
  explicit Conditioner(const Network& network);

  void condition(std::span<const float> embedding);
  /// DQA `index` gets the mean of its input (at least nf values).
  void set_query(int index, std::span<const float> mean);

  const std::vector<DqaVectors>& vectors() const { return vectors_; }

 private:
  const Dqa& dqa(int index) const;

  const Network& network_;
  std::vector<float> a_, b_;
  std::vector<DqaCondition> conditions_;
  std::vector<DqaVectors> vectors_;
};

}  // namespace cdsr::cpu
