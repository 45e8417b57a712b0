// Functions of the driver that FFmpeg's and GStreamer's loaders will not do without and their CUDA frames do
// not call: a call is a fault. Without CUDA's headers, whose types they do not need.
#include <string>

#include "tests/cuda/on_cpu/report.h"

// NOLINTBEGIN(readability-identifier-naming): CUDA's
#define UNKNOWN(name)                                               \
  extern "C" int name() {                                           \
    cuda_on_cpu::fault(#name ", which the stand-in does not know"); \
    return 801; /* CUDA_ERROR_NOT_SUPPORTED */                      \
  }

UNKNOWN(cuArray3DCreate_v2)
UNKNOWN(cuArrayDestroy)
UNKNOWN(cuCtxDisablePeerAccess)
UNKNOWN(cuCtxEnablePeerAccess)
UNKNOWN(cuCtxSetLimit)
UNKNOWN(cuDevicePrimaryCtxReset)
UNKNOWN(cuEventCreate)
UNKNOWN(cuEventDestroy_v2)
UNKNOWN(cuEventQuery)
UNKNOWN(cuEventRecord)
UNKNOWN(cuEventSynchronize)
UNKNOWN(cuGLGetDevices_v2)
UNKNOWN(cuGraphicsGLRegisterBuffer)
UNKNOWN(cuGraphicsGLRegisterImage)
UNKNOWN(cuGraphicsMapResources)
UNKNOWN(cuGraphicsResourceGetMappedPointer_v2)
UNKNOWN(cuGraphicsResourceSetMapFlags_v2)
UNKNOWN(cuGraphicsSubResourceGetMappedArray)
UNKNOWN(cuGraphicsUnmapResources)
UNKNOWN(cuGraphicsUnregisterResource)
UNKNOWN(cuLaunchKernel)
UNKNOWN(cuLinkAddData)
UNKNOWN(cuLinkComplete)
UNKNOWN(cuLinkCreate)
UNKNOWN(cuLinkDestroy)
UNKNOWN(cuMemAllocManaged)
UNKNOWN(cuMemcpy)
UNKNOWN(cuMemcpyAsync)
UNKNOWN(cuMemcpyDtoD_v2)
UNKNOWN(cuMemcpyDtoDAsync_v2)
UNKNOWN(cuMemcpyDtoH_v2)
UNKNOWN(cuMemcpyDtoHAsync_v2)
UNKNOWN(cuMemcpyHtoD_v2)
UNKNOWN(cuMemcpyHtoDAsync_v2)
UNKNOWN(cuMemsetD8Async)
UNKNOWN(cuModuleGetFunction)
UNKNOWN(cuModuleGetGlobal)
UNKNOWN(cuModuleLoadData)
UNKNOWN(cuModuleUnload)
UNKNOWN(cuStreamAddCallback)
UNKNOWN(cuStreamQuery)
UNKNOWN(cuTexObjectCreate)
UNKNOWN(cuTexObjectDestroy)
// NOLINTEND(readability-identifier-naming)
