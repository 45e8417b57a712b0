#include "model/cpu/isa.h"

#include <oneapi/dnnl/dnnl.hpp>

#include "model/error.h"

namespace cdsr::cpu {
namespace {

/// oneDNN's instruction sets are sets of bits, each containing what it builds on.
bool includes(dnnl::cpu_isa isa) {
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

std::string describe_isa() {
  const char* name = "sse41 or less";
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

Precision resolve_precision(Precision precision) {
  if (precision == Precision::Auto) return has_fast_bf16() ? Precision::Bf16 : Precision::Fp32;
  if (precision == Precision::Bf16 && !has_bf16())
    fail(Errc::Unsupported, "precision bf16 needs AVX512, this processor has {}: use fp32", describe_isa());
  if (precision == Precision::Fp16 || precision == Precision::Fp8)
    fail(Errc::Unsupported, "the cpu backend has no precision {}: use auto, bf16 or fp32",
         to_string(precision));
  return precision;
}

}  // namespace cdsr::cpu
