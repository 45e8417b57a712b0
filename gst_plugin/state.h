// The C++ part of an element, for the files that make it up.
#pragma once

#include <cdsr/cdsr.h>
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <vector>

#include "gst_plugin/cuda.h"
#include "gst_plugin/element.h"
#include "gst_plugin/properties.h"
#include "gst_plugin/v210.h"

GST_DEBUG_CATEGORY_EXTERN(gst_cdsr_debug);
#define GST_CAT_DEFAULT gst_cdsr_debug

namespace cdsr::gst {

/// The C++ part of an element.
struct State {
  explicit State(GstElement* element) : cuda(element) {}

  // Guarded by the object lock: properties, and what the statistics property shows.
  Settings settings;
  cdsr_stats stats{};
  bool setters_due = false;  ///< a property that acts at once was set
  bool running = false;      ///< between start and stop

  // The streaming thread's, between start and stop.
  Settings started;  ///< the properties at the start; written under the lock too: caps queries read them
  cdsr_session* session = nullptr;
  Cuda cuda;
  void* session_context = nullptr;  ///< CUcontext that the session lives in
  bool gpu_frames = false;          ///< frames lie in a GPU
  bool live = false;                ///< there was a deadline at the start: no frame waits for an embedding
  bool late = false;                ///< the last frame was
  GstVideoInfo in, out;
  bool discontinuity = false;  ///< the next frame does not follow the one before
  bool cut = false;            ///< upstream says that the next frame begins a shot
  guint key_units = 0;         ///< asked for so far
  bool warned_of_interlacing = false, warned_of_hdr = false;
  std::vector<float> embedding;
  V210Planes v210_in, v210_out;  ///< frames of that format
};

/// The state of a GstCdsr.
State& state_of(gpointer object);

/// Holds the object lock, which guards properties and statistics.
class ObjectLock {
 public:
  explicit ObjectLock(gpointer object) : object_(GST_OBJECT_CAST(object)) { GST_OBJECT_LOCK(object_); }
  ~ObjectLock() { GST_OBJECT_UNLOCK(object_); }
  ObjectLock(const ObjectLock&) = delete;
  ObjectLock& operator=(const ObjectLock&) = delete;

 private:
  GstObject* object_;
};

/// Makes the session anew in a CUDA context (nullptr: for frames in system memory). Posts the error if there
/// is none.
bool create_session(GstBaseTransform* trans, void* cuda_context);

/// Ends the session, if there is one. Its counts stay.
void drop_session(GstBaseTransform* trans);

// GstBaseTransform's functions of these names, in process.cpp.
void before_transform(GstBaseTransform* trans, GstBuffer* in);
GstFlowReturn transform(GstBaseTransform* trans, GstBuffer* in, GstBuffer* out);

}  // namespace cdsr::gst
