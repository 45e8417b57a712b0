// Highway's sets of instructions and ours.
#pragma once

#include <hwy/targets.h>

#include "model/cpu/types.h"
#include "model/dispatch.h"

namespace cdsr::cpu {

/// The best of what Highway finds on this processor and `isa` allows, from the HWY_EXPORT table of the
/// caller's file.
template <typename Function, size_t N>
Function choose(Function const (&table)[N], Isa isa) {
  hwy::ChosenTarget target;
  int64_t allowed = ~(int64_t{HWY_SSE4} - 1);  // the better ones are the lower bits
  if (isa == Isa::Avx2) allowed = ~(int64_t{HWY_AVX2} - 1);
  if (isa >= Isa::Avx512) allowed = ~int64_t{0};
  target.Update(hwy::SupportedTargets() & allowed);
  return dispatch_entry(table, target);
}

}  // namespace cdsr::cpu
