#include "gst_plugin/element.h"

#include <cdsr/cdsr.h>
#include <gst/video/video.h>

#include <atomic>
#include <climits>
#include <vector>

#include "gst_plugin/allocation.h"
#include "gst_plugin/caps.h"
#include "gst_plugin/frame.h"
#include "gst_plugin/messages.h"
#include "gst_plugin/metas.h"
#include "gst_plugin/properties.h"

GST_DEBUG_CATEGORY_STATIC(gst_cdsr_debug);
#define GST_CAT_DEFAULT gst_cdsr_debug

namespace {

using cdsr::gst::Change;
using cdsr::gst::Settings;

/// Longest side of an input frame (cdsr.h), and what it becomes.
constexpr int kMaxSide = 65536;

/// The C++ part of an element.
struct State {
  // Guarded by the object lock: properties, and what the statistics property shows.
  Settings settings;
  cdsr_stats stats{};
  bool setters_due = false;  ///< a property that acts at once was set

  // The streaming thread's, between start and stop.
  cdsr_session* session = nullptr;
  int scale = 2;      ///< of the session
  bool live = false;  ///< likewise
  bool late = false;  ///< the last frame was
  GstVideoInfo in, out;
  bool discontinuity = false;  ///< the next frame does not follow the one before
  bool cut = false;            ///< upstream says that the next frame begins a shot
  guint key_units = 0;         ///< asked for so far
  bool warned_of_interlacing = false, warned_of_hdr = false;
  std::vector<float> embedding;
};

}  // namespace

struct _GstCdsr {
  GstBaseTransform parent;
  State* state;
};

G_DEFINE_TYPE_WITH_CODE(GstCdsr, gst_cdsr, GST_TYPE_BASE_TRANSFORM,
                        GST_DEBUG_CATEGORY_INIT(gst_cdsr_debug, "cdsr", 0, "video super-resolution"))
GST_ELEMENT_REGISTER_DEFINE(cdsr, "cdsr", GST_RANK_NONE, GST_TYPE_CDSR)

namespace {

State& state_of(gpointer object) { return *GST_CDSR(object)->state; }

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

void log_line(void* opaque, int32_t level, const char* message) {
  switch (level) {
    case CDSR_LOG_ERROR:  // the failed call's caller posts it
      break;
    case CDSR_LOG_WARNING:
      GST_WARNING_OBJECT(opaque, "%s", message);
      break;
    case CDSR_LOG_INFO:
      GST_INFO_OBJECT(opaque, "%s", message);
      break;
    default:
      GST_DEBUG_OBJECT(opaque, "%s", message);
      break;
  }
}

// ---------------------------------------------------------------- properties

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  Change change;
  {
    const ObjectLock lock(object);
    change = cdsr::gst::set_property(state.settings, id, value);
    if (change == Change::Setter || change == Change::Latency) state.setters_due = true;
  }
  if (change == Change::Unknown) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  if (change == Change::Latency) {
    gst_element_post_message(GST_ELEMENT(object), gst_message_new_latency(GST_OBJECT(object)));
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  const ObjectLock lock(object);
  if (id == cdsr::gst::stats_property()) {
    g_value_take_boxed(value, cdsr::gst::stats_structure(state.stats));
  } else if (!cdsr::gst::get_property(state.settings, id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

// ------------------------------------------------------------------ life

gboolean start(GstBaseTransform* trans) {
  State& state = state_of(trans);
  Settings settings;
  {
    const ObjectLock lock(trans);
    settings = state.settings;
    state.setters_due = false;
    state.stats = {};
  }
  cdsr_options options = settings.filled();
  options.live = options.deadline > 0 ? 1 : 0;
  options.log = log_line;
  options.log_opaque = trans;
  const int status = cdsr_session_create(&state.session, nullptr, &options);
  if (status < 0) {
    cdsr::gst::post_error(GST_ELEMENT(trans), status, cdsr_last_error());
    return FALSE;
  }
  state.scale = options.scale;
  state.live = options.live != 0;
  state.discontinuity = state.cut = state.late = false;
  state.key_units = 0;
  state.warned_of_interlacing = state.warned_of_hdr = false;
  return TRUE;
}

gboolean stop(GstBaseTransform* trans) {
  State& state = state_of(trans);
  {
    // The strings of the statistics are the session's.
    const ObjectLock lock(trans);
    state.stats.backend = state.stats.detail = nullptr;
  }
  cdsr_session_destroy(&state.session);
  return TRUE;
}

void finalize(GObject* object) {
  delete GST_CDSR(object)->state;
  G_OBJECT_CLASS(gst_cdsr_parent_class)->finalize(object);
}

// ------------------------------------------------------------------ caps

int current_scale(GstBaseTransform* trans) {
  State& state = state_of(trans);
  if (state.session != nullptr) return state.scale;
  const ObjectLock lock(trans);
  return state.settings.options.scale;
}

GstCaps* transform_caps(GstBaseTransform* trans, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  GstCaps* result = cdsr::gst::scale_caps(direction, caps, current_scale(trans));
  if (filter != nullptr) {
    GstCaps* both = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    result = both;
  }
  GST_DEBUG_OBJECT(trans, "%" GST_PTR_FORMAT " on the %s pad is %" GST_PTR_FORMAT " on the other", caps,
                   direction == GST_PAD_SINK ? "sink" : "src", result);
  return result;
}

GstCaps* fixate_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps, GstCaps* othercaps) {
  GstCaps* fixed = gst_caps_fixate(gst_caps_truncate(othercaps));
  if (direction == GST_PAD_SINK && !gst_caps_is_empty(fixed)) {
    fixed = gst_caps_make_writable(fixed);
    cdsr::gst::copy_colorimetry(caps, gst_caps_get_structure(fixed, 0));
  }
  return fixed;
}

gboolean get_unit_size(GstBaseTransform*, GstCaps* caps, gsize* size) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return FALSE;
  *size = GST_VIDEO_INFO_SIZE(&info);
  return TRUE;
}

void warn_of(GstBaseTransform* trans) {
  State& state = state_of(trans);
  if (GST_VIDEO_INFO_IS_INTERLACED(&state.in) && !state.warned_of_interlacing) {
    state.warned_of_interlacing = true;
    GST_ELEMENT_WARNING(trans, STREAM, FORMAT, ("Interlaced frames: combing would be magnified"),
                        ("put a deinterlacer before this element"));
  }
  const GstVideoTransferFunction transfer = state.in.colorimetry.transfer;
  if ((transfer == GST_VIDEO_TRANSFER_SMPTE2084 || transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67) &&
      !state.warned_of_hdr) {
    state.warned_of_hdr = true;
    GST_WARNING_OBJECT(
        trans, "PQ or HLG transfer: the network was trained on SDR and sees the coded values as they are");
  }
}

gboolean set_caps(GstBaseTransform* trans, GstCaps* incaps, GstCaps* outcaps) {
  State& state = state_of(trans);
  if (!gst_video_info_from_caps(&state.in, incaps) || !gst_video_info_from_caps(&state.out, outcaps))
    return FALSE;
  GST_INFO_OBJECT(trans, "%" GST_PTR_FORMAT " -> %" GST_PTR_FORMAT, incaps, outcaps);
  warn_of(trans);
  if (!state.live) return TRUE;
  // The first frame shall find everything ready.
  const int32_t format = cdsr::gst::format_from_gst(GST_VIDEO_INFO_FORMAT(&state.in));
  const int status = cdsr_session_prepare(state.session, format, state.in.width, state.in.height);
  if (status < 0) cdsr::gst::post_error(GST_ELEMENT(trans), status, cdsr_session_error(state.session));
  return status < 0 ? FALSE : TRUE;
}

/// A frame is not held back, but with a deadline it may take that long: sinks of a live pipeline have to
/// allow for it.
gboolean query(GstBaseTransform* trans, GstPadDirection direction, GstQuery* query) {
  const auto* parent = GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class);
  if (!parent->query(trans, direction, query)) return FALSE;
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY || direction != GST_PAD_SRC) return TRUE;
  State& state = state_of(trans);
  GstClockTime deadline;
  {
    const ObjectLock lock(trans);
    deadline = static_cast<GstClockTime>(state.settings.options.deadline * GST_MSECOND);
  }
  gboolean live;
  GstClockTime low, high;
  gst_query_parse_latency(query, &live, &low, &high);
  low += deadline;
  if (GST_CLOCK_TIME_IS_VALID(high)) high += deadline;
  gst_query_set_latency(query, live, low, high);
  return TRUE;
}

// ---------------------------------------------------------------- memory

gboolean propose_allocation(GstBaseTransform* trans, GstQuery* decide_query, GstQuery* query) {
  const auto* parent = GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class);
  return parent->propose_allocation(trans, decide_query, query) && cdsr::gst::propose_pool(query);
}

gboolean decide_allocation(GstBaseTransform* trans, GstQuery* query) {
  const auto* parent = GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class);
  return cdsr::gst::decide_pool(query) && parent->decide_allocation(trans, query);
}

gboolean transform_meta(GstBaseTransform* trans, GstBuffer* out, GstMeta* meta, GstBuffer* in) {
  State& state = state_of(trans);
  return cdsr::gst::carry_meta(meta, in, state.in, out, state.out) ? TRUE : FALSE;
}

// ---------------------------------------------------------------- events

gboolean sink_event(GstBaseTransform* trans, GstEvent* event) {
  State& state = state_of(trans);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_FLUSH_STOP:
      state.discontinuity = true;
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_video_event_is_force_key_unit(event)) state.cut = true;
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class)->sink_event(trans, event);
}

// ---------------------------------------------------------------- frames

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
  cdsr_session_set_strength(state.session, options.strength);
  cdsr_session_set_shot_threshold(state.session, options.shot_threshold);
  cdsr_session_set_refresh(state.session, options.refresh);
  cdsr_session_set_deadline(state.session, options.deadline);
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
    cdsr::gst::post_late(trans, in, state.late, late);
  }
  if (!info.new_shot && !info.embedded) return;
  const int values = cdsr_session_embedding(state.session, nullptr, 0);
  state.embedding.resize(values > 0 ? static_cast<size_t>(values) : 0);
  cdsr_session_embedding(state.session, state.embedding.data(), values);
  cdsr::gst::post_shot(trans, info.new_shot ? "cdsr-shot" : "cdsr-embedding", in, info, state.embedding);
  if (info.new_shot && key_units) {
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(trans),
                       cdsr::gst::key_unit_event(trans, in, state.key_units++));
  }
}

/// Maps both buffers and lets libcdsr fill the second. Returns a cdsr_status.
GstFlowReturn process(GstBaseTransform* trans, GstBuffer* in, GstBuffer* out, cdsr_frame_info& info) {
  State& state = state_of(trans);
  GstVideoFrame from, to;
  if (!gst_video_frame_map(&from, &state.in, in, GST_MAP_READ)) {
    GST_ELEMENT_ERROR(trans, STREAM, FAILED, ("A frame cannot be read"), ("buffer %" GST_PTR_FORMAT, in));
    return GST_FLOW_ERROR;
  }
  if (!gst_video_frame_map(&to, &state.out, out, GST_MAP_WRITE)) {
    gst_video_frame_unmap(&from);
    GST_ELEMENT_ERROR(trans, STREAM, FAILED, ("A frame cannot be written"), ("buffer %" GST_PTR_FORMAT, out));
    return GST_FLOW_ERROR;
  }
  GstFlowReturn flow = GST_FLOW_ERROR;
  cdsr_frame source, target;
  if (!cdsr::gst::wrap(from, state.in, cdsr::gst::crop_of(in, state.in), source) ||
      !cdsr::gst::wrap(to, state.out, {}, target)) {
    GST_ELEMENT_ERROR(trans, STREAM, FORMAT, ("A frame is smaller than its caps"),
                      ("buffer %" GST_PTR_FORMAT ", caps %dx%d", in, state.in.width, state.in.height));
  } else {
    cdsr_hints hints = {};
    hints.version = CDSR_API_VERSION;
    hints.cut = state.cut ? 1 : 0;
    hints.discontinuity = state.discontinuity || GST_BUFFER_IS_DISCONT(in) ? 1 : 0;
    if (GST_BUFFER_PTS_IS_VALID(in)) hints.time = static_cast<int64_t>(GST_BUFFER_PTS(in));
    const int status = cdsr_session_process(state.session, &source, &target, &hints, &info);
    if (status < 0) {
      cdsr::gst::post_error(GST_ELEMENT(trans), status, cdsr_session_error(state.session));
    } else {
      flow = GST_FLOW_OK;
    }
  }
  gst_video_frame_unmap(&to);
  gst_video_frame_unmap(&from);
  return flow;
}

GstFlowReturn transform(GstBaseTransform* trans, GstBuffer* in, GstBuffer* out) {
  State& state = state_of(trans);
  if (GST_VIDEO_INFO_FORMAT(&state.in) == GST_VIDEO_FORMAT_UNKNOWN) return GST_FLOW_NOT_NEGOTIATED;
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

void add_template(GstElementClass* klass, const char* name, GstPadDirection direction, int max_side) {
  GstCaps* caps = cdsr::gst::template_caps(max_side, false);
  gst_element_class_add_pad_template(klass, gst_pad_template_new(name, direction, GST_PAD_ALWAYS, caps));
  gst_caps_unref(caps);
}

}  // namespace

static void gst_cdsr_class_init(GstCdsrClass* klass) {
  GObjectClass* object = G_OBJECT_CLASS(klass);
  object->set_property = set_property;
  object->get_property = get_property;
  object->finalize = finalize;
  cdsr::gst::install_properties(object);

  GstElementClass* element = GST_ELEMENT_CLASS(klass);
  add_template(element, "sink", GST_PAD_SINK, kMaxSide);
  add_template(element, "src", GST_PAD_SRC, 4 * kMaxSide);
  gst_element_class_set_static_metadata(
      element, "CDSR video super-resolution", "Filter/Converter/Video/Scaler",
      "Upscales video of unknown quality with a neural network that looks at its degradation once a shot",
      "The CDSR authors");

  GstBaseTransformClass* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->transform_caps = transform_caps;
  transform_class->fixate_caps = fixate_caps;
  transform_class->get_unit_size = get_unit_size;
  transform_class->set_caps = set_caps;
  transform_class->propose_allocation = propose_allocation;
  transform_class->decide_allocation = decide_allocation;
  transform_class->transform_meta = transform_meta;
  transform_class->sink_event = sink_event;
  transform_class->query = query;
  transform_class->transform = transform;
}

static void gst_cdsr_init(GstCdsr* self) {
  self->state = new State;
  gst_video_info_init(&self->state->in);
  gst_video_info_init(&self->state->out);
}
