// What the processor offers, as oneDNN sees it: ONEDNN_MAX_CPU_ISA limits our own loops too.
#pragma once

#include <string>

#include "model/cpu/types.h"
#include "model/engine_options.h"

namespace cdsr::cpu {

/// For the loops in kernels.h.
Isa kernel_isa();
/// oneDNN has bf16 convolutions here at all.
bool has_bf16();
/// bf16 products in one instruction: AVX512_BF16 or AMX.
bool has_fast_bf16();
bool has_amx();
/// "oneDNN 2.6.3, avx512_core_amx".
std::string describe_isa();

/// Auto resolved; throws Unsupported for fp16 and fp8, and for bf16 where has_bf16() is false.
Precision resolve_precision(Precision precision);

}  // namespace cdsr::cpu
