// The arithmetic on vectors around the convolutions, on the processor in fp32: from pooled features to E_a,
// from E_a to what each DQA has of the shot, from there and a query to its dynamic filter. Allocates when
// made only.
//
// Every backend uses it but the reference, whose own, in double, is what it is compared with.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/network.h"

namespace cdsr {

/// E_a from the LPE's features of a frame's windows.
class Csc {
 public:
  /// `network` must outlive the object.
  explicit Csc(const Network& network);
  /// windows: config.features() values of each window: pixel-wise then patch-wise, or its statistics;
  /// embedding: d.
  void run(std::span<const float> windows, std::span<float> embedding);

 private:
  void mlp(const float* features, float* out);

  const Encoder& encoder_;
  const bool each_;  ///< window goes through the MLP, else their mean
  std::vector<float> mean_, a_, b_, scores_;
  std::vector<double> sums_;
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

/// Most weight sets of a convolution (CdsrConfig::experts).
inline constexpr int kMostWeightSets = 17;

/// All that depends on the embedding alone: of DQAs, or of a stack the weights of its convolutions.
class Conditioner {
 public:
  /// `network` must outlive the object. mixes: false where shares() are enough, convs() is empty then.
  explicit Conditioner(const Network& network, bool mixes = true);

  /// sharpness: 0..1, of a network that has it; else not read.
  void condition(std::span<const float> embedding, float sharpness);
  /// In the order of the blocks.
  std::span<const DqaCondition> dqas() const { return dqas_; }
  /// With experts: the shares of all weight sets, the sharp one's last, in the convolutions of stack_convs(),
  /// one convolution after the other; else empty.
  std::span<const float> shares() const { return shares_; }
  /// With experts: the convolutions of stack_convs() with the shot's weights; else empty.
  std::span<const Conv> convs() const { return convs_; }
  /// The dynamic filter of DQA `index` under the condition; see filter_dqa().
  void filter(int index, std::span<const float> query, std::span<float> filter) const;

 private:
  const Dqa& dqa(int index) const;
  /// From E', in b_.
  void share(const Experts& experts, float* shares) const;
  static void mix(const Experts& experts, const float* shares, Conv& conv);

  const Network& network_;
  std::vector<float> a_, b_;
  std::vector<DqaCondition> dqas_;
  std::vector<float> shares_;
  std::vector<Conv> convs_;
};

}  // namespace cdsr
