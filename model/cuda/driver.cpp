#include "model/cuda/driver.h"

#include <cuda.h>
#include <dlfcn.h>

#include "model/error.h"

namespace cdsr::cuda {
namespace {

/// The functions of libcuda.so.1 used beside the runtime.
struct Driver {
  decltype(&cuInit) init = nullptr;
  decltype(&cuGetErrorString) error_string = nullptr;
  decltype(&cuDeviceGetCount) device_count = nullptr;
  decltype(&cuDeviceGet) device = nullptr;
  decltype(&cuDeviceGetName) device_name = nullptr;
  decltype(&cuDeviceGetAttribute) device_attribute = nullptr;
  decltype(&cuDeviceTotalMem) device_memory = nullptr;
  decltype(&cuDevicePrimaryCtxRetain) retain = nullptr;
  decltype(&cuDevicePrimaryCtxRelease) release = nullptr;
  decltype(&cuCtxPushCurrent) push = nullptr;
  decltype(&cuCtxPopCurrent) pop = nullptr;
  decltype(&cuCtxGetDevice) context_device = nullptr;

  Driver() {
    void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) fail(Errc::Unsupported, "no NVIDIA driver: {}", dlerror());
      // cuda.h maps names to versions by macros: the strings must go through them too.
#define CDSR_STRING(name) #name
#define CDSR_FIND(member, name) find(library, CDSR_STRING(name), member)
    CDSR_FIND(init, cuInit);
    CDSR_FIND(error_string, cuGetErrorString);
    CDSR_FIND(device_count, cuDeviceGetCount);
    CDSR_FIND(device, cuDeviceGet);
    CDSR_FIND(device_name, cuDeviceGetName);
    CDSR_FIND(device_attribute, cuDeviceGetAttribute);
    CDSR_FIND(device_memory, cuDeviceTotalMem);
    CDSR_FIND(retain, cuDevicePrimaryCtxRetain);
    CDSR_FIND(release, cuDevicePrimaryCtxRelease);
    CDSR_FIND(push, cuCtxPushCurrent);
    CDSR_FIND(pop, cuCtxPopCurrent);
    CDSR_FIND(context_device, cuCtxGetDevice);
#undef CDSR_FIND
#undef CDSR_STRING
  }

  template <typename Function>
  static void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (function == nullptr) fail(Errc::Unsupported, "the NVIDIA driver has no {}", name);
  }

  void check(CUresult result, const char* what) const {
    if (result == CUDA_SUCCESS) return;
    const char* reason = "unknown error";
    error_string(result, &reason);
    fail(result == CUDA_ERROR_OUT_OF_MEMORY ? Errc::OutOfMemory : Errc::Device, "{}: {}", what, reason);
  }
};

const Driver& driver() {
  static const Driver loaded;
  return loaded;
}

}  // namespace

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // forgets it, if it can be forgotten
  fail(error == cudaErrorMemoryAllocation ? Errc::OutOfMemory : Errc::Device, "{}: {} ({})", what,
       cudaGetErrorString(error), cudaGetErrorName(error));
}

std::shared_ptr<Context> Context::open(int index, void* given) {
  const Driver& d = driver();
  d.check(d.init(0), "cuInit");
  std::shared_ptr<Context> context(new Context);
  CUdevice device = 0;
  if (given != nullptr) {
    context->handle_ = given;
    const Scope scope(*context);
    d.check(d.context_device(&device), "the device of the given CUDA context");
  } else {
    int count = 0;
    d.check(d.device_count(&count), "counting GPUs");
    if (index < 0 || index >= count)
      fail(Errc::InvalidArgument, "device is {}, must be 0 to {}", index, count - 1);
    d.check(d.device(&device, index), "opening a GPU");
  }
  char name[256] = {};
  d.check(d.device_name(name, sizeof name, device), "the GPU's name");
  context->name_ = name;
  const auto attribute = [&](CUdevice_attribute which) {
    int value = 0;
    d.check(d.device_attribute(&value, which, device), "an attribute of the GPU");
    return value;
  };
  context->capability_ = 10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
                         attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  context->multiprocessors_ = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  d.check(d.device_memory(&context->memory_, device), "the GPU's memory");
  if (context->capability_ < 75)
    fail(Errc::Unsupported, "{} is sm_{}, sm_75 (Turing) or newer is needed", name, context->capability_);
  if (given == nullptr) {
    CUcontext primary = nullptr;
    d.check(d.retain(&primary, device), "the GPU's primary context");
    context->handle_ = primary;
    context->device_ = device;
    context->primary_ = true;
  }
  return context;
}

Context::~Context() {
  if (primary_) driver().release(device_);
}

Context::Scope::Scope(const Context& context) {
  driver().check(driver().push(static_cast<CUcontext>(context.handle_)), "entering the CUDA context");
}

Context::Scope::~Scope() {
  CUcontext popped = nullptr;
  driver().pop(&popped);
}

DeviceBuffer::DeviceBuffer(size_t bytes) : bytes_(bytes) {
  if (bytes > 0) check(cudaMalloc(&data_, bytes), "memory of the GPU");
}

DeviceBuffer::~DeviceBuffer() {
  if (data_ != nullptr) cudaFree(data_);
}

PinnedBuffer::PinnedBuffer(size_t bytes) : bytes_(bytes) {
  if (bytes > 0) check(cudaHostAlloc(&data_, bytes, cudaHostAllocMapped), "page-locked memory");
}

PinnedBuffer::~PinnedBuffer() {
  if (data_ != nullptr) cudaFreeHost(data_);
}

Stream::Stream(bool high) {
  int lowest = 0, highest = 0;
  check(cudaDeviceGetStreamPriorityRange(&lowest, &highest), "stream priorities");
  check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, high ? highest : lowest), "a stream");
  check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "an event");
}

Stream::~Stream() {
  if (event_ != nullptr) cudaEventDestroy(event_);
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

void Stream::wait_for(cudaStream_t other) {
  check(cudaEventRecord(event_, other), "an event on the frame's stream");
  check(cudaStreamWaitEvent(stream_, event_, 0), "waiting for the frame's stream");
}

void Stream::hold(cudaStream_t other) {
  check(cudaEventRecord(event_, stream_), "an event");
  check(cudaStreamWaitEvent(other, event_, 0), "making the frame's stream wait");
}

void Stream::synchronize(const char* what) { check(cudaStreamSynchronize(stream_), what); }

}  // namespace cdsr::cuda
