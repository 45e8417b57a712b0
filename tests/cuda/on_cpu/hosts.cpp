// The driver's functions that FFmpeg's and GStreamer's CUDA frames are made with, beside those of driver.cpp.
// Their loaders (FFmpeg's is ffnvcodec) ask for the versions of these functions that CUDA 11 had.
#include <cuda.h>

#include <cstring>

#include "tests/cuda/on_cpu/memory.h"
#include "tests/cuda/on_cpu/report.h"
#include "tests/cuda/on_cpu/stream.h"

// NOLINTBEGIN(readability-identifier-naming): CUDA's
using namespace cuda_on_cpu;

#undef cuDevicePrimaryCtxRelease
#undef cuDevicePrimaryCtxSetFlags
#undef cuStreamDestroy

namespace {

void* pointer(CUdeviceptr p) { return reinterpret_cast<void*>(p); }

constexpr size_t kPitch = 512;
unsigned primary_flags = 0;

CUresult copy_rectangle(const CUDA_MEMCPY2D* c, CUstream handle, bool async) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "a copy");
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  const bool to_device = c->dstMemoryType == CU_MEMORYTYPE_DEVICE;
  const bool from_device = c->srcMemoryType == CU_MEMORYTYPE_DEVICE;
  if ((!to_device && c->dstMemoryType != CU_MEMORYTYPE_HOST) ||
      (!from_device && c->srcMemoryType != CU_MEMORYTYPE_HOST)) {
    fault("a copy of memory of a kind that the stand-in does not know");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  Copy2d copied;
  auto* const to = static_cast<char*>(to_device ? pointer(c->dstDevice) : c->dstHost);
  const auto* const from = static_cast<const char*>(from_device ? pointer(c->srcDevice) : c->srcHost);
  copied.to = to + c->dstY * c->dstPitch + c->dstXInBytes;
  copied.from = from + c->srcY * c->srcPitch + c->srcXInBytes;
  copied.to_pitch = c->dstPitch;
  copied.from_pitch = c->srcPitch;
  copied.width = c->WidthInBytes;
  copied.height = c->Height;
  copied.to_device = to_device;
  copied.from_device = from_device;
  copied.caller = Caller::Host;
  return copy(copied, stream, async);
}

}  // namespace

extern "C" {

CUresult CUDAAPI cuGetErrorName(CUresult, const char** name) {
  *name = "an error of the stand-in";
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
  const CUresult error = cuDeviceGetAttribute(major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
  return error != CUDA_SUCCESS
             ? error
             : cuDeviceGetAttribute(minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
}

/// There is one device.
CUresult CUDAAPI cuDeviceCanAccessPeer(int* can, CUdevice, CUdevice) {
  *can = 0;
  return CUDA_SUCCESS;
}

// Contexts

CUresult CUDAAPI cuCtxCreate_v2(CUcontext* context, unsigned flags, CUdevice device) {
  return cuCtxCreate(context, nullptr, flags, device);
}
CUresult CUDAAPI cuDevicePrimaryCtxRelease(CUdevice device) { return cuDevicePrimaryCtxRelease_v2(device); }
CUresult CUDAAPI cuDevicePrimaryCtxSetFlags(CUdevice, unsigned flags) {
  const auto guard = lock();
  primary_flags = flags;
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDevicePrimaryCtxGetState(CUdevice, unsigned* flags, int* active) {
  const auto guard = lock();
  *flags = primary_flags;
  *active = primary_context()->retained > 0 ? 1 : 0;
  return CUDA_SUCCESS;
}

// Memory

CUresult CUDAAPI cuMemAlloc(CUdeviceptr* p, size_t bytes) {
  const auto guard = lock();
  void* taken = nullptr;
  const CUresult error = take(&taken, bytes, Kind::Device, "cuMemAlloc");
  *p = reinterpret_cast<CUdeviceptr>(taken);
  return error;
}
CUresult CUDAAPI cuMemAllocPitch(CUdeviceptr* p, size_t* pitch, size_t width, size_t height, unsigned) {
  *pitch = (width + kPitch - 1) / kPitch * kPitch;
  return cuMemAlloc(p, *pitch * height);
}
CUresult CUDAAPI cuMemAllocHost(void** p, size_t bytes) {
  const auto guard = lock();
  return take(p, bytes, Kind::PageLocked, "cuMemAllocHost");
}
CUresult CUDAAPI cuMemFreeHost(void* p) {
  const auto guard = lock();
  return give(p, "cuMemFreeHost");
}
CUresult CUDAAPI cuMemFree(CUdeviceptr p) {
  const auto guard = lock();
  return give(pointer(p), "cuMemFree");
}
CUresult CUDAAPI cuMemcpy2D(const CUDA_MEMCPY2D* c) { return copy_rectangle(c, nullptr, false); }
CUresult CUDAAPI cuMemcpy2DAsync(const CUDA_MEMCPY2D* c, CUstream stream) {
  return copy_rectangle(c, stream, true);
}

// Streams

CUresult CUDAAPI cuStreamCreate(CUstream* stream, unsigned flags) {
  const auto guard = lock();
  *stream = static_cast<CUstream>(create_stream(needed("cuStreamCreate"), flags != CU_STREAM_NON_BLOCKING));
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuStreamDestroy_v2(CUstream stream) {
  const auto guard = lock();
  return destroy_stream(stream);
}
CUresult CUDAAPI cuStreamDestroy(CUstream stream) { return cuStreamDestroy_v2(stream); }
CUresult CUDAAPI cuStreamSynchronize(CUstream handle) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cuStreamSynchronize");
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (!allowed_now("cuStreamSynchronize")) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  finish(stream);
  return CUDA_SUCCESS;
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
