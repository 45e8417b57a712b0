// Arithmetic that a kernel and a host test share.
//
// A kernel of this backend is a few lines that turn thread indices into calls of CDSR_HD functions; the
// functions hold the arithmetic, the index and the stride logic, and tests run them on the processor.
#pragma once

#if defined(__CUDACC__)
#define CDSR_HD __host__ __device__ inline
/// Before a loop over a small array: unrolled, the array lies in registers, else in memory.
#define CDSR_UNROLL _Pragma("unroll")
#define CDSR_NO_UNROLL _Pragma("unroll 1")
#else
#define CDSR_HD inline
#define CDSR_UNROLL
#define CDSR_NO_UNROLL
#endif
