// The CUDA driver's functions that this project and its hosts call, on the stand-in.
#include <cuda.h>

#include <cstdio>

#include "tests/cuda/on_cpu/memory.h"
#include "tests/cuda/on_cpu/report.h"
#include "tests/cuda/on_cpu/stream.h"

// NOLINTBEGIN(readability-identifier-naming): CUDA's
using namespace cuda_on_cpu;

namespace {

CUcontext handle(Context* context) { return reinterpret_cast<CUcontext>(context); }
Context* context_of(CUcontext context) { return reinterpret_cast<Context*>(context); }

constexpr int kVersion = 13000;

}  // namespace

extern "C" {

CUresult CUDAAPI cuInit(unsigned) { return CUDA_SUCCESS; }
CUresult CUDAAPI cuDriverGetVersion(int* version) {
  *version = kVersion;
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuGetErrorString(CUresult error, const char** text) {
  thread_local char kept[64];
  std::snprintf(kept, sizeof kept, "error %d of the stand-in for a GPU", static_cast<int>(error));
  *text = kept;
  return CUDA_SUCCESS;
}

// The device

CUresult CUDAAPI cuDeviceGetCount(int* count) {
  *count = 1;
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceGet(CUdevice* device, int index) {
  *device = 0;
  return index == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
CUresult CUDAAPI cuDeviceGetName(char* name, int size, CUdevice) {
  std::snprintf(name, static_cast<size_t>(size), "no GPU but a stand-in");
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
  static const long capability = setting("CUDA_ON_CPU_CAPABILITY", 90);
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = static_cast<int>(capability / 10);
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = static_cast<int>(capability % 10);
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      *value = 4;
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT:
      *value = 512;
      return CUDA_SUCCESS;
    default:
      fault("an attribute of the device that the stand-in does not know");
      return CUDA_ERROR_INVALID_VALUE;
  }
}
CUresult CUDAAPI cuDeviceTotalMem(size_t* bytes, CUdevice) {
  *bytes = memory_size();
  return CUDA_SUCCESS;
}

// Contexts

CUresult CUDAAPI cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
  const auto guard = lock();
  ++primary_context()->retained;
  *context = handle(primary_context());
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDevicePrimaryCtxRelease(CUdevice) {
  const auto guard = lock();
  if (--primary_context()->retained < 0) fault("the primary context is released more often than retained");
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuCtxCreate(CUcontext* context, CUctxCreateParams*, unsigned, CUdevice) {
  const auto guard = lock();
  *context = handle(create_context());
  return CUDA_SUCCESS;
}
CUresult CUDAAPI cuCtxDestroy(CUcontext context) {
  const auto guard = lock();
  return destroy_context(context_of(context));
}
CUresult CUDAAPI cuCtxPushCurrent(CUcontext context) {
  const auto guard = lock();
  return push_context(context_of(context));
}
CUresult CUDAAPI cuCtxPopCurrent(CUcontext* context) {
  const auto guard = lock();
  Context* popped = nullptr;
  const CUresult error = pop_context(&popped);
  if (context != nullptr) *context = handle(popped);
  return error;
}
#undef cuCtxGetDevice
CUresult CUDAAPI cuCtxGetDevice(CUdevice* device) {
  *device = 0;
  return current() != nullptr ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
