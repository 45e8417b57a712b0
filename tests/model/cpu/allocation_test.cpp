// No allocation after plan(): malloc and operator new are replaced in this binary and count.
//
// oneDNN builds a small map of arguments on the heap in every execute and frees it before it returns. That is
// its own; calls that come from inside libdnnl are told apart by their return address and not counted.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <tuple>

#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

// NOLINTBEGIN(bugprone-reserved-identifier): glibc's
extern "C" void* __libc_malloc(size_t size);
extern "C" void __libc_free(void* p);
extern "C" void* __libc_memalign(size_t align, size_t size);
// NOLINTEND(bugprone-reserved-identifier)

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};

void count(const void* caller) {
  if (!counting.load(std::memory_order_relaxed)) return;
  Dl_info info;
  if (dladdr(caller, &info) != 0 && info.dli_fname != nullptr &&
      (std::strstr(info.dli_fname, "libdnnl") != nullptr ||
       std::strstr(info.dli_fname, "libgomp") != nullptr))
    return;
  ++allocations;
}

}  // namespace

// Shared libraries must see these.
#pragma GCC visibility push(default)
extern "C" void* malloc(size_t size) {
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}
extern "C" void* aligned_alloc(size_t align, size_t size) {
  count(__builtin_return_address(0));
  return __libc_memalign(align, size);
}
extern "C" int posix_memalign(void** to, size_t align, size_t size) {
  count(__builtin_return_address(0));
  *to = __libc_memalign(align, size);
  return *to == nullptr ? ENOMEM : 0;
}
void* operator new(size_t size) {
  count(__builtin_return_address(0));
  if (void* p = __libc_malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(size_t size, std::align_val_t align) {
  count(__builtin_return_address(0));
  if (void* p = __libc_memalign(static_cast<size_t>(align), size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { __libc_free(p); }
void operator delete(void* p, size_t) noexcept { __libc_free(p); }
void operator delete(void* p, std::align_val_t) noexcept { __libc_free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { __libc_free(p); }
#pragma GCC visibility pop

namespace cdsr {
namespace {

TEST(CpuAllocation, TheCounterCounts) {
  allocations = 0;
  counting = true;
  void* const p = ::operator new(100);
  void* const q = std::aligned_alloc(64, 128);
  counting = false;
  const int seen = allocations;
  ::operator delete(p);
  std::free(q);
  EXPECT_EQ(seen, 2);
}

TEST(CpuAllocation, NoneAfterThePlan) {
  for (const auto& [body, query, precision] : {std::tuple{Body::Plain, Query::Shot, Precision::Auto},
                                               {Body::Plain, Query::Frame, Precision::Fp32},
                                               {Body::Rrdb, Query::Shot, Precision::Fp32},
                                               {Body::Rrdb, Query::Frame, Precision::Auto},
                                               {Body::Stack, Query::Shot, Precision::Auto},
                                               {Body::Stack, Query::Shot, Precision::Fp32}}) {
    const auto network = random_network(tiny_config(body, 2), 1);
    EngineOptions options;
    options.threads = 2;
    options.precision = precision;
    options.query = query;
    const auto engine = create_engine(network, options, "cpu");
    const Image in = test_image(70, 150);
    Image out(140, 300);
    const ImageSource source(in);
    ImageSink sink(out);
    std::vector<float> e(engine->embedding_size()), q(engine->queries_size());
    engine->plan(70, 150);
    const auto shot = [&] {
      engine->embed(source, e);
      engine->condition(e);
      engine->measure_queries(source, q);
      engine->set_queries(q);
      engine->upscale(source, sink);
    };
    allocations = 0;
    counting = true;
    shot();
    counting = false;
    EXPECT_EQ(allocations.load(), 0) << to_string(body) << ' ' << to_string(query) << ' '
                                     << to_string(precision);
  }
}

}  // namespace
}  // namespace cdsr
