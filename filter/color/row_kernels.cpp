#include "filter/color/row_kernels.h"

namespace cdsr {
namespace isa_base {
extern const RowKernels kTable;
}
namespace isa_avx2 {
extern const RowKernels kTable;
}

std::span<const RowKernels* const> all_row_kernels() {
  // Slowest first; the processor runs a prefix of the list.
#ifdef CDSR_HAVE_AVX2_KERNELS
  static const RowKernels* const kTables[] = {&isa_base::kTable, &isa_avx2::kTable};
  const size_t count = __builtin_cpu_supports("avx2") ? 2 : 1;
#else
  static const RowKernels* const kTables[] = {&isa_base::kTable};
  const size_t count = 1;
#endif
  return {kTables, count};
}

const RowKernels& row_kernels() {
  static const RowKernels& best = *all_row_kernels().back();
  return best;
}

}  // namespace cdsr
