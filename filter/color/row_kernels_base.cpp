// The row kernels for every processor.
#include "filter/color/row_kernels.h"

#define CDSR_ISA isa_base
#define CDSR_ISA_NAME "base"
#include "filter/color/row_kernels.inl"
