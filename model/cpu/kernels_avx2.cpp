#define CDSR_KERNELS avx2
#define CDSR_LANES 8
#include "model/cpu/kernels_impl.h"

namespace cdsr::cpu {
extern const Kernels kernels_avx2;
const Kernels kernels_avx2 = avx2::table();
}  // namespace cdsr::cpu
