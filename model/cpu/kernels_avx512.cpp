#define CDSR_KERNELS avx512
#define CDSR_LANES 16
#include "model/cpu/kernels_impl.h"

namespace cdsr::cpu {
extern const Kernels kernels_avx512;
const Kernels kernels_avx512 = avx512::table();
}  // namespace cdsr::cpu
