// What the processor offers, as oneDNN sees it: ONEDNN_MAX_CPU_ISA limits our own loops too.
#pragma once

#include <string>

#include "model/cpu/int8.h"
#include "model/cpu/types.h"
#include "model/engine_options.h"
#include "model/network.h"

namespace cdsr::cpu {

/// For the loops in kernels.h.
Isa kernel_isa();
/// oneDNN has bf16 convolutions here at all.
bool has_bf16();
/// bf16 products in one instruction: AVX512_BF16 or AMX.
bool has_fast_bf16();
bool has_amx();
/// For the kernels of int8.h, the best there is.
Vnni vnni();
/// "oneDNN 2.6.3, avx512_core_amx".
std::string describe_isa();

/// Auto resolved (cpu.h says how) for a network, or for single operators (null). Throws Unsupported for what
/// this processor or the network does not have.
Precision resolve_precision(Precision precision, const Network* network);

}  // namespace cdsr::cpu
