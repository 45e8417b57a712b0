#include "tests/cuda/on_cpu/report.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "tests/cuda/on_cpu/memory.h"
#include "tests/cuda/on_cpu/stand_in.h"
#include "tests/cuda/on_cpu/stream.h"

namespace cuda_on_cpu {
namespace {

struct Report {
  int64_t faults = 0;
  int64_t counters[4] = {};
  std::set<std::string> seen;
  std::map<size_t, int64_t> copies[2][3];  ///< number of each size; by caller and direction

  static void write_copies(std::ostream& out, const char* caller,
                           const std::map<size_t, int64_t> (&copies)[3]) {
    const char* const names[3] = {"to_gpu", "from_gpu", "within"};
    for (int i = 0; i < 3; ++i) {
      out << ", \"" << caller << names[i] << "\": {";
      const char* comma = "";
      for (const auto& [bytes, times] : copies[i]) {
        out << comma << '"' << bytes << "\": " << times;
        comma = ", ";
      }
      out << '}';
    }
  }

  ~Report() {
    std::fprintf(stderr, "[cuda_on_cpu] %ld faults, %ld kernels, %ld graphs, %ld conditional bodies\n",
                 faults, counters[0], counters[1], counters[2]);
    const char* const file = std::getenv("CUDA_ON_CPU_REPORT");
    if (file == nullptr) return;
    std::ofstream out(file);
    out << "{\"faults\": " << faults << ", \"kernels\": " << counters[0] << ", \"graphs\": " << counters[1]
        << ", \"allocations_left\": " << live_allocations() << ", \"contexts_left\": " << live_contexts();
    write_copies(out, "", copies[0]);
    write_copies(out, "host_", copies[1]);
    out << "}\n";
  }
};

Report& report() {
  static Report all;
  return all;
}

}  // namespace

void fault(const std::string& text) {
  ++report().faults;
  if (report().seen.insert(text).second) std::fprintf(stderr, "[cuda_on_cpu] fault: %s\n", text.c_str());
}

void fatal(const std::string& text) {
  std::fprintf(stderr, "[cuda_on_cpu] fatal: %s\n", text.c_str());
  std::fflush(stderr);
  std::abort();
}

void count(Counter which) { ++report().counters[static_cast<int>(which)]; }

void count_copy(Caller caller, Direction direction, size_t bytes) {
  ++report().copies[static_cast<int>(caller)][static_cast<int>(direction)][bytes];
}

long setting(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtol(text, nullptr, 10) : otherwise;
}

}  // namespace cuda_on_cpu

extern "C" {

__attribute__((visibility("default"))) int64_t cuda_on_cpu_faults() { return cuda_on_cpu::report().faults; }
__attribute__((visibility("default"))) int64_t cuda_on_cpu_launches() {
  return cuda_on_cpu::report().counters[0];
}
__attribute__((visibility("default"))) int64_t cuda_on_cpu_graphs() {
  return cuda_on_cpu::report().counters[static_cast<int>(cuda_on_cpu::Counter::GraphInstances)];
}
__attribute__((visibility("default"))) int64_t cuda_on_cpu_contexts() {
  return static_cast<int64_t>(cuda_on_cpu::live_contexts());
}
__attribute__((visibility("default"))) int64_t cuda_on_cpu_queued() {
  const auto guard = cuda_on_cpu::lock();
  return static_cast<int64_t>(cuda_on_cpu::queued_work());
}
__attribute__((visibility("default"))) int64_t cuda_on_cpu_allocations() {
  return static_cast<int64_t>(cuda_on_cpu::live_allocations());
}

}  // extern "C"
