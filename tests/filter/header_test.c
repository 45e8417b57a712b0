/* The public header alone, as C99: it must compile without anything before it, and every function must be
 * exported. */
#include <cdsr/cdsr.h>

typedef void (*any_function)(void);

const any_function all_functions[] = {
    (any_function)cdsr_version,
    (any_function)cdsr_api_version,
    (any_function)cdsr_strerror,
    (any_function)cdsr_last_error,
    (any_function)cdsr_frame_default,
    (any_function)cdsr_format_supported,
    (any_function)cdsr_format_name,
    (any_function)cdsr_format_from_name,
    (any_function)cdsr_model_open,
    (any_function)cdsr_model_ref,
    (any_function)cdsr_model_unref,
    (any_function)cdsr_model_get_info,
    (any_function)cdsr_model_metadata,
    (any_function)cdsr_options_default,
    (any_function)cdsr_session_create,
    (any_function)cdsr_session_destroy,
    (any_function)cdsr_session_error,
    (any_function)cdsr_session_process,
    (any_function)cdsr_session_bicubic,
    (any_function)cdsr_session_reset,
    (any_function)cdsr_session_set_strength,
    (any_function)cdsr_session_set_shot_threshold,
    (any_function)cdsr_session_set_refresh,
    (any_function)cdsr_session_get_stats,
};

int main(void) {
  unsigned i;
  for (i = 0; i < sizeof all_functions / sizeof all_functions[0]; ++i) {
    if (all_functions[i] == 0) return 1;
  }
  return cdsr_api_version() == CDSR_API_VERSION ? 0 : 1;
}
