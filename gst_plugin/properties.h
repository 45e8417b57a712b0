// The element's properties: the options of cdsr_option_list(), with dashes, and what only a stream has.
#pragma once

#include <cdsr/cdsr.h>
#include <glib-object.h>

#include <map>
#include <memory>
#include <string>

namespace cdsr::gst {

/// What the properties hold. Copies share the texts.
struct Settings {
  Settings();

  cdsr_options options;  ///< its texts are libcdsr's defaults, or in `texts`
  std::map<size_t, std::shared_ptr<const std::string>> texts;  ///< by their member's offset
  bool key_unit_on_shot = false;
};

/// Installs all properties, `stats` included. Defaults and ranges are libcdsr's.
void install_properties(GObjectClass* klass);

/// What a change asks for.
enum class Change {
  None,     ///< the next start reads it
  Setter,   ///< the next frame shall have it
  Latency,  ///< as Setter, and the pipeline's latency is another
  Unknown   ///< no property of these
};

/// Both to be called with the object lock held. `stats` is the element's own.
Change set_property(Settings& settings, guint id, const GValue* value);
bool get_property(const Settings& settings, guint id, GValue* value);

/// Id of the read-only statistics.
guint stats_property();

}  // namespace cdsr::gst
