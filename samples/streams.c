/* How many streams does this machine carry?
 *
 *   streams [SECONDS [WIDTHxHEIGHT [OPTIONS OF cdsr]]]      default: 10 240x135 "threads=0"
 *
 * One pipeline with 1, 2 and 4 branches, each with an element of its own: first as fast as it goes (frames a
 * second of each), then live at 25 frames a second with a deadline of 80 ms (which frames come too late for
 * the network, and which do not get through at all). Prints a table. Pictures are made by videotestsrc; a
 * decoder and an encoder, where there are any, want processor time beside this.
 *
 * Part of CDSR, MIT licence.
 */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define MOST 4
#define WARM_UP 2 /* seconds, not counted: the network is loaded, the first shot is looked at */

typedef struct streams {
  int count;
  GstElement* pipeline;
  GstElement* element[MOST];
  gint arrived[MOST]; /* frames before the queue, atomic */
} streams;

/* What has happened up to a moment. */
typedef struct moment {
  gint64 time; /* microseconds */
  double processor;
  gint64 arrived[MOST], network[MOST], interpolated[MOST], late[MOST];
} moment;

static GstPadProbeReturn on_arrival(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  (void)pad;
  (void)info;
  g_atomic_int_inc((gint*)data);
  return GST_PAD_PROBE_OK;
}

static double processor_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static moment now(streams* s) {
  moment m = {.time = g_get_monotonic_time(), .processor = processor_seconds()};
  for (int i = 0; i < s->count; ++i) {
    GstStructure* stats = NULL;
    m.arrived[i] = g_atomic_int_get(&s->arrived[i]);
    g_object_get(s->element[i], "stats", &stats, NULL);
    gst_structure_get(stats, "frames", G_TYPE_INT64, &m.network[i], "bicubic-frames", G_TYPE_INT64,
                      &m.interpolated[i], "late-frames", G_TYPE_INT64, &m.late[i], NULL);
    gst_structure_free(stats);
  }
  return m;
}

/* Frames a second: from the least to the most of the streams. */
static void print_rates(int count, const gint64* before, const gint64* after, double seconds) {
  double low = 1e9, high = 0;
  for (int i = 0; i < count; ++i) {
    const double rate = (double)(after[i] - before[i]) / seconds;
    low = MIN(low, rate);
    high = MAX(high, rate);
  }
  if (high - low < 0.5)
    printf(" %.1f |", high);
  else
    printf(" %.1f to %.1f |", low, high);
}

static gint64 sum(int count, const gint64* before, const gint64* after) {
  gint64 total = 0;
  for (int i = 0; i < count; ++i) total += after[i] - before[i];
  return total;
}

static void print_row(const streams* s, int live, const moment* a, const moment* b) {
  const double seconds = (double)(b->time - a->time) * 1e-6;
  const gint64 network = sum(s->count, a->network, b->network);
  const gint64 interpolated = sum(s->count, a->interpolated, b->interpolated);
  printf("| %d | %s |", s->count, live ? "live, 25/s" : "free");
  print_rates(s->count, a->network, b->network, seconds);
  printf(" %.1f | %.2f |", (double)network / seconds, (b->processor - a->processor) / seconds);
  if (live) {
    /* Of a frame or two that are under way at the two moments nothing is known yet. */
    const gint64 lost = sum(s->count, a->arrived, b->arrived) - network - interpolated;
    printf(" %" G_GINT64_FORMAT " | %" G_GINT64_FORMAT " |\n", sum(s->count, a->late, b->late),
           ABS(lost) <= 2 * (gint64)s->count ? 0 : lost);
  } else {
    printf(" | |\n");
  }
  fflush(stdout);
}

static int failed(GstElement* pipeline) {
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  if (!message) return 0;
  GError* error = NULL;
  gst_message_parse_error(message, &error, NULL);
  fprintf(stderr, "streams: %s\n", error->message);
  g_error_free(error);
  gst_message_unref(message);
  return 1;
}

static int measure(int count, int live, int seconds, const char* size, const char* options) {
  streams s = {.count = count};
  int width = 0, height = 0;
  if (sscanf(size, "%dx%d", &width, &height) != 2) {
    fprintf(stderr, "streams: %s is no size\n", size);
    return 0;
  }
  GString* text = g_string_new(NULL);
  for (int i = 0; i < count; ++i) {
    g_string_append_printf(text,
                           "videotestsrc pattern=ball is-live=%d ! "
                           "video/x-raw,format=I420,width=%d,height=%d,framerate=25/1 ! "
                           "queue name=in%d max-size-buffers=8 leaky=%s ! cdsr name=sr%d %s %s ! "
                           "fakesink sync=%d ",
                           live, width, height, i, live ? "downstream" : "no", i, live ? "deadline=80" : "",
                           options, live);
  }
  GError* error = NULL;
  s.pipeline = gst_parse_launch(text->str, &error);
  g_string_free(text, TRUE);
  if (!s.pipeline || error) {
    fprintf(stderr, "streams: %s\n", error ? error->message : "no pipeline");
    return 0;
  }
  for (int i = 0; i < count; ++i) {
    char name[16];
    snprintf(name, sizeof name, "sr%d", i);
    s.element[i] = gst_bin_get_by_name(GST_BIN(s.pipeline), name);
    snprintf(name, sizeof name, "in%d", i);
    GstElement* queue = gst_bin_get_by_name(GST_BIN(s.pipeline), name);
    GstPad* pad = gst_element_get_static_pad(queue, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_arrival, &s.arrived[i], NULL);
    gst_object_unref(pad);
    gst_object_unref(queue);
  }
  gst_element_set_state(s.pipeline, GST_STATE_PLAYING);
  g_usleep((gulong)WARM_UP * (gulong)G_USEC_PER_SEC);
  const moment before = now(&s);
  g_usleep((gulong)seconds * (gulong)G_USEC_PER_SEC);
  const moment after = now(&s);
  const int good = !failed(s.pipeline);
  if (good) print_row(&s, live, &before, &after);
  gst_element_set_state(s.pipeline, GST_STATE_NULL);
  for (int i = 0; i < count; ++i) gst_object_unref(s.element[i]);
  gst_object_unref(s.pipeline);
  return good;
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const int seconds = argc > 1 ? atoi(argv[1]) : 10;
  const char* size = argc > 2 ? argv[2] : "240x135";
  const char* options = argc > 3 ? argv[3] : "threads=0";
  if (seconds < 1 || argc > 4) {
    fprintf(stderr, "usage: streams [SECONDS [WIDTHxHEIGHT [OPTIONS]]]\n");
    return 2;
  }
  printf("%s, %s, %u processors, %d s a row\n\n", size, options, g_get_num_processors(), seconds);
  printf("| streams | pace | frames a second each, upscaled | in all | processors used | late | dropped |\n");
  printf("|---|---|---|---|---|---|---|\n");
  for (int live = 0; live < 2; ++live) {
    for (int count = 1; count <= MOST; count *= 2) {
      if (!measure(count, live, seconds, size, options)) return 1;
    }
  }
  return 0;
}
