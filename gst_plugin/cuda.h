// Frames in a GPU: memory:CUDAMemory. Compiled in where libgstcuda's headers are, used where there is a
// driver.
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <memory>

namespace cdsr::gst {

inline constexpr char kCudaMemory[] = "memory:CUDAMemory";

/// May frames lie in a GPU: is it compiled in, does this machine have an NVIDIA driver, and has libcdsr its
/// backend? Looked up once a process; says why not at debug level.
bool has_cuda();

/// Do caps ask for frames in a GPU?
bool in_cuda(GstCaps* caps);

/// An element's context and stream. Thread-safety: the streaming thread; context queries and set_context()
/// may come from others. A build without CUDA has a class that never has a context.
class Cuda {
 public:
  explicit Cuda(GstElement* element);
  ~Cuda();
  Cuda(const Cuda&) = delete;
  Cuda& operator=(const Cuda&) = delete;

  /// Finds a context among the neighbours and the application's, or makes one of GPU `device`. Does nothing
  /// when there is one. False if it could not.
  bool ensure(int device);
  /// GstElement::set_context.
  void set_context(GstContext* context, int device);
  /// Answers a context query of a neighbour.
  bool answer(GstQuery* query);
  /// Does a frame lie in another context?
  bool is_foreign(GstBuffer* frame) const;
  /// Moves to the context of a foreign frame. False if it could not.
  bool adopt(GstBuffer* frame);
  /// Gives context and stream back.
  void release();

  void* context() const;  ///< CUcontext, nullptr: none
  void* stream() const;   ///< CUstream of the element

  /// Flags for mapping frames where they are.
  static GstMapFlags map_flags();
  /// Waits for whoever wrote the frame.
  void wait_for(GstBuffer* frame);
  /// After the last work on a frame was queued in the stream: `in` may be written and `out` be read, by
  /// anybody, or (1.24) by who keeps to the stream that their memory names, where that is ours.
  void finish(GstBuffer* in, GstBuffer* out);

  /// From 1.24 on: the frames of a pool so configured are written and read in our stream.
  void set_pool_stream(GstStructure* config) const;
  /// A pool of frames in the context's GPU. nullptr if there is none.
  GstBufferPool* new_pool();
  /// Is a neighbour's pool one whose frames lie in this context?
  bool suits(GstBufferPool* pool);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cdsr::gst
