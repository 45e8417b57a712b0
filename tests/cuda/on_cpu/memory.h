// Memory of the stand-in's GPU, and page-locked memory of the processor.
//
// An allocation lies between two pages that nobody may touch, and is filled with 0xFF (NaN in every floating
// format); what follows it up to the end of its last page is looked at when it is freed. Device memory can be
// touched only while work of its context runs (Access): a processor that reads a frame of the GPU, or a
// kernel that reads another context's memory, ends the program with the address and the thread's place.
#pragma once

#include <cuda.h>

#include <cstddef>

namespace cuda_on_cpu {

struct Context;

enum class Kind { Device, PageLocked };

struct Allocation {
  unsigned char* data = nullptr;
  size_t bytes = 0, mapped = 0;  ///< mapped: whole pages from `data` on
  Context* context = nullptr;
  Kind kind = Kind::Device;
};

/// CUDA_ERROR_OUT_OF_MEMORY beyond memory_size().
CUresult allocate(size_t bytes, Kind kind, Context* context, void** out);
CUresult release(void* data, Context* context);
/// The allocation that holds the byte, or null.
const Allocation* find_allocation(const void* p);
/// All memory of a context that is destroyed. Returns whether there was any.
bool release_all(const Context* context);
size_t live_allocations();
size_t memory_size();
size_t memory_free();

/// While one lives, the device memory of `context` can be touched.
class Access {
 public:
  explicit Access(Context* context);
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

 private:
  Context* before_;
};

}  // namespace cuda_on_cpu
