#define CDSR_KERNELS base
#define CDSR_LANES 4
#include "model/cpu/kernels_impl.h"

namespace cdsr::cpu {
extern const Kernels kernels_base;
const Kernels kernels_base = base::table();
}  // namespace cdsr::cpu
