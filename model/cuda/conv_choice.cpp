#include "model/cuda/conv_choice.h"

#include <algorithm>
#include <cstddef>

namespace cdsr::cuda {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Verdict choose_conv(int candidates, const Contest& contest) {
  Verdict verdict;
  verdict.own_us = contest.own();
  std::vector<std::optional<double>> times;
  times.reserve(static_cast<size_t>(candidates));
  for (int i = 0; i < candidates; ++i) times.push_back(contest.candidate(i));
  for (;;) {
    std::optional<double> fastest;
    for (const auto& t : times)
      if (t && (!fastest || *t < *fastest)) fastest = t;
    if (!fastest) return verdict;
    const auto first = std::find_if(times.begin(), times.end(),
                                    [&](const auto& t) { return t && *t <= *fastest * kAsFast; });
    const int index = static_cast<int>(first - times.begin());
    // Those that lose to the own kernel are not asked: nothing depends on them.
    if (**first > verdict.own_us * kClearly) {
      verdict.fastest_us = *fastest;
      return verdict;
    }
    if (contest.agrees(index)) {
      verdict.candidate = index;
      verdict.fastest_us = **first;
      return verdict;
    }
    first->reset();
  }
}

bool equal_but_for_rounding(const std::vector<float>& a, const std::vector<float>& b, Rounding rounding) {
  double error = 0, power = 0;
  for (size_t i = 0; i < b.size() && i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    error += d * d;
    power += static_cast<double>(b[i]) * b[i];
  }
  // Both sum in fp32 and round once: half a unit in the last place each way, squared, and room for ties.
  const double bound = rounding == Rounding::Fp8 ? 3e-2 : rounding == Rounding::Bf16 ? 3e-5 : 1e-6;
  return a.size() == b.size() && error <= bound * power;
}

}  // namespace cdsr::cuda
