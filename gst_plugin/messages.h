// What the element tells: messages on the bus, statistics, errors.
#pragma once

#include <cdsr/cdsr.h>
#include <gst/base/gstbasetransform.h>

#include <vector>

namespace cdsr::gst {

/// The structure "cdsr-stats": counts, sums of milliseconds, and what runs.
GstStructure* stats_structure(const cdsr_stats& stats);

/// Posts the element message `name` ("cdsr-shot") about `buffer`'s frame: shot, hit, embedded, reused, score,
/// embed-ms, and the frame's timestamp, stream-time and running-time (as far as it has them). embedding: its
/// values, empty if not known.
void post_shot(GstBaseTransform* trans, const char* name, GstBuffer* buffer, const cdsr_frame_info& info,
               const std::vector<float>& embedding);

/// Posts "cdsr-late": `late` frames, now one more in a row of them (active) or the row has ended, at
/// `buffer`'s time.
void post_late(GstBaseTransform* trans, GstBuffer* buffer, bool active, int64_t late);

/// GST_ELEMENT_ERROR with the domain and code of a cdsr_status; text is libcdsr's message.
void post_error(GstElement* element, int status, const char* text);

/// A downstream GstForceKeyUnit for `buffer`'s time.
GstEvent* key_unit_event(GstBaseTransform* trans, GstBuffer* buffer, guint count);

}  // namespace cdsr::gst
