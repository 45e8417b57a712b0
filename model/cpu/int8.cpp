#include "model/cpu/int8.h"

#include <hwy/highway.h>

#if HWY_ARCH_X86
#include <immintrin.h>

// Two sets that Highway does not have.
HWY_PUSH_ATTRIBUTES("avx2,fma,avxvnni")
#define CDSR_NAMESPACE avxvnni
#define CDSR_LANES 8
#include "model/cpu/int8-inl.h"
#undef CDSR_LANES
#undef CDSR_NAMESPACE
HWY_POP_ATTRIBUTES

HWY_PUSH_ATTRIBUTES("avx2,fma,avx512f,avx512vl,avx512dq,avx512bw,avx512vnni")
#define CDSR_NAMESPACE avx512vnni
#define CDSR_LANES 16
#include "model/cpu/int8-inl.h"
#undef CDSR_LANES
#undef CDSR_NAMESPACE
HWY_POP_ATTRIBUTES
#endif

namespace cdsr::cpu {

const Int8Kernels* int8_kernels([[maybe_unused]] Vnni vnni) {
#if HWY_ARCH_X86
  if (vnni == Vnni::Avx512) return &avx512vnni::kTable;
  if (vnni == Vnni::Avx2) return &avxvnni::kTable;
#endif
  return nullptr;
}

}  // namespace cdsr::cpu
