// Frames of the processor's in the memory of a GPU.
#pragma once

#include <cstdlib>
#include <utility>
#include <vector>

#include "filter/format/frame.h"
#include "tests/cuda/gpu_fixture.h"

namespace cdsr::test {

/// A frame of the processor's in device memory, with its strides and what lies between its rows.
class DeviceCopy {
 public:
  explicit DeviceCopy(const Frame& frame) : frame_(frame) {
    for (int p = 0; p < frame_.format->planes; ++p) {
      const Extent e = extent(p);
      void* memory = nullptr;
      ok(cudaMalloc(&memory, e.bytes));
      ok(cudaMemcpy(memory, e.first, e.bytes, cudaMemcpyHostToDevice));
      memory_.push_back(memory);
      device_.plane[p] = static_cast<uint8_t*>(memory) + (frame_.plane[p] - e.first);
    }
    host_ = frame_;
    for (int p = 0; p < frame_.format->planes; ++p) frame_.plane[p] = device_.plane[p];
    frame_.on_gpu = true;
  }
  ~DeviceCopy() {
    for (void* m : memory_) cudaFree(m);
  }
  DeviceCopy(const DeviceCopy&) = delete;
  DeviceCopy& operator=(const DeviceCopy&) = delete;
  const Frame& frame() const { return frame_; }
  /// Back into the frame it was made from.
  void fetch() {
    for (int p = 0; p < host_.format->planes; ++p) {
      std::swap(frame_.plane[p], host_.plane[p]);
      const Extent e = extent(p);
      ok(cudaMemcpy(e.first, memory_[p], e.bytes, cudaMemcpyDeviceToHost));
      std::swap(frame_.plane[p], host_.plane[p]);
    }
  }

 private:
  struct Extent {
    uint8_t* first;
    size_t bytes;
  };
  Extent extent(int p) const {
    const PlaneSize size = plane_size(*frame_.format, p, frame_.width, frame_.height);
    const ptrdiff_t stride = frame_.stride[p];
    uint8_t* const first = stride < 0 ? frame_.plane[p] + (size.rows - 1) * stride : frame_.plane[p];
    return {first, static_cast<size_t>(std::abs(stride)) * (size.rows - 1) + size.row_bytes};
  }
  Frame frame_, host_, device_;
  std::vector<void*> memory_;
};

}  // namespace cdsr::test
