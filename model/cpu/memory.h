// Memory for tensors: aligned for vectors, zero when made, never grown.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "model/cpu/types.h"
#include "model/error.h"

namespace cdsr::cpu {

inline size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
/// Channels as they are stored: a multiple of 16, the last ones zero. Every tensor and weight here is padded
/// so.
inline int padded_channels(int channels) { return static_cast<int>(round_up(channels, 16)); }

/// Distance of a picture's planes inside a row, in floats. A row is the three planes one after the other,
/// each with kPicturePad zeros before its first pixel.
inline int picture_plane(int width) { return static_cast<int>(round_up(width + 3 * kPicturePad, 16)); }

/// To nearest even.
inline Bf16 narrow(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return {static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16)};
}

class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes) : size_(round_up(bytes, kAlign)) {
    if (size_ == 0) return;
    data_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlign, size_)));
    if (!data_) fail(Errc::OutOfMemory, "the system refused {} bytes", size_);
    std::memset(data_.get(), 0, size_);
  }

  std::byte* data() const { return data_.get(); }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_.get());
  }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kAlign = 64;
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  size_t size_ = 0;
  std::unique_ptr<std::byte, Free> data_;
};

}  // namespace cdsr::cpu
