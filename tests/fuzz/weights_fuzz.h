#pragma once

#include <cstddef>
#include <cstdint>

namespace cdsr {

/// How deep the inputs so far have come.
struct FuzzCounts {
  int64_t parsed = 0;  ///< accepted as safetensors
  int64_t loaded = 0;  ///< accepted as a network
};
extern FuzzCounts fuzz_counts;

}  // namespace cdsr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
