#include "gst_plugin/frame.h"

#include "gst_plugin/caps.h"

namespace cdsr::gst {
namespace {

int32_t matrix_of(const GstVideoInfo& info) {
  switch (info.colorimetry.matrix) {
    case GST_VIDEO_COLOR_MATRIX_RGB:
      return CDSR_MATRIX_RGB;
    case GST_VIDEO_COLOR_MATRIX_FCC:
      return CDSR_MATRIX_FCC;
    case GST_VIDEO_COLOR_MATRIX_BT709:
      return CDSR_MATRIX_BT709;
    case GST_VIDEO_COLOR_MATRIX_BT601:
      return CDSR_MATRIX_SMPTE170M;
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:
      return CDSR_MATRIX_SMPTE240M;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return CDSR_MATRIX_BT2020_NCL;
    default:
      return CDSR_MATRIX_UNSPECIFIED;
  }
}

int32_t range_of(const GstVideoInfo& info) {
  switch (info.colorimetry.range) {
    case GST_VIDEO_COLOR_RANGE_0_255:
      return CDSR_RANGE_FULL;
    case GST_VIDEO_COLOR_RANGE_16_235:
      return CDSR_RANGE_LIMITED;
    default:
      return CDSR_RANGE_UNSPECIFIED;
  }
}

int32_t chroma_location_of(const GstVideoInfo& info) {
  const bool left = (info.chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
  const bool top = (info.chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0;
  if (left) return top ? CDSR_CHROMA_LOCATION_TOPLEFT : CDSR_CHROMA_LOCATION_LEFT;
  if (top) return CDSR_CHROMA_LOCATION_TOP;
  return info.chroma_site == GST_VIDEO_CHROMA_SITE_UNKNOWN ? CDSR_CHROMA_LOCATION_UNSPECIFIED
                                                           : CDSR_CHROMA_LOCATION_CENTER;
}

/// libcdsr's planes are Y, U, V, A or G, B, R, A; GStreamer's may be stored in another order (YV12, RGBP).
guint plane_of(const GstVideoInfo& info, guint p) {
  if (GST_VIDEO_INFO_N_PLANES(&info) < 3) return p;
  constexpr guint kRgb[] = {1, 2, 0, 3};
  return GST_VIDEO_FORMAT_INFO_PLANE(info.finfo, GST_VIDEO_INFO_IS_RGB(&info) ? kRgb[p] : p);
}

}  // namespace

Crop crop_of(GstBuffer* buffer, const GstVideoInfo& info) {
  const GstVideoCropMeta* meta = gst_buffer_get_video_crop_meta(buffer);
  if (meta == nullptr || meta->width != static_cast<guint>(info.width) ||
      meta->height != static_cast<guint>(info.height)) {
    return {};
  }
  const guint x_mask = (1U << info.finfo->w_sub[1]) - 1, y_mask = (1U << info.finfo->h_sub[1]) - 1;
  return {static_cast<int>(meta->x & ~x_mask), static_cast<int>(meta->y & ~y_mask)};
}

bool wrap(const GstVideoFrame& frame, const GstVideoInfo& info, Crop crop, cdsr_frame& result) {
  if (crop.x + info.width > GST_VIDEO_FRAME_WIDTH(&frame) ||
      crop.y + info.height > GST_VIDEO_FRAME_HEIGHT(&frame)) {
    return false;
  }
  cdsr_frame_default(&result, CDSR_API_VERSION);
  result.format = format_from_gst(GST_VIDEO_INFO_FORMAT(&info));
  result.width = info.width;
  result.height = info.height;
  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES(&frame); ++p) {
    const guint plane = plane_of(info, p);
    // Of the components that lie in this plane any one tells its subsampling and the distance of its samples.
    guint sample = 0;
    while (GST_VIDEO_FORMAT_INFO_PLANE(info.finfo, sample) != plane) ++sample;
    const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
    const int x = (crop.x >> info.finfo->w_sub[sample]) * info.finfo->pixel_stride[sample];
    const int y = crop.y >> info.finfo->h_sub[sample];
    result.plane[p] =
        static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane)) + ptrdiff_t{y} * stride + x;
    result.stride[p] = stride;
  }
  result.matrix = matrix_of(info);
  result.range = range_of(info);
  result.chroma_location = chroma_location_of(info);
  return true;
}

}  // namespace cdsr::gst
