// A block of threads on the processor: every thread is a fiber, which runs until it must wait for others.
//
// Threads meet at barriers and, warp by warp, at shuffles and matrix instructions. Asynchronous copies arrive
// when they are waited for, and what they will overwrite is lost at once. Shared memory is filled with 0xFF
// (NaN) before each block, and looked at behind each array afterwards. The order in which threads run is
// CUDA_ON_CPU_ORDER (stand_in.h).
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace cuda_on_cpu {

inline constexpr int kWarp = 32;
inline constexpr size_t kSharedWithoutAsking = size_t{48} << 10, kSharedMost = size_t{227} << 10;

/// What threadIdx and its like are for the thread that runs.
struct Coordinates {
  uint3 thread, block;
  dim3 block_size, grid_size;
};
extern Coordinates coordinates;

struct Shape {
  const char* kernel = "";
  dim3 grid, block;
  size_t shared = 0;        ///< bytes of dynamic shared memory
  size_t shared_limit = 0;  ///< most bytes of it that the kernel was allowed
};

/// Runs `thread` for every thread of every block, one block after the other.
void run_grid(const Shape& shape, const std::function<void()>& thread);

/// The kernel that runs, or null; and where its thread is, or who else is at work.
const char* running_kernel();
const char* place_of_thread();

// Of the thread that runs
// ------------------------------------------------------------------------------------

void barrier();
/// The lane in its warp.
int lane();
/// All lanes of the warp meet in the same `operation`; the last to come calls `act` with what each of the 32
/// gave, null for lanes that the block does not have.
using Meeting = void (*)(void* const own[kWarp]);
void meet(const void* operation, Meeting act, void* own);

/// The block's dynamic shared memory, aligned to `alignment`.
void* dynamic_shared(size_t alignment);
/// A __shared__ variable: one place in each block.
class SharedVariable {
 public:
  template <typename T>
  T& get() {
    return *static_cast<T*>(place(sizeof(T), alignof(T)));
  }

 private:
  void* place(size_t bytes, size_t alignment);
  uint64_t block_ = 0;
  void* data_ = nullptr;
};
/// The 32-bit address of shared memory that PTX takes, and back; `bytes` from there must be shared memory.
uint32_t shared_address(const void* p);
unsigned char* shared_memory(uint32_t address, size_t bytes, const char* what);

/// cp.async of 16 bytes: `from` is null for zeros.
void copy_later(unsigned char* to, const void* from);
void commit_copies();
/// Until at most `left` committed groups are under way.
void wait_copies(uint64_t left);

}  // namespace cuda_on_cpu
