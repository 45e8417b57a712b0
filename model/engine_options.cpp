#include "model/engine_options.h"

#include "model/error.h"

namespace cdsr {

const char* to_string(Precision precision) {
  switch (precision) {
    case Precision::Auto:
      return "auto";
    case Precision::Fp32:
      return "fp32";
    case Precision::Bf16:
      return "bf16";
    case Precision::Fp16:
      return "fp16";
    case Precision::Fp8:
      return "fp8";
    case Precision::Int8:
      return "int8";
  }
  return "unknown";
}

Precision precision_from_string(std::string_view text) {
  for (Precision p :
       {Precision::Auto, Precision::Fp32, Precision::Bf16, Precision::Fp16, Precision::Fp8, Precision::Int8})
    if (text == to_string(p)) return p;
  fail(Errc::InvalidArgument, "precision is '{}', must be auto, fp32, bf16, fp16, fp8 or int8", text);
}

}  // namespace cdsr
