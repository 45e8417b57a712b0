#include "gst_plugin/properties.h"

#include <gst/gst.h>

namespace cdsr::gst {
namespace {

enum Id : guint {
  kNone,
  kScale,
  kModel,
  kBackend,
  kPrecision,
  kThreads,
  kDevice,
  kMemory,
  kShots,
  kShotFile,
  kShotThreshold,
  kRefresh,
  kEmbedFrames,
  kShotCache,
  kQuery,
  kStrength,
  kChroma,
  kDeadline,
  kFade,
  kKeyUnitOnShot,
  kStats
};

constexpr GEnumValue kPrecisions[] = {
    {CDSR_PRECISION_AUTO, "The backend's best", "auto"},
    {CDSR_PRECISION_FP32, "32-bit floating point", "fp32"},
    {CDSR_PRECISION_BF16, "bfloat16 with 32-bit sums", "bf16"},
    {CDSR_PRECISION_FP16, "Half precision with 32-bit sums, GPUs alone", "fp16"},
    {CDSR_PRECISION_FP8, "fp16, but e4m3 in dense blocks; GPUs from Ada on, cdsr-2 to cdsr-10", "fp8"},
    {0, nullptr, nullptr}};

constexpr GEnumValue kShotModes[] = {
    {CDSR_SHOTS_AUTO, "By comparing frames", "auto"},
    {CDSR_SHOTS_METADATA, "Where upstream sends a force-key-unit event (scenechange)", "metadata"},
    {CDSR_SHOTS_FILE, "At the frames listed in shot-file", "file"},
    {CDSR_SHOTS_OFF, "All frames are one shot", "off"},
    {0, nullptr, nullptr}};

constexpr GEnumValue kQueries[] = {{CDSR_QUERY_MODEL, "As the model was trained", "model"},
                                   {CDSR_QUERY_SHOT, "The first of a shot: fast, no flicker", "shot"},
                                   {CDSR_QUERY_FRAME, "Every frame: slower", "frame"},
                                   {0, nullptr, nullptr}};

constexpr GEnumValue kChromas[] = {
    {CDSR_CHROMA_AUTO, "Bicubic where chroma is subsampled, else sr", "auto"},
    {CDSR_CHROMA_SR, "From the network", "sr"},
    {CDSR_CHROMA_BICUBIC, "From the input, interpolated; luma from the network", "bicubic"},
    {0, nullptr, nullptr}};

// Read when the element starts, or whenever.
constexpr auto kFixed =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kLive =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
constexpr auto kControllable = static_cast<GParamFlags>(kLive | GST_PARAM_CONTROLLABLE);

cdsr_options default_options() {
  cdsr_options options;
  cdsr_options_default(&options, CDSR_API_VERSION);
  return options;
}

void add_text(GObjectClass* klass, Id id, const char* name, const char* nick, const char* blurb,
              const char* value) {
  g_object_class_install_property(klass, id, g_param_spec_string(name, nick, blurb, value, kFixed));
}

void add_int(GObjectClass* klass, Id id, const char* name, const char* nick, const char* blurb, int low,
             int high, int value, GParamFlags flags = kFixed) {
  g_object_class_install_property(klass, id, g_param_spec_int(name, nick, blurb, low, high, value, flags));
}

void add_unit(GObjectClass* klass, Id id, const char* name, const char* nick, const char* blurb,
              double value) {
  g_object_class_install_property(klass, id,
                                  g_param_spec_double(name, nick, blurb, 0, 1, value, kControllable));
}

void add_enum(GObjectClass* klass, Id id, const char* type, const GEnumValue* values, const char* name,
              const char* nick, const char* blurb, int value) {
  GType registered = g_type_from_name(type);
  if (registered == 0) registered = g_enum_register_static(type, values);
  gst_type_mark_as_plugin_api(registered, static_cast<GstPluginAPIFlags>(0));
  g_object_class_install_property(klass, id, g_param_spec_enum(name, nick, blurb, registered, value, kFixed));
}

void assign(std::string& text, const GValue* value) {
  const char* given = g_value_get_string(value);
  text = given == nullptr ? "" : given;
}

}  // namespace

Settings::Settings() : options(default_options()), model(options.model), backend(options.backend) {}

const cdsr_options& Settings::filled() {
  options.model = model.c_str();
  options.backend = backend.c_str();
  options.shot_file = shot_file.empty() ? nullptr : shot_file.c_str();
  return options;
}

void install_properties(GObjectClass* klass) {
  const cdsr_options d = default_options();
  add_int(klass, kScale, "scale", "Scale", "Factor of width and height", 2, 4, d.scale);
  add_text(klass, kModel, "model", "Model", "Name of a released model, or a .safetensors file", d.model);
  add_text(klass, kBackend, "backend", "Backend", "What runs the network: auto, cpu, cuda, reference",
           d.backend);
  add_enum(klass, kPrecision, "GstCdsrPrecision", kPrecisions, "precision", "Precision",
           "Numbers the network is computed in", d.precision);
  add_int(klass, kThreads, "threads", "Threads", "Processor threads, 0: one for each processor", 0, 256,
          d.threads);
  add_int(klass, kDevice, "device", "Device", "Index of the GPU, for frames in system memory", 0, 1023,
          d.device);
  add_int(klass, kMemory, "memory", "Memory", "Limit of the network's working memory in MiB, 0: none", 0,
          1 << 20, d.memory);
  add_enum(klass, kShots, "GstCdsrShots", kShotModes, "shots", "Shots",
           "How shots are found; the degradation is estimated once a shot", d.shots);
  add_text(klass, kShotFile, "shot-file", "Shot file",
           "For shots=file: the first frame of each shot, one number a line", nullptr);
  add_unit(klass, kShotThreshold, "shot-threshold", "Shot threshold",
           "For shots=auto: score above which a frame begins a shot", d.shot_threshold);
  add_int(klass, kRefresh, "refresh", "Refresh",
          "Estimate the degradation anew every so many frames of a shot, 0: never", 0, 1000000000, d.refresh,
          kControllable);
  add_int(klass, kEmbedFrames, "embed-frames", "Embed frames",
          "First frames of a shot that the estimate is averaged over", 1, 64, d.embed_frames);
  add_int(klass, kShotCache, "shot-cache", "Shot cache", "Recent shots remembered, for scenes that come back",
          0, 256, d.shot_cache);
  add_enum(klass, kQuery, "GstCdsrQuery", kQueries, "query", "Query",
           "Frames the network's global means are taken from", d.query);
  add_unit(klass, kStrength, "strength", "Strength", "Blend: 0 bicubic interpolation, 1 the network",
           d.strength);
  add_enum(klass, kChroma, "GstCdsrChroma", kChromas, "chroma", "Chroma", "Where colour comes from",
           d.chroma);
  add_int(klass, kDeadline, "deadline", "Deadline",
          "Live streams: milliseconds a frame may take; one that would take longer is interpolated, and if "
          "set before "
          "the start no frame waits for an embedding. 0: off",
          0, 1000000, static_cast<int>(d.deadline), kLive);
  add_int(klass, kFade, "fade", "Fade",
          "With a deadline: frames over which the picture goes from one shot's embedding to the next", 0,
          1000, d.fade);
  g_object_class_install_property(
      klass, kKeyUnitOnShot,
      g_param_spec_boolean(
          "key-unit-on-shot", "Key unit on shot",
          "Ask the encoder behind for a key frame where a shot begins (GstForceKeyUnit event)", FALSE,
          kLive));
  g_object_class_install_property(
      klass, kStats,
      g_param_spec_boxed("stats", "Statistics",
                         "Frames, shots, hits and milliseconds a stage since the element started (structure "
                         "\"cdsr-stats\")",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

Change set_property(Settings& s, guint id, const GValue* value) {
  switch (id) {
    case kScale:
      s.options.scale = g_value_get_int(value);
      return Change::None;
    case kModel:
      assign(s.model, value);
      return Change::None;
    case kBackend:
      assign(s.backend, value);
      return Change::None;
    case kPrecision:
      s.options.precision = g_value_get_enum(value);
      return Change::None;
    case kThreads:
      s.options.threads = g_value_get_int(value);
      return Change::None;
    case kDevice:
      s.options.device = g_value_get_int(value);
      return Change::None;
    case kMemory:
      s.options.memory = g_value_get_int(value);
      return Change::None;
    case kShots:
      s.options.shots = g_value_get_enum(value);
      return Change::None;
    case kShotFile:
      assign(s.shot_file, value);
      return Change::None;
    case kShotThreshold:
      s.options.shot_threshold = g_value_get_double(value);
      return Change::Setter;
    case kRefresh:
      s.options.refresh = g_value_get_int(value);
      return Change::Setter;
    case kEmbedFrames:
      s.options.embed_frames = g_value_get_int(value);
      return Change::None;
    case kShotCache:
      s.options.shot_cache = g_value_get_int(value);
      return Change::None;
    case kQuery:
      s.options.query = g_value_get_enum(value);
      return Change::None;
    case kStrength:
      s.options.strength = g_value_get_double(value);
      return Change::Setter;
    case kChroma:
      s.options.chroma = g_value_get_enum(value);
      return Change::None;
    case kDeadline:
      s.options.deadline = g_value_get_int(value);
      return Change::Latency;
    case kFade:
      s.options.fade = g_value_get_int(value);
      return Change::None;
    case kKeyUnitOnShot:
      s.key_unit_on_shot = g_value_get_boolean(value) != FALSE;
      return Change::None;
    default:
      return Change::Unknown;
  }
}

bool get_property(const Settings& s, guint id, GValue* value) {
  switch (id) {
    case kScale:
      g_value_set_int(value, s.options.scale);
      break;
    case kModel:
      g_value_set_string(value, s.model.c_str());
      break;
    case kBackend:
      g_value_set_string(value, s.backend.c_str());
      break;
    case kPrecision:
      g_value_set_enum(value, s.options.precision);
      break;
    case kThreads:
      g_value_set_int(value, s.options.threads);
      break;
    case kDevice:
      g_value_set_int(value, s.options.device);
      break;
    case kMemory:
      g_value_set_int(value, s.options.memory);
      break;
    case kShots:
      g_value_set_enum(value, s.options.shots);
      break;
    case kShotFile:
      g_value_set_string(value, s.shot_file.empty() ? nullptr : s.shot_file.c_str());
      break;
    case kShotThreshold:
      g_value_set_double(value, s.options.shot_threshold);
      break;
    case kRefresh:
      g_value_set_int(value, s.options.refresh);
      break;
    case kEmbedFrames:
      g_value_set_int(value, s.options.embed_frames);
      break;
    case kShotCache:
      g_value_set_int(value, s.options.shot_cache);
      break;
    case kQuery:
      g_value_set_enum(value, s.options.query);
      break;
    case kStrength:
      g_value_set_double(value, s.options.strength);
      break;
    case kChroma:
      g_value_set_enum(value, s.options.chroma);
      break;
    case kDeadline:
      g_value_set_int(value, static_cast<int>(s.options.deadline));
      break;
    case kFade:
      g_value_set_int(value, s.options.fade);
      break;
    case kKeyUnitOnShot:
      g_value_set_boolean(value, s.key_unit_on_shot ? TRUE : FALSE);
      break;
    default:
      return false;
  }
  return true;
}

guint stats_property() { return kStats; }

}  // namespace cdsr::gst
