#include "model/cpu/kernels.h"

// What SSE4 has beyond x86-64's own instructions is of no use to these loops.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/cpu/kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each set of instructions
#include <hwy/highway.h>

#include "model/cpu/targets.h"

HWY_BEFORE_NAMESPACE();
#define CDSR_BF16 0
#include "model/cpu/kernels-inl.h"
#undef CDSR_BF16
HWY_AFTER_NAMESPACE();

// AVX-512 with bf16 products, a set that Highway does not have.
#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR_AVX3 ",avx512bf16")
#define CDSR_BF16 1
#include "model/cpu/kernels-inl.h"
#undef CDSR_BF16
HWY_POP_ATTRIBUTES
#endif

#if HWY_ONCE
namespace cdsr::cpu {
namespace {

HWY_EXPORT(table);

}  // namespace

const Kernels& kernels(Isa isa) {
#if HWY_ARCH_X86
  if (isa == Isa::Avx512Bf16) return N_AVX3::bf16::table();
#endif
  return choose(HWY_DISPATCH_TABLE(table), isa)();
}

}  // namespace cdsr::cpu
#endif
