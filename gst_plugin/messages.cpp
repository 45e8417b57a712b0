#include "gst_plugin/messages.h"

#include <gst/video/video.h>

namespace cdsr::gst {
namespace {

void add_times(GstStructure* s, GstBaseTransform* trans, GstBuffer* buffer) {
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(time) || trans->segment.format != GST_FORMAT_TIME) return;
  gst_structure_set(s, "timestamp", G_TYPE_UINT64, time, "stream-time", G_TYPE_UINT64,
                    gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, time), "running-time",
                    G_TYPE_UINT64, gst_segment_to_running_time(&trans->segment, GST_FORMAT_TIME, time),
                    nullptr);
}

}  // namespace

GstStructure* stats_structure(const cdsr_stats& s) {
  return gst_structure_new(
      "cdsr-stats", "frames", G_TYPE_INT64, s.frames, "bicubic-frames", G_TYPE_INT64, s.bicubic_frames,
      "late-frames", G_TYPE_INT64, s.late_frames, "reused", G_TYPE_DOUBLE, s.reused, "redone", G_TYPE_INT64,
      s.redone, "shots", G_TYPE_INT64, s.shots, "hits", G_TYPE_INT64, s.hits, "embeddings", G_TYPE_INT64,
      s.embeddings, "shot-ms", G_TYPE_DOUBLE, s.shot_ms, "embed-ms", G_TYPE_DOUBLE, s.embed_ms, "upscale-ms",
      G_TYPE_DOUBLE, s.upscale_ms, "color-ms", G_TYPE_DOUBLE, s.color_ms, "total-ms", G_TYPE_DOUBLE,
      s.total_ms, "planned-bytes", G_TYPE_INT64, s.planned_bytes, "threads", G_TYPE_INT, s.threads, "backend",
      G_TYPE_STRING, s.backend, "detail", G_TYPE_STRING, s.detail, nullptr);
}

void post_shot(GstBaseTransform* trans, const char* name, GstBuffer* buffer, const cdsr_frame_info& info,
               const std::vector<float>& embedding) {
  GstStructure* s = gst_structure_new(
      name, "shot", G_TYPE_INT64, info.shot, "hit", G_TYPE_BOOLEAN, info.hit, "embedded", G_TYPE_BOOLEAN,
      info.embedded, "pending", G_TYPE_BOOLEAN, info.pending, "reused", G_TYPE_DOUBLE, info.reused, "score",
      G_TYPE_DOUBLE, info.score, "embed-ms", G_TYPE_DOUBLE, info.embed_ms, nullptr);
  add_times(s, trans, buffer);
  if (!embedding.empty()) {
    GValue list = G_VALUE_INIT;
    gst_value_array_init(&list, static_cast<guint>(embedding.size()));
    for (const float value : embedding) {
      GValue item = G_VALUE_INIT;
      g_value_init(&item, G_TYPE_FLOAT);
      g_value_set_float(&item, value);
      gst_value_array_append_and_take_value(&list, &item);
    }
    gst_structure_take_value(s, "embedding", &list);
  }
  gst_element_post_message(GST_ELEMENT(trans), gst_message_new_element(GST_OBJECT(trans), s));
}

void post_late(GstBaseTransform* trans, GstBuffer* buffer, bool active, int64_t late) {
  GstStructure* s = gst_structure_new("cdsr-late", "active", G_TYPE_BOOLEAN, active ? TRUE : FALSE,
                                      "late-frames", G_TYPE_INT64, late, nullptr);
  add_times(s, trans, buffer);
  gst_element_post_message(GST_ELEMENT(trans), gst_message_new_element(GST_OBJECT(trans), s));
}

void post_error(GstElement* element, int status, const char* text) {
  switch (status) {
    case CDSR_ERROR_INVALID_ARGUMENT:
      GST_ELEMENT_ERROR(element, LIBRARY, SETTINGS, ("%s", text), (nullptr));
      break;
    case CDSR_ERROR_UNSUPPORTED:
      GST_ELEMENT_ERROR(element, STREAM, FORMAT, ("%s", text), (nullptr));
      break;
    case CDSR_ERROR_OUT_OF_MEMORY:
      GST_ELEMENT_ERROR(element, RESOURCE, NO_SPACE_LEFT, ("%s", text), (nullptr));
      break;
    case CDSR_ERROR_IO:
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("%s", text), (nullptr));
      break;
    case CDSR_ERROR_BAD_WEIGHTS:
      GST_ELEMENT_ERROR(element, RESOURCE, READ, ("%s", text), (nullptr));
      break;
    case CDSR_ERROR_DEVICE:
      GST_ELEMENT_ERROR(element, RESOURCE, FAILED, ("%s", text), (nullptr));
      break;
    default:
      GST_ELEMENT_ERROR(element, LIBRARY, FAILED, ("%s", text), (nullptr));
      break;
  }
}

GstEvent* key_unit_event(GstBaseTransform* trans, GstBuffer* buffer, guint count) {
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  GstClockTime running = GST_CLOCK_TIME_NONE, stream = GST_CLOCK_TIME_NONE;
  if (GST_CLOCK_TIME_IS_VALID(time) && trans->segment.format == GST_FORMAT_TIME) {
    running = gst_segment_to_running_time(&trans->segment, GST_FORMAT_TIME, time);
    stream = gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, time);
  }
  return gst_video_event_new_downstream_force_key_unit(time, stream, running, TRUE, count);
}

}  // namespace cdsr::gst
