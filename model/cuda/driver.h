// CUDA contexts, errors and memory.
//
// The engine lives in a context that is given (FFmpeg's and GStreamer's are no primary ones) or in the
// primary one of a device. Every entry of the engine pushes it and pops it; nothing here calls cudaSetDevice,
// which would make the primary context current. libcuda.so.1 is opened at run time.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace cdsr::cuda {

/// Throws OutOfMemory or Device, naming `what` and CUDA's reason.
void check(cudaError_t error, const char* what);

class Context {
 public:
  /// The given CUcontext, or the primary one of device `index`. Throws InvalidArgument for a device that is
  /// not there, Unsupported for a GPU before sm_75.
  static std::shared_ptr<Context> open(int index, void* given);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void* handle() const { return handle_; }
  const std::string& name() const { return name_; }  ///< "NVIDIA H200"
  int capability() const { return capability_; }     ///< 90 for sm_90
  int multiprocessors() const { return multiprocessors_; }
  size_t memory() const { return memory_; }

  /// Current for the life of the object. Throws Device.
  class Scope {
   public:
    explicit Scope(const Context& context);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
  };

 private:
  Context() = default;

  void* handle_ = nullptr;
  int device_ = 0;
  bool primary_ = false;
  std::string name_;
  int capability_ = 0, multiprocessors_ = 0;
  size_t memory_ = 0;
};

/// Memory of the context that is current when it is made; must be current when it is destroyed.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(size_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  size_t bytes() const { return bytes_; }
  /// The memory went with its context.
  void forget() { data_ = nullptr; }
  template <typename T>
  T* as(size_t byte = 0) const {
    return reinterpret_cast<T*>(static_cast<unsigned char*>(data_) + byte);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// Page-locked memory of the processor, which the GPU can write too.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(size_t bytes);
  ~PinnedBuffer();
  PinnedBuffer(PinnedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  size_t bytes() const { return bytes_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// A stream that does not wait for the legacy stream, and an event without timing.
class Stream {
 public:
  /// high: before others of the device.
  explicit Stream(bool high = false);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }  // NOLINT(google-explicit-constructor): it is one
  /// Work queued here from now on waits for what is queued on `other` now.
  void wait_for(cudaStream_t other);
  /// The same the other way round.
  void hold(cudaStream_t other);
  void synchronize(const char* what);

 private:
  cudaStream_t stream_ = nullptr;
  cudaEvent_t event_ = nullptr;
};

}  // namespace cdsr::cuda
