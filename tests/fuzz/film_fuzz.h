#pragma once

#include <cstddef>
#include <cstdint>

namespace cdsr {

/// Inputs that were accepted so far.
extern int64_t films_parsed;

}  // namespace cdsr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
