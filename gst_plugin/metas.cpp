#include "gst_plugin/metas.h"

#include <cstring>

namespace cdsr::gst {
namespace {

/// Are all tags among those whose meaning is known here? Sets `sized` when one of them is the size.
bool understood(GType api, bool& sized) {
  for (const char* const* tag = gst_meta_api_type_get_tags(api); tag != nullptr && *tag != nullptr; ++tag) {
    if (std::strcmp(*tag, GST_META_TAG_VIDEO_SIZE_STR) == 0) {
      sized = true;
    } else if (std::strcmp(*tag, GST_META_TAG_VIDEO_STR) != 0 &&
               std::strcmp(*tag, GST_META_TAG_VIDEO_ORIENTATION_STR) != 0 &&
               std::strcmp(*tag, GST_META_TAG_VIDEO_COLORSPACE_STR) != 0) {
      return false;
    }
  }
  return true;
}

/// A rectangle that could not be honoured (frame.h) stays a wish for the sink.
void scale_crop(const GstVideoCropMeta& crop, const GstVideoInfo& in, GstBuffer* out,
                const GstVideoInfo& out_info) {
  if (crop.width == static_cast<guint>(in.width) && crop.height == static_cast<guint>(in.height)) return;
  const guint scale = static_cast<guint>(out_info.width / in.width);
  GstVideoCropMeta* scaled = gst_buffer_add_video_crop_meta(out);
  scaled->x = crop.x * scale;
  scaled->y = crop.y * scale;
  scaled->width = crop.width * scale;
  scaled->height = crop.height * scale;
}

}  // namespace

bool carry_meta(GstMeta* meta, GstBuffer* in, const GstVideoInfo& in_info, GstBuffer* out,
                const GstVideoInfo& out_info) {
  const GType api = meta->info->api;
  if (api == GST_VIDEO_META_API_TYPE) return false;
  if (api == GST_VIDEO_CROP_META_API_TYPE) {
    scale_crop(*reinterpret_cast<GstVideoCropMeta*>(meta), in_info, out, out_info);
    return false;
  }
  bool sized = false;
  if (!understood(api, sized)) return false;
  // Regions of interest scale themselves; in 1.22 some of them say so by their tags and some do not.
  if (!sized && api != GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) return true;
  if (meta->info->transform_func != nullptr) {
    GstVideoMetaTransform scaling = {const_cast<GstVideoInfo*>(&in_info),
                                     const_cast<GstVideoInfo*>(&out_info)};
    meta->info->transform_func(out, meta, in, gst_video_meta_transform_scale_get_quark(), &scaling);
  }
  return false;
}

}  // namespace cdsr::gst
