#define CDSR_KERNELS avx512bf16
#define CDSR_LANES 16
#include "model/cpu/kernels_impl.h"

namespace cdsr::cpu {
extern const Kernels kernels_avx512bf16;
const Kernels kernels_avx512bf16 = avx512bf16::table();
}  // namespace cdsr::cpu
