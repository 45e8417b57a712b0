// FNV-1a: names for files and check sums against damage, not against intent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cdsr::cuda {

inline constexpr uint64_t kHashStart = 0xcbf29ce484222325ULL;

inline uint64_t hash_bytes(std::string_view bytes, uint64_t hash = kHashStart) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace cdsr::cuda
