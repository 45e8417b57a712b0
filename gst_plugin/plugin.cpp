// The plugin: one element.
#include "gst_plugin/element.h"

// GStreamer's macro below names the package by these.
#define PACKAGE "cdsr"

static gboolean plugin_init(GstPlugin* plugin) { return GST_ELEMENT_REGISTER(cdsr, plugin); }

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cdsr, "Degradation-aware video super-resolution",
                  plugin_init, CDSR_VERSION_STRING, "MIT/X11", "CDSR", "https://gstreamer.freedesktop.org")
