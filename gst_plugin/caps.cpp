#include "gst_plugin/caps.h"

#include <cdsr/cdsr.h>

#include <algorithm>
#include <numeric>

#include "gst_plugin/cuda.h"

namespace cdsr::gst {
namespace {

struct Format {
  GstVideoFormat gst;
  int32_t cdsr;
};

constexpr int32_t kNative = G_BYTE_ORDER == G_BIG_ENDIAN ? CDSR_FORMAT_BIG_ENDIAN : 0;

// In the order of preference when the other side leaves the choice.
constexpr Format kFormats[] = {
    {GST_VIDEO_FORMAT_I420, CDSR_FORMAT_YUV420P},
    {GST_VIDEO_FORMAT_NV12, CDSR_FORMAT_NV12},
    {GST_VIDEO_FORMAT_YV12, CDSR_FORMAT_YUV420P},
    {GST_VIDEO_FORMAT_Y42B, CDSR_FORMAT_YUV422P},
    {GST_VIDEO_FORMAT_Y444, CDSR_FORMAT_YUV444P},
    {GST_VIDEO_FORMAT_NV21, CDSR_FORMAT_NV21},
    {GST_VIDEO_FORMAT_NV16, CDSR_FORMAT_NV16},
    {GST_VIDEO_FORMAT_NV61, CDSR_FORMAT_NV61},
    {GST_VIDEO_FORMAT_NV24, CDSR_FORMAT_NV24},
    {GST_VIDEO_FORMAT_YUY2, CDSR_FORMAT_YUYV422},
    {GST_VIDEO_FORMAT_UYVY, CDSR_FORMAT_UYVY422},
    {GST_VIDEO_FORMAT_YVYU, CDSR_FORMAT_YVYU422},
    {GST_VIDEO_FORMAT_VYUY, CDSR_FORMAT_VYUY422},
    {GST_VIDEO_FORMAT_A420, CDSR_FORMAT_YUVA420P},
    {GST_VIDEO_FORMAT_AYUV, CDSR_FORMAT_AYUV},
    {GST_VIDEO_FORMAT_VUYA, CDSR_FORMAT_VUYA},
    {GST_VIDEO_FORMAT_RGB, CDSR_FORMAT_RGB24},
    {GST_VIDEO_FORMAT_BGR, CDSR_FORMAT_BGR24},
    {GST_VIDEO_FORMAT_RGBx, CDSR_FORMAT_RGBA},
    {GST_VIDEO_FORMAT_BGRx, CDSR_FORMAT_BGRA},
    {GST_VIDEO_FORMAT_xRGB, CDSR_FORMAT_ARGB},
    {GST_VIDEO_FORMAT_xBGR, CDSR_FORMAT_ABGR},
    {GST_VIDEO_FORMAT_RGBA, CDSR_FORMAT_RGBA},
    {GST_VIDEO_FORMAT_BGRA, CDSR_FORMAT_BGRA},
    {GST_VIDEO_FORMAT_ARGB, CDSR_FORMAT_ARGB},
    {GST_VIDEO_FORMAT_ABGR, CDSR_FORMAT_ABGR},
    {GST_VIDEO_FORMAT_GBR, CDSR_FORMAT_GBRP},
    {GST_VIDEO_FORMAT_RGBP, CDSR_FORMAT_GBRP},
    {GST_VIDEO_FORMAT_BGRP, CDSR_FORMAT_GBRP},
    {GST_VIDEO_FORMAT_GBRA, CDSR_FORMAT_GBRAP},
    {GST_VIDEO_FORMAT_GRAY8, CDSR_FORMAT_GRAY8},
    {GST_VIDEO_FORMAT_I420_10LE, CDSR_FORMAT_YUV420P10},
    {GST_VIDEO_FORMAT_I420_10BE, CDSR_FORMAT_YUV420P10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_P010_10LE, CDSR_FORMAT_P010},
    {GST_VIDEO_FORMAT_P010_10BE, CDSR_FORMAT_P010 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_I422_10LE, CDSR_FORMAT_YUV422P10},
    {GST_VIDEO_FORMAT_I422_10BE, CDSR_FORMAT_YUV422P10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_Y444_10LE, CDSR_FORMAT_YUV444P10},
    {GST_VIDEO_FORMAT_Y444_10BE, CDSR_FORMAT_YUV444P10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_I420_12LE, CDSR_FORMAT_YUV420P12},
    {GST_VIDEO_FORMAT_I420_12BE, CDSR_FORMAT_YUV420P12 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_I422_12LE, CDSR_FORMAT_YUV422P12},
    {GST_VIDEO_FORMAT_I422_12BE, CDSR_FORMAT_YUV422P12 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_Y444_12LE, CDSR_FORMAT_YUV444P12},
    {GST_VIDEO_FORMAT_Y444_12BE, CDSR_FORMAT_YUV444P12 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_P012_LE, CDSR_FORMAT_P012},
    {GST_VIDEO_FORMAT_P012_BE, CDSR_FORMAT_P012 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_P016_LE, CDSR_FORMAT_P016},
    {GST_VIDEO_FORMAT_P016_BE, CDSR_FORMAT_P016 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_Y444_16LE, CDSR_FORMAT_YUV444P16},
    {GST_VIDEO_FORMAT_Y444_16BE, CDSR_FORMAT_YUV444P16 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_A420_10LE, CDSR_FORMAT_YUVA420P10},
    {GST_VIDEO_FORMAT_A420_10BE, CDSR_FORMAT_YUVA420P10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_A422_10LE, CDSR_FORMAT_YUVA422P10},
    {GST_VIDEO_FORMAT_A422_10BE, CDSR_FORMAT_YUVA422P10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_A444_10LE, CDSR_FORMAT_YUVA444P10},
    {GST_VIDEO_FORMAT_A444_10BE, CDSR_FORMAT_YUVA444P10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_Y212_LE, CDSR_FORMAT_Y212},
    {GST_VIDEO_FORMAT_Y212_BE, CDSR_FORMAT_Y212 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_Y412_LE, CDSR_FORMAT_XV36},
    {GST_VIDEO_FORMAT_Y412_BE, CDSR_FORMAT_XV36 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_GBR_10LE, CDSR_FORMAT_GBRP10},
    {GST_VIDEO_FORMAT_GBR_10BE, CDSR_FORMAT_GBRP10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_GBR_12LE, CDSR_FORMAT_GBRP12},
    {GST_VIDEO_FORMAT_GBR_12BE, CDSR_FORMAT_GBRP12 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_GBRA_10LE, CDSR_FORMAT_GBRAP10},
    {GST_VIDEO_FORMAT_GBRA_10BE, CDSR_FORMAT_GBRAP10 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_GBRA_12LE, CDSR_FORMAT_GBRAP12},
    {GST_VIDEO_FORMAT_GBRA_12BE, CDSR_FORMAT_GBRAP12 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_RGBA64_LE, CDSR_FORMAT_RGBA64},
    {GST_VIDEO_FORMAT_RGBA64_BE, CDSR_FORMAT_RGBA64 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_BGRA64_LE, CDSR_FORMAT_BGRA64},
    {GST_VIDEO_FORMAT_BGRA64_BE, CDSR_FORMAT_BGRA64 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_ARGB64_LE, CDSR_FORMAT_ARGB64},
    {GST_VIDEO_FORMAT_ARGB64_BE, CDSR_FORMAT_ARGB64 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_ABGR64_LE, CDSR_FORMAT_ABGR64},
    {GST_VIDEO_FORMAT_ABGR64_BE, CDSR_FORMAT_ABGR64 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_GRAY16_LE, CDSR_FORMAT_GRAY16},
    {GST_VIDEO_FORMAT_GRAY16_BE, CDSR_FORMAT_GRAY16 | CDSR_FORMAT_BIG_ENDIAN},
    {GST_VIDEO_FORMAT_Y210, CDSR_FORMAT_Y210},
    {GST_VIDEO_FORMAT_v210, CDSR_FORMAT_YUV422P10 | kNative},  // as V210Planes
    {GST_VIDEO_FORMAT_Y410, CDSR_FORMAT_XV30},
    {GST_VIDEO_FORMAT_BGR10A2_LE, CDSR_FORMAT_X2RGB10},
    {GST_VIDEO_FORMAT_RGB10A2_LE, CDSR_FORMAT_X2BGR10},
    {GST_VIDEO_FORMAT_ARGB64, CDSR_FORMAT_ARGB64 | kNative},
    {GST_VIDEO_FORMAT_AYUV64, CDSR_FORMAT_AYUV64 | kNative},
};

// What both libgstcuda and libcdsr's CUDA frames have.
constexpr GstVideoFormat kCudaFormats[] = {
    GST_VIDEO_FORMAT_NV12,    GST_VIDEO_FORMAT_P010_10LE, GST_VIDEO_FORMAT_I420,
    GST_VIDEO_FORMAT_P016_LE, GST_VIDEO_FORMAT_Y444,      GST_VIDEO_FORMAT_Y444_16LE,
};

void append_format(GValue* list, GstVideoFormat format) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, G_TYPE_STRING);
  g_value_set_static_string(&value, gst_video_format_to_string(format));
  gst_value_list_append_and_take_value(list, &value);
}

GstStructure* raw_video(GValue* formats, int max_side) {
  GstStructure* structure =
      gst_structure_new("video/x-raw", "width", GST_TYPE_INT_RANGE, 1, max_side, "height", GST_TYPE_INT_RANGE,
                        1, max_side, "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, nullptr);
  gst_structure_take_value(structure, "format", formats);
  return structure;
}

/// The sizes [low, high] that are multiples of `step`, as a number or a range. False if there is none.
bool set_sizes(GValue* out, int64_t low, int64_t high, int64_t step) {
  low = (std::max<int64_t>(low, 1) + step - 1) / step * step;
  high = std::min<int64_t>(high, G_MAXINT) / step * step;
  if (low > high) return false;
  if (low == high) {
    g_value_init(out, G_TYPE_INT);
    g_value_set_int(out, static_cast<int>(low));
  } else {
    g_value_init(out, GST_TYPE_INT_RANGE);
    gst_value_set_int_range_step(out, static_cast<int>(low), static_cast<int>(high), static_cast<int>(step));
  }
  return true;
}

/// One size or range of sizes, in pixels of one side, in pixels of the other. False if nothing is left.
bool scale_sizes(const GValue* in, bool up, int scale, GValue* out) {
  int64_t low, high, step;
  if (G_VALUE_HOLDS_INT(in)) {
    low = high = g_value_get_int(in);
    step = 1;
  } else if (GST_VALUE_HOLDS_INT_RANGE(in)) {
    low = gst_value_get_int_range_min(in);
    high = gst_value_get_int_range_max(in);
    step = gst_value_get_int_range_step(in);
  } else {
    return false;
  }
  if (step < 1 || scale < 1) return false;
  if (up) return set_sizes(out, low * scale, high * scale, step * scale);
  // Of the sizes offered only multiples of the scale have an input.
  const int64_t both = std::lcm(step, static_cast<int64_t>(scale));
  low = (low + both - 1) / both * both;
  high = high / both * both;
  return low <= high && set_sizes(out, low / scale, high / scale, both / scale);
}

bool scale_field(GstStructure* structure, const char* field, bool up, int scale) {
  const GValue* in = gst_structure_get_value(structure, field);
  if (in == nullptr) return true;  // anything goes, and so does anything on the other side
  GValue out = G_VALUE_INIT;
  if (GST_VALUE_HOLDS_LIST(in)) {
    g_value_init(&out, GST_TYPE_LIST);
    for (guint i = 0; i < gst_value_list_get_size(in); ++i) {
      GValue item = G_VALUE_INIT;
      if (scale_sizes(gst_value_list_get_value(in, i), up, scale, &item)) {
        gst_value_list_append_and_take_value(&out, &item);
      }
    }
    if (gst_value_list_get_size(&out) == 0) {
      g_value_unset(&out);
      return false;
    }
  } else if (!scale_sizes(in, up, scale, &out)) {
    return false;
  }
  gst_structure_take_value(structure, field, &out);
  return true;
}

/// Has the input everything that GStreamer takes untagged colour from?
bool is_settled(const GstStructure* structure) {
  int side;
  return gst_structure_get_int(structure, "width", &side) &&
         gst_structure_get_int(structure, "height", &side) &&
         gst_structure_get_string(structure, "format") != nullptr;
}

bool settle_colorimetry(const GstStructure* input, GstStructure* output) {
  GstStructure* fixed = gst_structure_copy(input);
  gst_structure_fixate(fixed);
  GstCaps* caps = gst_caps_new_full(fixed, nullptr);
  const bool done = copy_colorimetry(caps, output);
  gst_caps_unref(caps);
  return done;
}

}  // namespace

bool in_cuda(GstCaps* caps) {
  return gst_caps_get_size(caps) > 0 &&
         gst_caps_features_contains(gst_caps_get_features(caps, 0), kCudaMemory);
}

int32_t format_from_gst(GstVideoFormat format) {
  for (const Format& known : kFormats) {
    if (known.gst == format) return known.cdsr;
  }
  return CDSR_FORMAT_NONE;
}

GstCaps* template_caps(int max_side, bool cuda) {
  GstCaps* caps = gst_caps_new_empty();
  if (cuda) {
    GValue formats = G_VALUE_INIT;
    gst_value_list_init(&formats, G_N_ELEMENTS(kCudaFormats));
    for (const GstVideoFormat format : kCudaFormats) append_format(&formats, format);
    gst_caps_append_structure_full(caps, raw_video(&formats, max_side),
                                   gst_caps_features_new(kCudaMemory, nullptr));
  }
  GValue formats = G_VALUE_INIT;
  gst_value_list_init(&formats, G_N_ELEMENTS(kFormats));
  for (const Format& format : kFormats) append_format(&formats, format.gst);
  gst_caps_append_structure(caps, raw_video(&formats, max_side));
  return caps;
}

GstCaps* scale_caps(GstPadDirection direction, GstCaps* caps, int scale) {
  const bool up = direction == GST_PAD_SINK;
  GstCaps* result = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    const GstStructure* input = gst_caps_get_structure(caps, i);
    const GstCapsFeatures* features = gst_caps_get_features(caps, i);
    GstStructure* structure = gst_structure_copy(input);
    if (!scale_field(structure, "width", up, scale) || !scale_field(structure, "height", up, scale)) {
      gst_structure_free(structure);
      continue;
    }
    if (up && is_settled(input)) settle_colorimetry(input, structure);
    const bool demands = !up && (gst_structure_has_field(structure, "colorimetry") ||
                                 gst_structure_has_field(structure, "chroma-site"));
    GstStructure* untagged = demands ? gst_structure_copy(structure) : nullptr;
    gst_caps_append_structure_full(result, structure, gst_caps_features_copy(features));
    if (untagged == nullptr) continue;
    // Tags that downstream asks for are best had upstream. Untagged input may still turn out to be just that.
    gst_structure_remove_fields(untagged, "colorimetry", "chroma-site", nullptr);
    gst_caps_append_structure_full(result, untagged, gst_caps_features_copy(features));
  }
  return result;
}

bool video_info(GstCaps* caps, GstVideoInfo& info) {
  if (!gst_video_info_from_caps(&info, caps)) return false;
  const char* site = gst_structure_get_string(gst_caps_get_structure(caps, 0), "chroma-site");
  if (site != nullptr) info.chroma_site = gst_video_chroma_site_from_string(site);
  return true;
}

bool copy_colorimetry(GstCaps* input, GstStructure* output) {
  GstVideoInfo info;
  if (!video_info(input, info)) return false;
  if (char* colorimetry = gst_video_colorimetry_to_string(&GST_VIDEO_INFO_COLORIMETRY(&info))) {
    gst_structure_set(output, "colorimetry", G_TYPE_STRING, colorimetry, nullptr);
    g_free(colorimetry);
  }
  const bool subsampled = info.finfo->w_sub[1] > 0 || info.finfo->h_sub[1] > 0;
  if (subsampled && info.chroma_site != GST_VIDEO_CHROMA_SITE_UNKNOWN) {
    if (char* site = gst_video_chroma_site_to_string(info.chroma_site)) {
      gst_structure_set(output, "chroma-site", G_TYPE_STRING, site, nullptr);
      g_free(site);
    }
  }
  return true;
}

}  // namespace cdsr::gst
