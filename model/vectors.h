// The arithmetic on vectors around the convolutions, on the processor in fp32: from pooled features to E_a,
// from E_a to what each DQA has of the shot, from there and a query to its dynamic filter. Allocates when
// made only.
//
// Every backend uses it but the reference, whose own, in double, is what it is compared with. What else will
// depend on the embedding alone (the mixing of a convolution's experts) belongs into Conditioner.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/network.h"

namespace cdsr {

/// Mean over the encoder's windows: `count` vectors of out.size() values, `stride` floats apart.
void mean_over_windows(const float* values, size_t count, size_t stride, std::span<float> out);

/// E_a from pooled LPE features.
class Csc {
 public:
  /// `encoder` must outlive the object.
  explicit Csc(const Encoder& encoder);
  /// pooled: 2 d, pixel-wise then patch-wise; embedding: d.
  void run(std::span<const float> pooled, std::span<float> embedding);

 private:
  const Encoder& encoder_;
  std::vector<float> a_, b_, scores_;
};

/// What a DQA has of the shot: conditioning vector, key, value and channel gate, nf each.
struct DqaCondition {
  explicit DqaCondition(int nf) : y(nf), key(nf), value(nf), gate(nf) {}
  std::vector<float> y, key, value, gate;
};

/// Key, value and gate from `y` (nf), which is kept too.
void condition_dqa(const Dqa& dqa, std::span<const float> y, DqaCondition& condition);

/// The dynamic filter (nf * 9, the taps of channel 0 first) from the query, which is the mean of the DQA's
/// input: at least nf values, of which nf count.
void filter_dqa(const Dqa& dqa, const DqaCondition& condition, std::span<const float> query,
                std::span<float> filter);

/// All DQAs of a network.
class Conditioner {
 public:
  /// `network` must outlive the object.
  explicit Conditioner(const Network& network);

  void condition(std::span<const float> embedding);
  /// In the order of the blocks.
  std::span<const DqaCondition> dqas() const { return dqas_; }
  /// The dynamic filter of DQA `index` under the condition; see filter_dqa().
  void filter(int index, std::span<const float> query, std::span<float> filter) const;

 private:
  const Dqa& dqa(int index) const;

  const Network& network_;
  std::vector<float> a_, b_;
  std::vector<DqaCondition> dqas_;
};

}  // namespace cdsr
