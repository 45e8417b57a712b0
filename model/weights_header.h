// The JSON header of a safetensors file, checked for form alone; weights.cpp checks it against the data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/weights.h"

namespace cdsr {

struct HeaderEntry {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;   ///< each 0 or more
  uint64_t begin = 0, end = 0;  ///< bytes from the start of the data
};

struct WeightsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<HeaderEntry> entries;  ///< in the header's order
};

/// Throws BadWeights; messages begin with `file`. Duplicate, unknown, missing and mistyped members are
/// errors.
WeightsHeader parse_weights_header(std::string_view json, const std::string& file,
                                   WholeNumbers whole_numbers = WholeNumbers::Refused);

/// A name from a file, made fit for a message: control characters escaped, cut after `limit` bytes.
std::string printable(std::string_view name, size_t limit = 96);

}  // namespace cdsr
