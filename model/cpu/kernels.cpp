#include "model/cpu/kernels.h"

namespace cdsr::cpu {

extern const Kernels kernels_base, kernels_avx2, kernels_avx512, kernels_avx512bf16;

const Kernels& kernels(Isa isa) {
  switch (isa) {
    case Isa::Avx512Bf16:
      return kernels_avx512bf16;
    case Isa::Avx512:
      return kernels_avx512;
    case Isa::Avx2:
      return kernels_avx2;
    case Isa::Base:
      break;
  }
  return kernels_base;
}

}  // namespace cdsr::cpu
