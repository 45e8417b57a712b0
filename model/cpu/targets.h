// Highway's sets of instructions and ours.
#pragma once

#include <hwy/targets.h>

#include "model/cpu/types.h"

namespace cdsr::cpu {

/// The best of what Highway finds on this processor and `isa` allows. Its GetIndex() is of the sets that the
/// caller's file was compiled for.
inline void choose_target(Isa isa, hwy::ChosenTarget& target) {
  int64_t allowed = ~(int64_t{HWY_SSE4} - 1);  // the better ones are the lower bits
  if (isa == Isa::Avx2) allowed = ~(int64_t{HWY_AVX2} - 1);
  if (isa >= Isa::Avx512) allowed = ~int64_t{0};
  target.Update(hwy::SupportedTargets() & allowed);
}

}  // namespace cdsr::cpu
