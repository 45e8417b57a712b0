#include "gst_plugin/properties.h"

#include <gst/gst.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

namespace cdsr::gst {
namespace {

// The ids of the element's own properties; after them those of cdsr_option_list() in its order.
enum Id : guint { kNone, kKeyUnitOnShot, kStats, kFirstOption };

constexpr auto kReadWrite = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

/// "shot_file" with the underscores replaced.
std::string with(char separator, std::string name) {
  std::replace(name.begin(), name.end(), '_', separator);
  return name;
}

std::string capitalized(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

bool is_deadline(const cdsr_option& option) { return std::strcmp(option.name, "deadline") == 0; }

/// "stats" has always been the element's statistics.
std::string property_name(const cdsr_option& option) {
  return std::strcmp(option.name, "stats") == 0 ? "stats-file" : with('-', option.name);
}

/// The element decides by the deadline whether a stream is live.
bool is_offered(const cdsr_option& option) { return std::strcmp(option.name, "live") != 0; }

/// The option of a property, or nullptr for one of the element's own.
const cdsr_option* option_of(guint id) {
  return id < kFirstOption ? nullptr : cdsr_option_list()[id - kFirstOption];
}

/// Read when the element starts, or whenever; a controller may move what is a matter of the picture's time.
GParamFlags flags_of(const cdsr_option& option) {
  if ((option.flags & CDSR_OPTION_RUNTIME) == 0)
    return static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_READY);
  const int controllable = (option.flags & CDSR_OPTION_LIVE) == 0 ? GST_PARAM_CONTROLLABLE : 0;
  return static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_PLAYING | controllable);
}

/// "GstCdsrPrecision". Types live as long as the process.
GType enum_type(const cdsr_option& option) {
  const std::string name = "GstCdsr" + capitalized(option.name);
  if (const GType known = g_type_from_name(name.c_str()); known != 0) return known;
  size_t count = 0;
  while (option.words[count].word != nullptr) ++count;
  auto* values = g_new0(GEnumValue, count + 1);
  for (size_t i = 0; i < count; ++i)
    values[i] = {option.words[i].value, option.words[i].help, option.words[i].word};
  // The type keeps the values.
  return g_enum_register_static(name.c_str(), values);  // NOLINT(clang-analyzer-unix.Malloc)
}

GParamSpec* spec_of(const cdsr_option& option) {
  const char* name = g_intern_string(property_name(option).c_str());
  const char* nick = g_intern_string(capitalized(with(' ', option.name)).c_str());
  const char* blurb = g_intern_string(capitalized(option.help).c_str());
  const GParamFlags flags = flags_of(option);
  const auto whole = [](double value) { return static_cast<int>(value); };
  // Whole milliseconds: programs set it as an int.
  if (option.kind == CDSR_OPTION_INT || is_deadline(option))
    return g_param_spec_int(name, nick, blurb, whole(option.lowest), whole(option.highest),
                            whole(option.number), flags);
  switch (option.kind) {
    case CDSR_OPTION_FLOAT:
      return g_param_spec_double(name, nick, blurb, option.lowest, option.highest, option.number, flags);
    case CDSR_OPTION_WORDS: {
      const GType type = enum_type(option);
      gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
      return g_param_spec_enum(name, nick, blurb, type, whole(option.number), flags);
    }
    case CDSR_OPTION_FLAG:
      return g_param_spec_boolean(name, nick, blurb, option.number != 0 ? TRUE : FALSE, flags);
    default:
      return g_param_spec_string(name, nick, blurb, option.text, flags);
  }
}

template <typename T>
T& member(cdsr_options& options, const cdsr_option& option) {
  return *reinterpret_cast<T*>(reinterpret_cast<char*>(&options) + option.offset);
}

template <typename T>
T member(const cdsr_options& options, const cdsr_option& option) {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(&options) + option.offset);
}

/// NULL is the empty text; an empty one is none where there need not be any.
void set_text(Settings& s, const cdsr_option& option, const char* given) {
  auto text = std::make_shared<const std::string>(given == nullptr ? "" : given);
  member<const char*>(s.options, option) = text->empty() && option.text == nullptr ? nullptr : text->c_str();
  s.texts[option.offset] = std::move(text);
}

cdsr_options default_options() {
  cdsr_options options;
  cdsr_options_default(&options, CDSR_API_VERSION);
  return options;
}

}  // namespace

Settings::Settings() : options(default_options()) {}

void install_properties(GObjectClass* klass) {
  for (guint id = kFirstOption; option_of(id) != nullptr; ++id)
    if (is_offered(*option_of(id))) g_object_class_install_property(klass, id, spec_of(*option_of(id)));
  g_object_class_install_property(
      klass, kKeyUnitOnShot,
      g_param_spec_boolean(
          "key-unit-on-shot", "Key unit on shot",
          "Ask the encoder behind for a key frame where a shot begins (GstForceKeyUnit event)", FALSE,
          static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_PLAYING)));
  g_object_class_install_property(
      klass, kStats,
      g_param_spec_boxed("stats", "Statistics",
                         "Frames, shots, hits and milliseconds a stage since the element started (structure "
                         "\"cdsr-stats\")",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

Change set_property(Settings& s, guint id, const GValue* value) {
  if (id == kKeyUnitOnShot) {
    s.key_unit_on_shot = g_value_get_boolean(value) != FALSE;
    return Change::None;
  }
  const cdsr_option* option = option_of(id);
  if (option == nullptr) return Change::Unknown;
  if (G_VALUE_HOLDS_INT(value) && option->kind == CDSR_OPTION_FLOAT)
    member<double>(s.options, *option) = g_value_get_int(value);
  else if (G_VALUE_HOLDS_INT(value))
    member<int32_t>(s.options, *option) = g_value_get_int(value);
  else if (G_VALUE_HOLDS_ENUM(value))
    member<int32_t>(s.options, *option) = g_value_get_enum(value);
  else if (G_VALUE_HOLDS_BOOLEAN(value))
    member<int32_t>(s.options, *option) = g_value_get_boolean(value);
  else if (G_VALUE_HOLDS_DOUBLE(value))
    member<double>(s.options, *option) = g_value_get_double(value);
  else
    set_text(s, *option, g_value_get_string(value));
  if (is_deadline(*option)) return Change::Latency;
  return (option->flags & CDSR_OPTION_RUNTIME) != 0 ? Change::Setter : Change::None;
}

bool get_property(const Settings& s, guint id, GValue* value) {
  if (id == kKeyUnitOnShot) {
    g_value_set_boolean(value, s.key_unit_on_shot ? TRUE : FALSE);
    return true;
  }
  const cdsr_option* option = option_of(id);
  if (option == nullptr) return false;
  if (G_VALUE_HOLDS_INT(value) && option->kind == CDSR_OPTION_FLOAT)
    g_value_set_int(value, static_cast<int>(member<double>(s.options, *option)));
  else if (G_VALUE_HOLDS_INT(value))
    g_value_set_int(value, member<int32_t>(s.options, *option));
  else if (G_VALUE_HOLDS_ENUM(value))
    g_value_set_enum(value, member<int32_t>(s.options, *option));
  else if (G_VALUE_HOLDS_BOOLEAN(value))
    g_value_set_boolean(value, member<int32_t>(s.options, *option));
  else if (G_VALUE_HOLDS_DOUBLE(value))
    g_value_set_double(value, member<double>(s.options, *option));
  else
    g_value_set_string(value, member<const char*>(s.options, *option));
  return true;
}

guint stats_property() { return kStats; }

}  // namespace cdsr::gst
