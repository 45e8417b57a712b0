// The element's properties: the options of cdsr.h under FFmpeg's names, and what only a stream has.
#pragma once

#include <cdsr/cdsr.h>
#include <glib-object.h>

#include <string>

namespace cdsr::gst {

/// What the properties hold.
struct Settings {
  Settings();

  cdsr_options options;  ///< its strings point to the three below
  std::string model, backend, shot_file;
  bool key_unit_on_shot = false;

  /// The options with their strings; valid as long as the settings are.
  const cdsr_options& filled();
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
