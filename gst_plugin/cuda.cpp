#include "gst_plugin/cuda.h"

#include <cdsr/cdsr.h>
#include <gmodule.h>
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>

#include <mutex>

GST_DEBUG_CATEGORY_EXTERN(gst_cdsr_debug);  // element.cpp
#define GST_CAT_DEFAULT gst_cdsr_debug

namespace cdsr::gst {
namespace {

/// libgstcuda warns when there is no driver; not having one is no reason to.
bool has_driver() {
  GModule* driver = g_module_open("libcuda.so.1", G_MODULE_BIND_LAZY);
  if (driver == nullptr) return false;
  g_module_close(driver);
  return gst_cuda_load_library() != FALSE;
}

/// A stream in a context. From 1.24 on one that libgstcuda knows: memory names the stream that its frames are
/// written in, and who works in the same one need not wait.
class Stream {
 public:
  ~Stream() { drop(); }
#if GST_CHECK_VERSION(1, 24, 0)
  bool make(GstCudaContext* context) {
    if (stream_ == nullptr) stream_ = gst_cuda_stream_new(context);
    return stream_ != nullptr;
  }
  void drop() { gst_clear_cuda_stream(&stream_); }
  CUstream handle() const { return stream_ != nullptr ? gst_cuda_stream_get_handle(stream_) : nullptr; }
  void give_to(GstStructure* pool_config) const {
    if (stream_ != nullptr) gst_buffer_pool_config_set_cuda_stream(pool_config, stream_);
  }
  bool is_of(GstCudaMemory* memory) const {
    return stream_ != nullptr && gst_cuda_memory_get_stream(memory) == stream_;
  }

 private:
  GstCudaStream* stream_ = nullptr;
#else
  bool make(GstCudaContext* context) {
    if (stream_ != nullptr) return true;
    if (!gst_cuda_context_push(context)) return false;
    if (CuStreamCreate(&stream_, CU_STREAM_DEFAULT) != CUDA_SUCCESS) stream_ = nullptr;
    gst_cuda_context_pop(nullptr);
    if (stream_ != nullptr) context_ = GST_CUDA_CONTEXT(gst_object_ref(context));
    return stream_ != nullptr;
  }
  void drop() {
    if (stream_ != nullptr && gst_cuda_context_push(context_)) {
      CuStreamDestroy(stream_);
      gst_cuda_context_pop(nullptr);
    }
    stream_ = nullptr;
    gst_clear_object(&context_);
  }
  CUstream handle() const { return stream_; }
  static void give_to(GstStructure*) {}
  static bool is_of(GstCudaMemory*) { return false; }

 private:
  CUstream stream_ = nullptr;
  GstCudaContext* context_ = nullptr;
#endif
};

GstCudaMemory* cuda_memory_of(GstBuffer* buffer) {
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  return memory != nullptr && gst_is_cuda_memory(memory) ? GST_CUDA_MEMORY_CAST(memory) : nullptr;
}

}  // namespace

bool has_cuda() {
  static const bool found = [] {
    if (!has_driver()) {
      GST_DEBUG("no NVIDIA driver: frames in system memory alone");
      return false;
    }
    if (cdsr_backend_available("cuda") < 0) {
      GST_DEBUG("%s: frames in system memory alone", cdsr_last_error());
      return false;
    }
    gst_cuda_memory_init_once();
    return true;
  }();
  return found;
}

struct Cuda::Parts {
  GstElement* element;
  mutable std::recursive_mutex mutex;  // finding a context asks the neighbours, who may ask back
  GstCudaContext* context = nullptr;
  Stream stream;

  void drop() {
    stream.drop();
    gst_clear_object(&context);
  }
  bool make_stream() { return context != nullptr && stream.make(context); }
  /// May whoever works in the frame's stream go on without waiting for us?
  bool is_in_stream(GstBuffer* frame) const {
    GstCudaMemory* memory = cuda_memory_of(frame);
    return memory != nullptr && stream.is_of(memory);
  }
};

Cuda::Cuda(GstElement* element) : parts_(std::make_unique<Parts>()) { parts_->element = element; }
Cuda::~Cuda() { parts_->drop(); }

bool Cuda::ensure(int device) {
  if (!has_cuda()) return false;  // libgstcuda's functions have no driver behind them
  const std::lock_guard lock(parts_->mutex);
  return gst_cuda_ensure_element_context(parts_->element, device, &parts_->context) && parts_->make_stream();
}

void Cuda::set_context(GstContext* context, int device) {
  if (!has_cuda()) return;
  const std::lock_guard lock(parts_->mutex);
  gst_cuda_handle_set_context(parts_->element, context, device, &parts_->context);
}

bool Cuda::answer(GstQuery* query) {
  const std::lock_guard lock(parts_->mutex);
  return parts_->context != nullptr && gst_cuda_handle_context_query(parts_->element, query, parts_->context);
}

bool Cuda::is_foreign(GstBuffer* frame) const {
  const GstCudaMemory* memory = cuda_memory_of(frame);
  const std::lock_guard lock(parts_->mutex);
  return memory != nullptr && memory->context != parts_->context;
}

bool Cuda::adopt(GstBuffer* frame) {
  if (!is_foreign(frame)) return false;
  const GstCudaMemory* memory = cuda_memory_of(frame);
  const std::lock_guard lock(parts_->mutex);
  parts_->drop();
  parts_->context = GST_CUDA_CONTEXT(gst_object_ref(memory->context));
  return parts_->make_stream();
}

void Cuda::release() {
  const std::lock_guard lock(parts_->mutex);
  parts_->drop();
}

void* Cuda::context() const {
  const std::lock_guard lock(parts_->mutex);
  return parts_->context == nullptr ? nullptr : gst_cuda_context_get_handle(parts_->context);
}

void* Cuda::stream() const { return parts_->stream.handle(); }

GstMapFlags Cuda::map_flags() { return static_cast<GstMapFlags>(GST_MAP_CUDA); }

void Cuda::wait_for(GstBuffer* frame) {
#if GST_CHECK_VERSION(1, 24, 0)
  if (parts_->is_in_stream(frame)) return;
  if (GstCudaMemory* memory = cuda_memory_of(frame)) gst_cuda_memory_sync(memory);
#else
  (void)frame;  // before 1.24 every element waits for its own work before it passes a frame on
#endif
}

void Cuda::finish(GstBuffer* in, GstBuffer* out) {
  // The next to write `in` and to read `out` do so behind us.
  const bool ordered = parts_->is_in_stream(in) && parts_->is_in_stream(out);
  if (!ordered && gst_cuda_context_push(parts_->context)) {
    CuStreamSynchronize(parts_->stream.handle());
    gst_cuda_context_pop(nullptr);
  }
#if GST_CHECK_VERSION(1, 24, 0)
  if (GstMemory* memory = gst_buffer_peek_memory(out, 0)) {
    if (ordered)
      GST_MINI_OBJECT_FLAG_SET(memory, GST_CUDA_MEMORY_TRANSFER_NEED_SYNC);
    else
      GST_MEMORY_FLAG_UNSET(memory, GST_CUDA_MEMORY_TRANSFER_NEED_SYNC);
  }
#endif
}

void Cuda::set_pool_stream(GstStructure* config) const {
  const std::lock_guard lock(parts_->mutex);
  parts_->stream.give_to(config);
}

GstBufferPool* Cuda::new_pool() {
  const std::lock_guard lock(parts_->mutex);
  return parts_->context == nullptr ? nullptr : gst_cuda_buffer_pool_new(parts_->context);
}

bool Cuda::suits(GstBufferPool* pool) {
  const std::lock_guard lock(parts_->mutex);
  return GST_IS_CUDA_BUFFER_POOL(pool) && GST_CUDA_BUFFER_POOL(pool)->context == parts_->context;
}

}  // namespace cdsr::gst
