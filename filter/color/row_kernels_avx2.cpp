// The row kernels for AVX2; compiled with -mavx2, reached through row_kernels() alone.
#include "filter/color/row_kernels.h"

#define CDSR_ISA isa_avx2
#define CDSR_ISA_NAME "avx2"
#include "filter/color/row_kernels.inl"
