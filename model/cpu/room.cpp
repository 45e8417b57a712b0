#include "model/cpu/room.h"

#include <sys/mman.h>

#include "model/error.h"

namespace cdsr::cpu {
namespace {

/// A primitive is up to some dozens of kernels, each with a buffer of 256 KiB for its code at first; beside
/// them the C library reserves 64 MiB for a thread that allocates for the first time.
constexpr size_t kRoom = size_t{96} << 20;

}  // namespace

void check_room_for_onednn() {
  void* const room = mmap(nullptr, kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED)
    fail(Errc::OutOfMemory, "the system refuses oneDNN {} MiB for its convolutions (ulimit -v?)",
         kRoom >> 20);
  munmap(room, kRoom);
}

}  // namespace cdsr::cpu
