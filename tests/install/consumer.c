/* A program of somebody else, against the installed library: it upscales one grey frame with a released
 * model. */
#include <cdsr/cdsr.h>
#include <stdio.h>

static const int rows_of_options[] = {
#define CDSR_OPTION(kind, name, since, value, lowest, highest, change, help) since,
#include <cdsr/options.inc>
};

int main(void) {
  static unsigned char small[16 * 16], large[32 * 32];
  unsigned count = 0;
  cdsr_session* session = NULL;
  cdsr_frame in, out;

  while (cdsr_option_list()[count]) ++count;
  if (count != sizeof rows_of_options / sizeof rows_of_options[0]) {
    fprintf(stderr, "options.inc has %u options, the library %u\n",
            (unsigned)(sizeof rows_of_options / sizeof rows_of_options[0]), count);
    return 1;
  }
  if (cdsr_session_create(&session, NULL, NULL) < 0) {
    fprintf(stderr, "%s\n", cdsr_last_error());
    return 1;
  }
  cdsr_frame_default(&in, CDSR_API_VERSION);
  cdsr_frame_default(&out, CDSR_API_VERSION);
  in.format = out.format = CDSR_FORMAT_GRAY8;
  in.width = in.height = 16;
  out.width = out.height = 32;
  in.plane[0] = small;
  in.stride[0] = 16;
  out.plane[0] = large;
  out.stride[0] = 32;
  if (cdsr_session_process(session, &in, &out, NULL, NULL) < 0) {
    fprintf(stderr, "%s\n", cdsr_session_error(session));
    return 1;
  }
  cdsr_session_destroy(&session);
  printf("libcdsr %s, API version %d\n", cdsr_version(), cdsr_api_version());
  return 0;
}
