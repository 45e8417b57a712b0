#include "tests/cuda/on_cpu/block.h"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/cuda/on_cpu/report.h"

// Saves the registers that a function must keep, and goes on where `to` was left.
extern "C" void cuda_on_cpu_switch(void** save, void* to);
asm(R"(
.text
.globl cuda_on_cpu_switch
.hidden cuda_on_cpu_switch
.type cuda_on_cpu_switch, @function
cuda_on_cpu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_on_cpu_switch, .-cuda_on_cpu_switch
)");

namespace cuda_on_cpu {

Coordinates coordinates;

namespace {

constexpr int kMostThreads = 1024, kKeptRegisters = 6;
constexpr size_t kPage = 4096, kStack = size_t{128} << 10;
constexpr size_t kWindow = size_t{256} << 10, kWindowBegin = 1024;  ///< a GPU keeps the first KiB too
constexpr size_t kGuard = 64, kCopyBytes = 16;
constexpr unsigned char kPoison = 0xFF, kGuardByte = 0xA7;
constexpr const char* kBarrierOfSome = "a barrier that some of the block's threads do not come to";

enum class Order { Ascending, Descending, Random, Warps };

struct PendingCopy {
  unsigned char* to;
  const void* from;
};

struct Fiber {
  void* stack = nullptr;
  uint3 thread{};
  bool done = false;
  /// Waits as long as *gate == seen.
  const uint64_t* gate = nullptr;
  uint64_t seen = 0;
  std::vector<PendingCopy> copies;  ///< not arrived, the oldest first
  std::vector<size_t> groups;       ///< copies in each committed group

  bool ready() const { return !done && (gate == nullptr || *gate != seen); }
};

struct Warp {
  uint64_t meetings = 0;
  int arrived = 0;
  const void* operation = nullptr;
  void* own[kWarp] = {};
};

struct Block {
  Shape shape;
  const std::function<void()>* thread = nullptr;
  int threads = 0, now = 0, returned = 0;
  uint64_t barriers = 0;
  int at_barrier = 0;
  void* scheduler = nullptr;
  std::vector<Fiber> fibers{kMostThreads};
  std::vector<Warp> warps{kMostThreads / kWarp};
  std::vector<int> order;
  std::mt19937 random{1};
  // Shared memory.
  uint64_t serial = 0;             ///< of blocks
  size_t used = 0, variables = 0;  ///< bytes; of __shared__ variables alone
  void* dynamic = nullptr;
  std::vector<size_t> guards;
};

Block block;
alignas(kWindowBegin) unsigned char window[kWindow];

Order order() {
  static const Order which = [] {
    const char* const text = std::getenv("CUDA_ON_CPU_ORDER");
    const std::string name = text != nullptr ? text : "warps";
    if (name == "ascending") return Order::Ascending;
    if (name == "descending") return Order::Descending;
    if (name == "random") return Order::Random;
    if (name == "warps") return Order::Warps;
    fatal("CUDA_ON_CPU_ORDER is '" + name + "', must be ascending, descending, random or warps");
  }();
  return which;
}

std::string in_kernel(const char* what) { return std::string(what) + " in kernel " + block.shape.kernel; }

unsigned char* stacks() {
  static unsigned char* const all = [] {
    void* const memory = mmap(nullptr, kStack * kMostThreads, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fatal("no memory for the threads of a block");
    for (int i = 0; i < kMostThreads; ++i)
      mprotect(static_cast<unsigned char*>(memory) + kStack * i, kPage, PROT_NONE);
    return static_cast<unsigned char*>(memory);
  }();
  return all;
}

/// A stack for the handler of bad accesses, should a fiber's be the reason.
void need_signal_stack() {
  thread_local bool once = false;
  if (once) return;
  once = true;
  static thread_local unsigned char memory[64 << 10];
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = sizeof memory;
  sigaltstack(&stack, nullptr);
}

/// Lets another thread go on: the next lane of the warp that can, in that order, else whom the scheduler
/// takes.
void yield() {
  const int now = block.now;
  if (order() == Order::Warps) {
    const int first = now / kWarp * kWarp, lanes = std::min(kWarp, block.threads - first);
    for (int i = 1; i < lanes; ++i) {
      const int next = first + (now - first + i) % lanes;
      Fiber& f = block.fibers[next];
      if (!f.ready()) continue;
      block.now = next;
      coordinates.thread = f.thread;
      return cuda_on_cpu_switch(&block.fibers[now].stack, f.stack);
    }
  }
  cuda_on_cpu_switch(&block.fibers[now].stack, block.scheduler);
}

/// Until *gate changes.
void wait_for(const uint64_t* gate, uint64_t seen) {
  Fiber& f = block.fibers[block.now];
  f.gate = gate;
  f.seen = seen;
  while (*gate == seen) yield();
  f.gate = nullptr;
}

void fiber_main() {
  (*block.thread)();
  Fiber& f = block.fibers[block.now];
  if (!f.copies.empty()) fault(in_kernel("asynchronous copies that nobody waited for"));
  if (block.at_barrier > 0) fatal(in_kernel(kBarrierOfSome));
  f.done = true;
  ++block.returned;
  yield();
  std::abort();  // a thread that returned is not resumed
}

void prepare(int i) {
  Fiber& f = block.fibers[i];
  const dim3& size = block.shape.block;
  const auto n = static_cast<unsigned>(i);
  f.thread = {n % size.x, n / size.x % size.y, n / (size.x * size.y)};
  f.done = false;
  f.gate = nullptr;
  f.copies.clear();
  f.groups.clear();
  // As if fiber_main had been called with the stack aligned to 16 bytes.
  auto* top = reinterpret_cast<void**>(stacks() + kStack * (i + 1)) - 2;
  *top = reinterpret_cast<void*>(&fiber_main);
  top -= kKeptRegisters;
  std::fill_n(top, kKeptRegisters, nullptr);
  f.stack = top;
}

/// Lets a thread go on until it waits or returns.
void resume(int i) {
  Fiber& f = block.fibers[i];
  block.now = i;
  coordinates.thread = f.thread;
  cuda_on_cpu_switch(&block.scheduler, f.stack);
}

/// Goes once over the threads; false if none could go on.
bool pass_over_threads() {
  bool moved = false;
  for (const int i : block.order)
    if (block.fibers[i].ready()) {
      resume(i);
      moved = true;
    }
  return moved;
}

/// Any warp, as far as it goes, then another; false if none could go on.
bool pass_over_warps() {
  bool moved = false;
  for (const int warp : block.order) {
    const int first = warp * kWarp, end = std::min(block.threads, first + kWarp);
    for (bool again = true; again;) {
      again = false;
      for (int i = first; i < end; ++i)
        if (block.fibers[i].ready()) {
          resume(i);
          again = moved = true;
        }
    }
  }
  return moved;
}

void run_block() {
  const int items = order() == Order::Warps ? (block.threads + kWarp - 1) / kWarp : block.threads;
  block.order.resize(items);
  for (int i = 0; i < items; ++i) block.order[i] = order() == Order::Descending ? items - 1 - i : i;
  for (int i = 0; i < block.threads; ++i) prepare(i);
  for (Warp& w : block.warps) w.arrived = 0;
  block.returned = block.at_barrier = 0;
  while (block.returned < block.threads) {
    if (order() == Order::Random || order() == Order::Warps)
      std::shuffle(block.order.begin(), block.order.end(), block.random);
    if (!(order() == Order::Warps ? pass_over_warps() : pass_over_threads()))
      fatal(in_kernel("threads that wait for each other for ever") + ": " + std::to_string(block.at_barrier) +
            " of " + std::to_string(block.threads) + " at a barrier, " + std::to_string(block.returned) +
            " returned, the rest where warps meet");
  }
}

// Shared memory: arrays as the block's threads come to them, a guard behind each.

void begin_shared() {
  ++block.serial;
  block.used = kWindowBegin;
  block.dynamic = nullptr;
  block.variables = 0;
  block.guards.clear();
}

void* take_shared(size_t bytes, size_t alignment) {
  const size_t at = (block.used + alignment - 1) / alignment * alignment;
  block.used = at + bytes + kGuard;
  if (block.used > kWindow) fatal(in_kernel("more shared memory than there is"));
  std::memset(window + at, kPoison, bytes);
  std::memset(window + at + bytes, kGuardByte, kGuard);
  block.guards.push_back(at + bytes);
  return window + at;
}

void end_shared() {
  const size_t dynamic = block.shape.shared, all = dynamic + block.variables;
  if (block.variables > kSharedWithoutAsking || all > kSharedMost ||
      (block.shape.shared_limit <= kSharedWithoutAsking && all > kSharedWithoutAsking))
    fault(in_kernel("more shared memory than it may have"));
  for (const size_t at : block.guards)
    if (std::any_of(window + at, window + at + kGuard, [](unsigned char c) { return c != kGuardByte; }))
      fault(in_kernel("something was written behind the end of shared memory"));
}

}  // namespace

void run_grid(const Shape& shape, const std::function<void()>& thread) {
  need_signal_stack();
  block.shape = shape;
  block.thread = &thread;
  block.threads = static_cast<int>(shape.block.x * shape.block.y * shape.block.z);
  coordinates.block_size = shape.block;
  coordinates.grid_size = shape.grid;
  for (unsigned z = 0; z < shape.grid.z; ++z)
    for (unsigned y = 0; y < shape.grid.y; ++y)
      for (unsigned x = 0; x < shape.grid.x; ++x) {
        coordinates.block = {x, y, z};
        begin_shared();
        run_block();
        end_shared();
      }
  block.thread = nullptr;
}

const char* running_kernel() { return block.thread != nullptr ? block.shape.kernel : nullptr; }

const char* place_of_thread() {
  static char text[200];
  const uint3 &b = coordinates.block, &t = coordinates.thread;
  if (running_kernel() == nullptr)
    std::snprintf(text, sizeof text, "outside a kernel");
  else
    std::snprintf(text, sizeof text, "kernel %s, block %u %u %u, thread %u %u %u", running_kernel(), b.x, b.y,
                  b.z, t.x, t.y, t.z);
  return text;
}

void barrier() {
  if (block.returned > 0) fatal(in_kernel(kBarrierOfSome));
  const uint64_t seen = block.barriers;
  if (++block.at_barrier == block.threads) {
    block.at_barrier = 0;
    ++block.barriers;
    return;
  }
  wait_for(&block.barriers, seen);
}

int lane() { return block.now % kWarp; }

void meet(const void* operation, Meeting act, void* own) {
  Warp& w = block.warps[block.now / kWarp];
  const int lanes = std::min(kWarp, block.threads - block.now / kWarp * kWarp);
  if (w.arrived == 0) {
    w.operation = operation;
    std::fill_n(w.own, kWarp, nullptr);
  } else if (w.operation != operation) {
    fatal(in_kernel("lanes of a warp in different collective instructions"));
  }
  w.own[lane()] = own;
  const uint64_t seen = w.meetings;
  if (++w.arrived < lanes) return wait_for(&w.meetings, seen);
  act(w.own);
  w.arrived = 0;
  ++w.meetings;
}

void* dynamic_shared(size_t alignment) {
  if (block.dynamic == nullptr) {
    if (block.shape.shared == 0) fault(in_kernel("dynamic shared memory that the launch does not give"));
    block.dynamic = take_shared(block.shape.shared, std::max(alignment, size_t{16}));
  }
  return block.dynamic;
}

void* SharedVariable::place(size_t bytes, size_t alignment) {
  if (block_ != block.serial) {
    block_ = block.serial;
    data_ = take_shared(bytes, std::max(alignment, size_t{16}));
    block.variables += bytes;
  }
  return data_;
}

uint32_t shared_address(const void* p) {
  const auto* const at = static_cast<const unsigned char*>(p);
  if (at < window || at >= window + kWindow)
    fault(in_kernel("the shared address of what is not in shared memory"));
  return static_cast<uint32_t>(at - window);
}

unsigned char* shared_memory(uint32_t address, size_t bytes, const char* what) {
  if (address % bytes != 0) fault(in_kernel(what) + ": address not aligned");
  if (address < kWindowBegin || address + bytes > block.used)
    fatal(in_kernel(what) + ": outside shared memory");
  return window + address;
}

void copy_later(unsigned char* to, const void* from) {
  std::memset(to, kPoison, kCopyBytes);
  block.fibers[block.now].copies.push_back({to, from});
}

void commit_copies() {
  Fiber& f = block.fibers[block.now];
  size_t committed = 0;
  for (const size_t n : f.groups) committed += n;
  f.groups.push_back(f.copies.size() - committed);
}

void wait_copies(uint64_t left) {
  Fiber& f = block.fibers[block.now];
  size_t arrived = 0;
  while (f.groups.size() > left) {
    for (size_t i = 0; i < f.groups.front(); ++i, ++arrived) {
      const PendingCopy& copy = f.copies[arrived];
      if (copy.from != nullptr)
        std::memcpy(copy.to, copy.from, kCopyBytes);
      else
        std::memset(copy.to, 0, kCopyBytes);
    }
    f.groups.erase(f.groups.begin());
  }
  f.copies.erase(f.copies.begin(), f.copies.begin() + static_cast<ptrdiff_t>(arrived));
}

}  // namespace cuda_on_cpu
