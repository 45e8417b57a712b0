#include "model/cpu/isa.h"

#include <hwy/detect_compiler_arch.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "model/cpu/program.h"
#include "model/error.h"

namespace cdsr::cpu {
namespace {

/// oneDNN's instruction sets are sets of bits, each containing what it builds on; all are x86-64's.
bool includes(dnnl::cpu_isa isa) {
  if (HWY_ARCH_X86 == 0) return false;
  const unsigned have = static_cast<unsigned>(dnnl::get_effective_cpu_isa()),
                 want = static_cast<unsigned>(isa);
  return (have & want) == want;
}

}  // namespace

Isa kernel_isa() {
  if (has_fast_bf16()) return Isa::Avx512Bf16;
  if (has_bf16()) return Isa::Avx512;
  return includes(dnnl::cpu_isa::avx2) ? Isa::Avx2 : Isa::Base;
}

bool has_bf16() { return includes(dnnl::cpu_isa::avx512_core); }
bool has_fast_bf16() { return includes(dnnl::cpu_isa::avx512_core_bf16); }
bool has_amx() { return includes(dnnl::cpu_isa::avx512_core_amx); }

Vnni vnni() {
  if (includes(dnnl::cpu_isa::avx512_core_vnni)) return Vnni::Avx512;
  return includes(dnnl::cpu_isa::avx2_vnni) ? Vnni::Avx2 : Vnni::None;
}

std::string describe_isa() {
  const char* name = HWY_ARCH_X86 == 0 ? "neon" : "sse41 or less";
  if (has_amx())
    name = "avx512_core_amx";
  else if (has_fast_bf16())
    name = "avx512_core_bf16";
  else if (has_bf16())
    name = "avx512_core";
  else if (includes(dnnl::cpu_isa::avx2))
    name = "avx2";
  const dnnl_version_t* version = dnnl::version();
  return fmt::format("oneDNN {}.{}.{}, {}", version->major, version->minor, version->patch, name);
}

namespace {

/// What keeps a network from int8 here, or nothing.
std::string obstacle_to_int8(const Network* network) {
  if (network == nullptr) return "the cpu backend has no single operators in int8";
  if (vnni() == Vnni::None)
    return fmt::format("precision int8 needs AVX512_VNNI or AVX_VNNI, this processor has {}", describe_isa());
  const CdsrConfig& c = network->config;
  if (c.body != Body::Stack || c.nf > kInt8Channels || c.blocks > kMostUncutBlocks)
    return fmt::format("precision int8 is for networks like cdsr-rt (a stack of at most {} blocks of {})",
                       kMostUncutBlocks, kInt8Channels);
  if (network->ranges.empty())
    return "precision int8 needs to know what the features range over: `cdsr calibrate` adds it to weights";
  return {};
}

Precision automatic(const Network* network) {
  // Winograd's kernel in fp32 beats bf16 but where there is AMX; DQAs are pointwise, which it does not help.
  if (network == nullptr || network->config.body != Body::Stack || has_amx())
    return has_fast_bf16() ? Precision::Bf16 : Precision::Fp32;
  return obstacle_to_int8(network).empty() ? Precision::Int8 : Precision::Fp32;
}

}  // namespace

Precision resolve_precision(Precision precision, const Network* network) {
  if (precision == Precision::Auto) return automatic(network);
  if (precision == Precision::Bf16 && !has_bf16())
    fail(Errc::Unsupported, "precision bf16 needs AVX512, this processor has {}: use fp32", describe_isa());
  if (precision == Precision::Fp16 || precision == Precision::Fp8)
    fail(Errc::Unsupported, "the cpu backend has no precision {}: use auto, int8, bf16 or fp32",
         to_string(precision));
  if (precision == Precision::Int8)
    if (const std::string obstacle = obstacle_to_int8(network); !obstacle.empty())
      fail(Errc::Unsupported, "{}: use auto or fp32", obstacle);
  return precision;
}

}  // namespace cdsr::cpu
