// A build without libgstcuda: no frame lies in a GPU.
#include "gst_plugin/cuda.h"

namespace cdsr::gst {

struct Cuda::Parts {};

bool has_cuda() { return false; }

Cuda::Cuda(GstElement*) {}
Cuda::~Cuda() = default;
bool Cuda::ensure(int) { return false; }
void Cuda::set_context(GstContext*, int) {}
bool Cuda::answer(GstQuery*) { return false; }
bool Cuda::is_foreign(GstBuffer*) const { return false; }
bool Cuda::adopt(GstBuffer*) { return false; }
void Cuda::release() {}
void* Cuda::context() const { return nullptr; }
void* Cuda::stream() const { return nullptr; }
GstMapFlags Cuda::map_flags() { return static_cast<GstMapFlags>(0); }
void Cuda::wait_for(GstBuffer*) {}
void Cuda::finish(GstBuffer*, GstBuffer*) {}
void Cuda::set_pool_stream(GstStructure*) const {}
GstBufferPool* Cuda::new_pool() { return nullptr; }
bool Cuda::suits(GstBufferPool*) { return false; }

}  // namespace cdsr::gst
