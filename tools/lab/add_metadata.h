// A weights file once more, with something measured of it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/weights.h"

namespace cdsr::analyze {

/// Writes the file's tensors, as they are, and its metadata to `out`, with `key` added or replaced. `out` may
/// be the file itself. Throws Io.
inline void write_with(const WeightsFile& file, const std::filesystem::path& out, const std::string& key,
                       const std::string& text) {
  std::map<std::string, std::string> metadata = file.metadata();
  metadata[key] = text;
  std::vector<NamedTensor> tensors;
  for (const TensorView& t : file.tensors()) tensors.push_back({t.name, t.shape, t.to_float()});
  write_weights(out, tensors, metadata, file.tensors().front().dtype);
}

}  // namespace cdsr::analyze
