// A frame's way through the element.
#include "gst_plugin/frame.h"
#include "gst_plugin/messages.h"
#include "gst_plugin/state.h"

namespace cdsr::gst {
namespace {

/// Properties that follow a controller or were set meanwhile.
void apply_setters(GstBaseTransform* trans, GstBuffer* buffer) {
  State& state = state_of(trans);
  if (trans->segment.format == GST_FORMAT_TIME && GST_BUFFER_PTS_IS_VALID(buffer)) {
    const guint64 time = gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(trans), time);
  }
  cdsr_options options;
  {
    const ObjectLock lock(trans);
    if (!state.setters_due) return;
    state.setters_due = false;
    options = state.settings.options;
  }
  cdsr_session_set_options(state.session, &options);
}

/// What the frame's report is to others.
void tell(GstBaseTransform* trans, GstBuffer* in, const cdsr_frame_info& info) {
  State& state = state_of(trans);
  bool key_units;
  int64_t late;
  {
    const ObjectLock lock(trans);
    state.stats.version = CDSR_API_VERSION;
    cdsr_session_get_stats(state.session, &state.stats);
    key_units = state.settings.key_unit_on_shot;
    late = state.stats.late_frames;
  }
  if ((info.late != 0) != state.late) {
    state.late = info.late != 0;
    post_late(trans, in, state.late, late);
  }
  if (!info.new_shot && !info.embedded) return;
  const int values = cdsr_session_embedding(state.session, nullptr, 0);
  state.embedding.resize(values > 0 ? static_cast<size_t>(values) : 0);
  cdsr_session_embedding(state.session, state.embedding.data(), values);
  post_shot(trans, info.new_shot ? "cdsr-shot" : "cdsr-embedding", in, info, state.embedding);
  if (info.new_shot && key_units) {
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(trans), key_unit_event(trans, in, state.key_units++));
  }
}

/// Maps both buffers and lets libcdsr fill the second. Returns a cdsr_status.
GstFlowReturn process(GstBaseTransform* trans, GstBuffer* in, GstBuffer* out, cdsr_frame_info& info) {
  State& state = state_of(trans);
  GstVideoFrame from, to;
  const int where = state.gpu_frames ? Cuda::map_flags() : 0;
  if (!gst_video_frame_map(&from, &state.in, in, static_cast<GstMapFlags>(GST_MAP_READ | where))) {
    GST_ELEMENT_ERROR(trans, STREAM, FAILED, ("A frame cannot be read"), ("buffer %" GST_PTR_FORMAT, in));
    return GST_FLOW_ERROR;
  }
  if (!gst_video_frame_map(&to, &state.out, out, static_cast<GstMapFlags>(GST_MAP_WRITE | where))) {
    gst_video_frame_unmap(&from);
    GST_ELEMENT_ERROR(trans, STREAM, FAILED, ("A frame cannot be written"), ("buffer %" GST_PTR_FORMAT, out));
    return GST_FLOW_ERROR;
  }
  if (state.gpu_frames) state.cuda.wait_for(in);  // also for the upload that mapping may be
  GstFlowReturn flow = GST_FLOW_ERROR;
  cdsr_frame source, target;
  const Crop crop = crop_of(in, state.in);
  if (!wrap(from, state.in, crop, source) || !wrap(to, state.out, {}, target)) {
    GST_ELEMENT_ERROR(trans, STREAM, FORMAT, ("A frame is smaller than its caps"),
                      ("buffer %" GST_PTR_FORMAT ", caps %dx%d", in, state.in.width, state.in.height));
  } else {
    const bool v210 = GST_VIDEO_INFO_FORMAT(&state.in) == GST_VIDEO_FORMAT_v210;
    if (v210) {
      state.v210_in.lend(source);
      state.v210_in.unpack(from, crop);
      state.v210_out.lend(target);
    }
    source.memory = target.memory = state.gpu_frames ? CDSR_MEMORY_CUDA : CDSR_MEMORY_CPU;
    cdsr_hints hints = {};
    hints.version = CDSR_API_VERSION;
    hints.cut = state.cut ? 1 : 0;
    hints.discontinuity = state.discontinuity || GST_BUFFER_IS_DISCONT(in) ? 1 : 0;
    if (GST_BUFFER_PTS_IS_VALID(in)) hints.time = static_cast<int64_t>(GST_BUFFER_PTS(in));
    const int status = cdsr_session_process(state.session, &source, &target, &hints, &info);
    if (status < 0) {
      post_error(GST_ELEMENT(trans), status, cdsr_session_error(state.session));
    } else {
      flow = GST_FLOW_OK;
      if (v210) state.v210_out.pack(to);
      if (state.gpu_frames) state.cuda.finish(in, out);
    }
  }
  gst_video_frame_unmap(&to);
  gst_video_frame_unmap(&from);
  return flow;
}

}  // namespace

/// Frames in a GPU may come from another context than was negotiated: everything moves there.
void before_transform(GstBaseTransform* trans, GstBuffer* in) {
  State& state = state_of(trans);
  if (!state.gpu_frames || !state.cuda.is_foreign(in)) return;
  GST_INFO_OBJECT(trans, "frames come from another CUDA context: moving there");
  drop_session(trans);  // before the context that it lives in
  if (state.cuda.adopt(in)) create_session(trans, state.cuda.context());
  gst_base_transform_reconfigure_src(trans);
}

GstFlowReturn transform(GstBaseTransform* trans, GstBuffer* in, GstBuffer* out) {
  State& state = state_of(trans);
  if (GST_VIDEO_INFO_FORMAT(&state.in) == GST_VIDEO_FORMAT_UNKNOWN) return GST_FLOW_NOT_NEGOTIATED;
  if (state.session == nullptr) return GST_FLOW_ERROR;  // before_transform() has said why
  apply_setters(trans, in);
  cdsr_frame_info info = {};
  info.version = CDSR_API_VERSION;
  const GstFlowReturn flow = process(trans, in, out, info);
  state.cut = state.discontinuity = false;
  if (flow != GST_FLOW_OK) return flow;
  GST_LOG_OBJECT(trans, "frame %" GST_TIME_FORMAT ": shot %" G_GINT64_FORMAT "%s%s, score %.3f, %.2f ms",
                 GST_TIME_ARGS(GST_BUFFER_PTS(in)), info.shot, info.hit ? " (known)" : "",
                 info.late ? " late" : "", info.score, info.total_ms);
  tell(trans, in, info);
  return GST_FLOW_OK;
}

}  // namespace cdsr::gst
