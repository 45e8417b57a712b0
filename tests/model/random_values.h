// Values for tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace cdsr::test {

/// `count` values from -0.5 to 0.5, the same for the same seed.
inline std::vector<float> random_values(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> v(count);
  for (float& x : v) x = static_cast<float>(random() >> 8) / (1 << 24) - 0.5F;
  return v;
}

}  // namespace cdsr::test
