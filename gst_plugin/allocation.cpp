#include "gst_plugin/allocation.h"

namespace cdsr::gst {

namespace {

/// A pool for frames of these caps. nullptr if it would need a GPU that is not there.
GstBufferPool* new_pool(GstCaps* caps, Cuda& cuda) {
  return in_cuda(caps) ? cuda.new_pool() : gst_video_buffer_pool_new();
}

/// Sets the pool up and returns the size of its frames, 0 if it will not have them: rows of GPU memory are
/// longer than the caps say.
guint configure(GstBufferPool* pool, GstCaps* caps, Cuda& cuda, guint size, guint min, guint max,
                bool strides) {
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, size, min, max);
  if (strides) gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (in_cuda(caps)) cuda.set_pool_stream(config);
  if (!gst_buffer_pool_set_config(pool, config)) return 0;
  config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_get_params(config, nullptr, &size, nullptr, nullptr);
  gst_structure_free(config);
  return size;
}

}  // namespace

bool propose_pool(GstQuery* query, Cuda& cuda) {
  GstCaps* caps = nullptr;
  gboolean need_pool = FALSE;
  gst_query_parse_allocation(query, &caps, &need_pool);
  GstVideoInfo info;
  if (caps == nullptr || !gst_video_info_from_caps(&info, caps)) return false;
  auto size = static_cast<guint>(GST_VIDEO_INFO_SIZE(&info));
  GstBufferPool* pool = nullptr;
  if (need_pool) {
    pool = new_pool(caps, cuda);
    if (pool == nullptr) return false;
    size = configure(pool, caps, cuda, size, 0, 0, true);
    if (size == 0) {
      gst_object_unref(pool);
      return false;
    }
  }
  // A frame is given back before the next one is taken: one is enough.
  gst_query_add_allocation_pool(query, pool, size, 1, 0);
  if (pool != nullptr) gst_object_unref(pool);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  gst_query_add_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, nullptr);
  return true;
}

bool decide_pool(GstQuery* query, Cuda& cuda) {
  GstCaps* caps = nullptr;
  gst_query_parse_allocation(query, &caps, nullptr);
  GstVideoInfo info;
  if (caps == nullptr || !gst_video_info_from_caps(&info, caps)) return false;
  GstBufferPool* pool = nullptr;
  guint size = 0, min = 0, max = 0;
  const bool offered = gst_query_get_n_allocation_pools(query) > 0;
  if (offered) gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &min, &max);
  if (pool != nullptr && in_cuda(caps) && !cuda.suits(pool)) gst_clear_object(&pool);
  if (pool == nullptr) pool = new_pool(caps, cuda);
  if (pool == nullptr) return false;
  size = MAX(size, static_cast<guint>(GST_VIDEO_INFO_SIZE(&info)));
  const bool strides = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  // A pool that will not have it is settled with by the base class.
  if (const guint real = configure(pool, caps, cuda, size, min, max, strides || in_cuda(caps))) size = real;
  if (offered) {
    gst_query_set_nth_allocation_pool(query, 0, pool, size, min, max);
  } else {
    gst_query_add_allocation_pool(query, pool, size, min, max);
  }
  gst_object_unref(pool);
  return true;
}

}  // namespace cdsr::gst
