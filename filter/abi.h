// The public structs of programs that were compiled with an older cdsr.h: of theirs, only the members that
// their version has are read and written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "filter/include/cdsr/cdsr.h"

namespace cdsr::abi {

/// Bytes of a struct of this version, to the end of its last member: padding is left out, for a later member
/// may lie there. version: 1..CDSR_API_VERSION. Specialized for every struct with a `version`.
template <typename T>
size_t size(uint32_t version);

/// A struct of this library's version out of a caller's: what the caller's version lacks stays as it is in
/// `rest`.
template <typename T>
T read(const T* from, T rest) {
  uint32_t version;
  std::memcpy(&version, from, sizeof version);
  std::memcpy(&rest, from, size<T>(version));
  return rest;
}

/// Fills a caller's struct of this version, `version` included.
template <typename T>
void write(T* to, T from, uint32_t version) {
  from.version = version;
  std::memcpy(to, &from, size<T>(version));
}

/// Fills a caller's struct that has its version.
template <typename T>
void write(T* to, const T& from) {
  uint32_t version;
  std::memcpy(&version, to, sizeof version);
  write(to, from, version);
}

}  // namespace cdsr::abi
