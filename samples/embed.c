/* Upscales raw frames with the C API of libcdsr, and shows how a program embeds it.
 *
 *   embed WIDTHxHEIGHT [key=value ...] < in.raw > out.raw
 *
 * Keys: format (FFmpeg's name, default yuv420p), matrix and range (numbers of ITU-T H.273 and AVColorRange),
 * mode (sr, bicubic), and every option of the library; without arguments they are listed. What happened to
 * each frame is printed to stderr.
 *
 *   cc embed.c $(pkg-config --cflags --libs libcdsr) -o embed
 *   ffmpeg -i clip.mp4 -f rawvideo -pix_fmt yuv420p - | ./embed 480x270 scale=2 |
 *     ffplay -f rawvideo -pix_fmt yuv420p -video_size 960x540 -
 *
 * Part of CDSR, MIT licence.
 */
#include <cdsr/cdsr.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One picture in one block of memory, planes one after the other without padding: FFmpeg's rawvideo. */
typedef struct picture {
  cdsr_frame frame;
  unsigned char* bytes;
  size_t size;
} picture;

static void fail(const char* what, const char* why) {
  fprintf(stderr, "embed: %s: %s\n", what, why);
  exit(1);
}

static void picture_init(picture* p, int32_t format, int32_t width, int32_t height) {
  size_t row[4];
  int32_t rows[4];

  cdsr_frame_default(&p->frame, CDSR_API_VERSION);
  p->frame.format = format;
  p->frame.width = width;
  p->frame.height = height;
  p->size = 0;
  for (int i = 0; i < 4; ++i) {
    if (cdsr_plane_size(format, i, width, height, &row[i], &rows[i]) < 0) fail("frame", cdsr_last_error());
    p->size += row[i] * (size_t)rows[i];
  }
  p->bytes = malloc(p->size);
  if (!p->bytes) fail("frame", "out of memory");
  unsigned char* at = p->bytes;
  for (int i = 0; i < 4; ++i) {
    if (rows[i] == 0) continue;
    p->frame.plane[i] = at;
    p->frame.stride[i] = (ptrdiff_t)row[i];
    at += row[i] * (size_t)rows[i];
  }
}

static void print_log(void* opaque, int32_t level, const char* message) {
  (void)opaque;
  if (level <= CDSR_LOG_INFO) fprintf(stderr, "embed: %s\n", message);
}

typedef struct settings {
  cdsr_options options;
  int32_t width, height, format, matrix, range;
  int bicubic;
} settings;

static void print_usage(void) {
  fprintf(stderr, "usage: embed WIDTHxHEIGHT [key=value ...] < in.raw > out.raw\n");
  fprintf(stderr, "  format=NAME matrix=NUMBER range=NUMBER mode=sr|bicubic, and:\n");
  for (const cdsr_option* const* o = cdsr_option_list(); *o; ++o) {
    fprintf(stderr, "  %-15s %s\n", (*o)->name, (*o)->help);
    for (const cdsr_word* w = (*o)->words; w && w->word; ++w)
      fprintf(stderr, "    %-13s %s\n", w->word, w->help);
  }
}

static int mode_is_bicubic(const char* mode) {
  if (strcmp(mode, "sr") != 0 && strcmp(mode, "bicubic") != 0) fail("mode", "must be sr or bicubic");
  return strcmp(mode, "bicubic") == 0;
}

static void parse(settings* s, int argc, char** argv) {
  if (cdsr_options_default(&s->options, CDSR_API_VERSION) < 0) fail("libcdsr", cdsr_last_error());
  s->options.log = print_log;
  s->format = CDSR_FORMAT_YUV420P;
  s->matrix = CDSR_MATRIX_UNSPECIFIED;
  s->range = CDSR_RANGE_UNSPECIFIED;
  s->bicubic = 0;
  if (argc < 2 || sscanf(argv[1], "%" SCNd32 "x%" SCNd32, &s->width, &s->height) != 2) {
    print_usage();
    exit(2);
  }
  for (int i = 2; i < argc; ++i) {
    char* value = strchr(argv[i], '=');
    if (!value) fail(argv[i], "expected key=value");
    *value++ = '\0';
    const char* key = argv[i];
    if (strcmp(key, "format") == 0)
      s->format = cdsr_format_from_name(value);
    else if (strcmp(key, "matrix") == 0)
      s->matrix = atoi(value);
    else if (strcmp(key, "range") == 0)
      s->range = atoi(value);
    else if (strcmp(key, "mode") == 0)
      s->bicubic = mode_is_bicubic(value);
    else if (cdsr_options_set(&s->options, key, value) < 0)
      fail("options", cdsr_last_error());
  }
  if (s->format == CDSR_FORMAT_NONE) fail("format", "no such format");
}

int main(int argc, char** argv) {
  settings s;
  parse(&s, argc, argv);

  /* The model is opened once and could serve any number of sessions; NULL in place of it would do here. */
  cdsr_model* model = NULL;
  if (cdsr_model_open(&model, s.options.model, s.options.scale) < 0) fail("model", cdsr_last_error());
  cdsr_session* session = NULL;
  if (cdsr_session_create(&session, model, &s.options) < 0) fail("session", cdsr_last_error());
  cdsr_model_unref(&model); /* the session has its own reference */

  picture in, out;
  picture_init(&in, s.format, s.width, s.height);
  in.frame.matrix = s.matrix;
  in.frame.range = s.range;
  picture_init(&out, s.format, s.width * s.options.scale, s.height * s.options.scale);

  long frames = 0;
  while (fread(in.bytes, 1, in.size, stdin) == in.size) {
    cdsr_frame_info info = {.version = CDSR_API_VERSION};
    const int status = s.bicubic ? cdsr_session_bicubic(session, &in.frame, &out.frame, NULL, &info)
                                 : cdsr_session_process(session, &in.frame, &out.frame, NULL, &info);
    if (status < 0) fail(cdsr_strerror(status), cdsr_session_error(session));
    fprintf(stderr, "embed: frame %ld shot %" PRId64 " hit %d score %.4f, %.2f ms (embedding %.2f)\n", frames,
            info.shot, info.hit, info.score, info.total_ms, info.embed_ms);
    if (fwrite(out.bytes, 1, out.size, stdout) != out.size) fail("output", "cannot be written");
    ++frames;
  }

  free(in.bytes);
  free(out.bytes);
  if (cdsr_session_finish(session) < 0) fail("the end of the stream", cdsr_session_error(session));
  cdsr_session_destroy(&session);
  return frames > 0 ? 0 : 1;
}
