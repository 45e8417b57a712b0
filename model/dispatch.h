// Choosing among the sets of instructions that a source was compiled for by Highway.
#pragma once

#include <hwy/targets.h>

#include <cstddef>

namespace cdsr {

/// What the table of HWY_EXPORT has for `target`. Where a single set was compiled (NEON on Arm) the table has
/// one entry, and Highway's index does not apply.
template <typename Function, size_t N>
Function dispatch_entry(Function const (&table)[N], const hwy::ChosenTarget& target) {
  return table[N == 1 ? 0 : target.GetIndex()];
}

}  // namespace cdsr
