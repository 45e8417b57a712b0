#include <string_view>

#include "gst_plugin/messages.h"
#include "gst_plugin/state.h"

namespace cdsr::gst {
namespace {

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

}  // namespace

void drop_session(GstBaseTransform* trans) {
  State& state = state_of(trans);
  {
    // The strings of the statistics are the session's.
    const ObjectLock lock(trans);
    state.stats.backend = state.stats.detail = nullptr;
  }
  cdsr_session_destroy(&state.session);
}

bool create_session(GstBaseTransform* trans, void* cuda_context) {
  State& state = state_of(trans);
  drop_session(trans);
  cdsr_options options = state.started.options;
  // Frames in a GPU leave no choice.
  if (cuda_context != nullptr && std::string_view(options.backend) == "auto") options.backend = "cuda";
  options.cuda_context = cuda_context;
  options.live = state.live ? 1 : 0;
  options.log = log_line;
  options.log_opaque = trans;
  int status = cdsr_session_create(&state.session, nullptr, &options);
  if (status >= 0 && cuda_context != nullptr)
    status = cdsr_session_set_cuda_stream(state.session, state.cuda.stream());
  if (status < 0) {
    post_error(GST_ELEMENT(trans), status, cdsr_session_error(state.session));
    cdsr_session_destroy(&state.session);
    return false;
  }
  state.session_context = cuda_context;
  {
    // What was set since the start.
    const ObjectLock lock(trans);
    state.setters_due = true;
  }
  return true;
}

}  // namespace cdsr::gst
