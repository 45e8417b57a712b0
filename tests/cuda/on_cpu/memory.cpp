#include "tests/cuda/on_cpu/memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "tests/cuda/on_cpu/block.h"
#include "tests/cuda/on_cpu/report.h"

namespace cuda_on_cpu {
namespace {

constexpr size_t kPage = 4096;
constexpr unsigned char kPoison = 0xFF;

std::map<const unsigned char*, Allocation> allocations;
Context* open_context = nullptr;  ///< whose device memory can be touched
struct sigaction previous_action;

size_t up(size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

void protect(const Allocation& a, bool open) {
  if (a.kind == Kind::Device && mprotect(a.data, a.mapped, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
    fatal("mprotect failed");
}
void protect_all(const Context* context, bool open) {
  for (const auto& [data, a] : allocations)
    if (a.context == context) protect(a, open);
}

/// Names what was touched; the system's own handling follows.
void on_segv(int signal, siginfo_t* info, void*) {
  const auto* const at = static_cast<const unsigned char*>(info->si_addr);
  for (const auto& [data, a] : allocations) {
    if (at < data - kPage || at >= data + a.mapped + kPage) continue;
    const char* const what = at < data || at >= data + a.mapped ? "outside"
                             : running_kernel() == nullptr      ? "by the processor in"
                                                                : "of another context in";
    char text[300];
    const int n = std::snprintf(
        text, sizeof text, "[cuda_on_cpu] fatal: access %s %zu bytes of device memory, at byte %td, %s\n",
        what, a.bytes, at - data, place_of_thread());
    if (write(STDERR_FILENO, text, static_cast<size_t>(n)) < 0) break;
    break;
  }
  sigaction(signal, &previous_action, nullptr);  // the access comes again
}

void install_handler() {
  static bool once = false;
  if (once) return;
  once = true;
  struct sigaction action {};
  action.sa_sigaction = on_segv;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &previous_action);
}

}  // namespace

size_t memory_size() {
  static const long mebibytes = setting("CUDA_ON_CPU_MEMORY_MIB", 4096);
  return static_cast<size_t>(mebibytes) << 20;
}

size_t memory_free() {
  size_t used = 0;
  for (const auto& [data, a] : allocations)
    if (a.kind == Kind::Device) used += a.mapped;
  return memory_size() - std::min(memory_size(), used);
}

CUresult allocate(size_t bytes, Kind kind, Context* context, void** out) {
  install_handler();
  *out = nullptr;
  if (bytes == 0) return kind == Kind::Device ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  const size_t mapped = up(bytes);
  if (kind == Kind::Device && mapped > memory_free()) return CUDA_ERROR_OUT_OF_MEMORY;
  void* const all =
      mmap(nullptr, mapped + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  Allocation a{static_cast<unsigned char*>(all) + kPage, bytes, mapped, context, kind};
  mprotect(a.data, mapped, PROT_READ | PROT_WRITE);
  std::memset(a.data, kPoison, mapped);
  protect(a, false);
  allocations[a.data] = a;
  if (context == open_context) protect(a, true);
  *out = a.data;
  return CUDA_SUCCESS;
}

CUresult release(void* data, Context* context) {
  const auto found = allocations.find(static_cast<unsigned char*>(data));
  if (found == allocations.end()) {
    fault("what is freed was not allocated");
    return CUDA_ERROR_INVALID_VALUE;
  }
  const Allocation a = found->second;
  if (a.context != context) fault("memory is freed in another context than its own");
  protect(a, true);
  if (std::any_of(a.data + a.bytes, a.data + a.mapped, [](unsigned char c) { return c != kPoison; }))
    fault("something was written behind the end of an allocation");
  munmap(a.data - kPage, a.mapped + 2 * kPage);
  allocations.erase(found);
  return CUDA_SUCCESS;
}

const Allocation* find_allocation(const void* p) {
  auto i = allocations.upper_bound(static_cast<const unsigned char*>(p));
  if (i == allocations.begin()) return nullptr;
  const Allocation& a = (--i)->second;
  return p < a.data + a.bytes ? &a : nullptr;
}

bool release_all(const Context* context) {
  return std::erase_if(allocations, [&](const auto& entry) {
           const Allocation& a = entry.second;
           if (a.context != context) return false;
           munmap(a.data - kPage, a.mapped + 2 * kPage);
           return true;
         }) > 0;
}

size_t live_allocations() { return allocations.size(); }

Access::Access(Context* context) : before_(open_context) {
  if (context == before_) return;
  if (before_ != nullptr) protect_all(before_, false);
  protect_all(context, true);
  open_context = context;
}

Access::~Access() {
  if (open_context == before_) return;
  protect_all(open_context, false);
  if (before_ != nullptr) protect_all(before_, true);
  open_context = before_;
}

}  // namespace cuda_on_cpu
