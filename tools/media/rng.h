// Random numbers that depend on nothing but their seed: the same on every machine, compiler and thread.
#pragma once

#include <cstdint>

namespace cdsr {

/// SplitMix64 (Steele, Lea, Flood 2014), seeded with a pair so that sample i of step n has a stream of its
/// own.
class Rng {
 public:
  Rng(uint64_t seed, uint64_t stream) : state_(mix(seed + 0x9E3779B97F4A7C15U) ^ mix(stream)) {}

  uint64_t bits() { return mix(state_ += 0x9E3779B97F4A7C15U); }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in 0 .. n - 1.
  int64_t index(int64_t n) { return static_cast<int64_t>(uniform() * static_cast<double>(n)); }

 private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace cdsr
