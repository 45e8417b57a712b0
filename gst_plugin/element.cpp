#include "gst_plugin/element.h"

#include <string_view>

#include "gst_plugin/allocation.h"
#include "gst_plugin/caps.h"
#include "gst_plugin/messages.h"
#include "gst_plugin/metas.h"
#include "gst_plugin/state.h"

GST_DEBUG_CATEGORY(gst_cdsr_debug);

namespace {

using cdsr::gst::Change;
using cdsr::gst::create_session;
using cdsr::gst::ObjectLock;
using cdsr::gst::Settings;
using cdsr::gst::State;
using cdsr::gst::state_of;

/// Longest side of an input frame (cdsr.h), and what it becomes.
constexpr int kMaxSide = 65536;

}  // namespace

struct _GstCdsr {
  GstBaseTransform parent;
  State* state;
};

G_DEFINE_TYPE_WITH_CODE(GstCdsr, gst_cdsr, GST_TYPE_BASE_TRANSFORM,
                        GST_DEBUG_CATEGORY_INIT(gst_cdsr_debug, "cdsr", 0, "video super-resolution"))
GST_ELEMENT_REGISTER_DEFINE(cdsr, "cdsr", GST_RANK_NONE, GST_TYPE_CDSR)

cdsr::gst::State& cdsr::gst::state_of(gpointer object) { return *GST_CDSR(object)->state; }

namespace {

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

/// May this element's frames lie in a GPU? Another backend is not given any.
bool may_use_cuda(const Settings& settings) {
  const std::string_view backend = settings.options.backend;
  return cdsr::gst::has_cuda() && (backend == "auto" || backend == "cuda");
}

gboolean start(GstBaseTransform* trans) {
  State& state = state_of(trans);
  {
    const ObjectLock lock(trans);
    state.started = state.settings;
    state.stats = {};
  }
  state.live = state.started.options.deadline > 0;
  state.discontinuity = state.cut = state.late = false;
  state.gpu_frames = false;
  state.key_units = 0;
  state.warned_of_interlacing = state.warned_of_hdr = false;
  // On a GPU the session waits for the caps: made now it might leave a context of its own there.
  if (!may_use_cuda(state.started) && !create_session(trans, nullptr)) return FALSE;
  const ObjectLock lock(trans);
  state.running = true;
  return TRUE;
}

gboolean stop(GstBaseTransform* trans) {
  State& state = state_of(trans);
  {
    const ObjectLock lock(trans);
    state.running = false;
  }
  cdsr::gst::drop_session(trans);
  state.cuda.release();
  return TRUE;
}

void finalize(GObject* object) {
  delete GST_CDSR(object)->state;
  G_OBJECT_CLASS(gst_cdsr_parent_class)->finalize(object);
}

// ------------------------------------------------------------------ caps

/// What caps depend on.
struct CapsRules {
  int scale;
  bool cuda;
};

CapsRules rules_of(GstBaseTransform* trans) {
  const State& state = state_of(trans);
  const ObjectLock lock(trans);
  const Settings& settings = state.running ? state.started : state.settings;
  return {settings.options.scale, may_use_cuda(settings)};
}

gboolean is_no_cuda(GstCapsFeatures* features, GstStructure*, gpointer) {
  return gst_caps_features_contains(features, cdsr::gst::kCudaMemory) ? FALSE : TRUE;
}

GstCaps* transform_caps(GstBaseTransform* trans, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  const CapsRules rules = rules_of(trans);
  GstCaps* result = cdsr::gst::scale_caps(direction, caps, rules.scale);
  if (!rules.cuda) gst_caps_filter_and_map_in_place(result, is_no_cuda, nullptr);
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
  if (!cdsr::gst::video_info(incaps, state.in) || !cdsr::gst::video_info(outcaps, state.out)) return FALSE;
  GST_INFO_OBJECT(trans, "%" GST_PTR_FORMAT " -> %" GST_PTR_FORMAT, incaps, outcaps);
  warn_of(trans);
  state.gpu_frames = cdsr::gst::in_cuda(incaps);
  if (state.gpu_frames && !state.cuda.ensure(state.started.options.device)) {
    GST_ELEMENT_ERROR(trans, RESOURCE, NOT_FOUND, ("No CUDA context for frames in a GPU"), (nullptr));
    return FALSE;
  }
  void* context = state.gpu_frames ? state.cuda.context() : nullptr;
  if ((state.session == nullptr || context != state.session_context) && !create_session(trans, context))
    return FALSE;
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
  State& state = state_of(trans);
  if (GST_QUERY_TYPE(query) == GST_QUERY_CONTEXT && state.cuda.answer(query)) return TRUE;
  const auto* parent = GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class);
  if (!parent->query(trans, direction, query)) return FALSE;
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY || direction != GST_PAD_SRC) return TRUE;
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

void set_context(GstElement* element, GstContext* context) {
  State& state = state_of(element);
  int device;
  {
    const ObjectLock lock(element);
    device = state.settings.options.device;
  }
  state.cuda.set_context(context, device);
  GST_ELEMENT_CLASS(gst_cdsr_parent_class)->set_context(element, context);
}

gboolean propose_allocation(GstBaseTransform* trans, GstQuery* decide_query, GstQuery* query) {
  const auto* parent = GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class);
  return parent->propose_allocation(trans, decide_query, query) &&
         cdsr::gst::propose_pool(query, state_of(trans).cuda);
}

gboolean decide_allocation(GstBaseTransform* trans, GstQuery* query) {
  const auto* parent = GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class);
  return cdsr::gst::decide_pool(query, state_of(trans).cuda) && parent->decide_allocation(trans, query);
}

gboolean transform_meta(GstBaseTransform* trans, GstBuffer* out, GstMeta* meta, GstBuffer* in) {
  State& state = state_of(trans);
  return cdsr::gst::carry_meta(meta, in, state.in, out, state.out) ? TRUE : FALSE;
}

// ---------------------------------------------------------------- events

/// Closes a pass over a film: its file is written, or was it for a longer one?
void finish(GstBaseTransform* trans) {
  cdsr_session* session = state_of(trans).session;
  if (session == nullptr) return;
  const int status = cdsr_session_finish(session);
  if (status < 0) cdsr::gst::post_error(GST_ELEMENT(trans), status, cdsr_session_error(session));
}

gboolean sink_event(GstBaseTransform* trans, GstEvent* event) {
  State& state = state_of(trans);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_FLUSH_STOP:
      state.discontinuity = true;
      break;
    case GST_EVENT_EOS:
      finish(trans);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_video_event_is_force_key_unit(event)) state.cut = true;
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_cdsr_parent_class)->sink_event(trans, event);
}

void add_template(GstElementClass* klass, const char* name, GstPadDirection direction, int max_side) {
  GstCaps* caps = cdsr::gst::template_caps(max_side, cdsr::gst::has_cuda());
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
  element->set_context = set_context;
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
  transform_class->before_transform = cdsr::gst::before_transform;
  transform_class->transform = cdsr::gst::transform;
}

static void gst_cdsr_init(GstCdsr* self) {
  self->state = new State(GST_ELEMENT(self));
  gst_video_info_init(&self->state->in);
  gst_video_info_init(&self->state->out);
}
