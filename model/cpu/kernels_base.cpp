#define CDSR_KERNELS base
#include "model/cpu/kernels_impl.h"

namespace cdsr::cpu {
extern const Kernels kernels_base;
const Kernels kernels_base = base::table();
}  // namespace cdsr::cpu
