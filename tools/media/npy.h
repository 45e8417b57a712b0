// NumPy's array format, version 1.0: little-endian float32, C order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace cdsr::tools {

/// Writes an array of this shape (the product is values.size()). Throws Io.
void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape,
               std::span<const float> values);

}  // namespace cdsr::tools
