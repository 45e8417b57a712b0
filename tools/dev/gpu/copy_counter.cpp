// Counts the copies between the processor and the GPU that a program makes, whatever makes them: a library
// that the CUDA driver loads into any process whose CUDA_INJECTION64_PATH names it.
//
//   CUDA_INJECTION64_PATH=libcopy_counter.so COPIES=counts.json COPIES_LARGE=100000 ffmpeg ...
//
// COPIES         file for the counts, written when the program ends: one JSON object
// COPIES_LARGE   bytes from which on a copy is of a picture's size
#include <cupti.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace {

struct Counts {
  std::atomic<long long> all{0}, large{0}, bytes{0};
};
Counts to_gpu, from_gpu, within;
std::atomic<bool> lost{false};
unsigned long long large_bytes = 1;

constexpr size_t kBuffer = size_t{1} << 20;

void CUPTIAPI give_buffer(uint8_t** buffer, size_t* size, size_t* records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(8, kBuffer));
  *size = *buffer != nullptr ? kBuffer : 0;
  *records = 0;
}

void CUPTIAPI take_buffer(CUcontext context, uint32_t stream, uint8_t* buffer, size_t, size_t valid) {
  CUpti_Activity* record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind != CUPTI_ACTIVITY_KIND_MEMCPY) continue;
    const auto* const copy = reinterpret_cast<const CUpti_ActivityMemcpy6*>(record);
    const int kind = copy->copyKind;
    Counts& counts =
        kind == CUPTI_ACTIVITY_MEMCPY_KIND_HTOD || kind == CUPTI_ACTIVITY_MEMCPY_KIND_HTOA   ? to_gpu
        : kind == CUPTI_ACTIVITY_MEMCPY_KIND_DTOH || kind == CUPTI_ACTIVITY_MEMCPY_KIND_ATOH ? from_gpu
                                                                                             : within;
    ++counts.all;
    counts.bytes += static_cast<long long>(copy->bytes);
    if (copy->bytes >= large_bytes) ++counts.large;
  }
  size_t dropped = 0;
  if (cuptiActivityGetNumDroppedRecords(context, stream, &dropped) != CUPTI_SUCCESS || dropped > 0)
    lost = true;
  std::free(buffer);
}

void write_counts() {
  cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
  const char* const path = std::getenv("COPIES");
  FILE* const file = path != nullptr ? std::fopen(path, "w") : stderr;
  if (file == nullptr) return;
  std::fprintf(file, "{\"complete\": %s", lost ? "false" : "true");
  const struct {
    const char* name;
    const Counts& counts;
  } all[] = {{"to_gpu", to_gpu}, {"from_gpu", from_gpu}, {"within", within}};
  for (const auto& [name, counts] : all)
    std::fprintf(file, ", \"%s\": {\"copies\": %lld, \"large\": %lld, \"bytes\": %lld}", name,
                 counts.all.load(), counts.large.load(), counts.bytes.load());
  std::fprintf(file, "}\n");
  if (file != stderr) std::fclose(file);
}

}  // namespace

/// Called by the driver when the program first uses it.
extern "C" __attribute__((visibility("default"))) int InitializeInjection() {
  if (const char* const text = std::getenv("COPIES_LARGE")) large_bytes = std::strtoull(text, nullptr, 10);
  if (cuptiActivityRegisterCallbacks(give_buffer, take_buffer) != CUPTI_SUCCESS ||
      cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY) != CUPTI_SUCCESS)
    lost = true;
  std::atexit(write_counts);
  return 1;
}
