// The element `cdsr`: an adapter from GstBaseTransform to libcdsr. It maps properties, caps, frames, events
// and messages; pixels are libcdsr's business.
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_CDSR (gst_cdsr_get_type())
G_DECLARE_FINAL_TYPE(GstCdsr, gst_cdsr, GST, CDSR, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(cdsr)

G_END_DECLS
