// The own convolution or one of cuDNN's: decided by times that somebody else measures.
#pragma once

#include <functional>
#include <optional>
#include <vector>

namespace cdsr::cuda {

/// Of an odd number of values the middle one, else the lower of the two; 0 of none.
double median(std::vector<double> values);

/// What takes part. Times are microseconds.
struct Contest {
  std::function<double()> own;
  /// Of candidate i; empty if it cannot be run.
  std::function<std::optional<double>(int)> candidate;
  /// Whether candidate i computes what the own kernel does; asked of winners alone.
  std::function<bool(int)> agrees;
};

struct Verdict {
  int candidate = -1;  ///< -1: the own kernel
  double own_us = 0;
  double fastest_us = 0;  ///< of the fastest candidate, those that do not agree left out; 0: none is left
};

/// A candidate must be clearly faster than the own kernel, which needs no library and no workspace; among
/// candidates as fast as each other the first one wins: noise does not decide.
inline constexpr double kClearly = 0.97, kAsFast = 1.01;
Verdict choose_conv(int candidates, const Contest& contest);

enum class Rounding { Fp16, Bf16, Fp8 };
/// Whether two results of one convolution differ by rounding alone: ||a - b||^2 / ||b||^2. False for a NaN.
bool equal_but_for_rounding(const std::vector<float>& a, const std::vector<float>& b, Rounding rounding);

}  // namespace cdsr::cuda
