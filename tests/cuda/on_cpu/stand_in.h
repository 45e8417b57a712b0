// The stand-in's own words to a test, beside the CUDA API. Functions of libcuda.so.1, found by linking it.
//
// The environment, read once:
//   CUDA_ON_CPU_ORDER        ascending, descending, random or warps (default): in which order the threads of
//   a
//                            block run; warps: one of them, any one, as far as it can before another
//   CUDA_ON_CPU_EAGER        1: work runs as soon as it is queued; else as late as it can
//   CUDA_ON_CPU_MEMORY_MIB   memory of the GPU (default 4096)
//   CUDA_ON_CPU_CAPABILITY   90 for sm_90 (default)
//   CUDA_ON_CPU_DELAY_US     every launch takes this much longer
//   CUDA_ON_CPU_REPORT       file for the counts at the program's end, JSON
#pragma once

#include <cstdint>

extern "C" {

/// Faults so far: calls and accesses that a GPU refuses or does not order. Each is printed when first seen.
int64_t cuda_on_cpu_faults();
/// Allocations of device and page-locked memory that live.
int64_t cuda_on_cpu_allocations();
/// Contexts that live, the device's primary one not counted.
int64_t cuda_on_cpu_contexts();
/// Work that is queued and nobody has waited for.
int64_t cuda_on_cpu_queued();
/// Graphs that were instantiated.
int64_t cuda_on_cpu_graphs();
/// Kernels of all launches, those of graphs included.
int64_t cuda_on_cpu_launches();

}  // extern "C"
