/* A live path in three processes, and how late its frames are. samples/live.sh runs it.
 *
 * - live send PICTURES WIDTHxHEIGHT RATE PORT SECONDS: JPEG files (printf pattern), again and again, as RTP
 *
 * - live upscale PORT PORT "OPTIONS OF cdsr": receives, upscales, encodes, sends on
 *
 * - live record PORT FOLDER SCALE: receives, writes recording.ts and HLS (index.m3u8)
 *
 * - live check FILE SCALE: decodes a recording: does it play?
 *
 * The two in the middle go on until SIGTERM ends the stream; a second one ends the process.
 *
 * The sender writes the time into the corner of each picture, before the encoder: 32 squares of 8x8 pixels,
 * black or white, that survive compression and upscaling. Whoever sees the picture later knows how old it is.
 * All processes run on one machine, so that they have one clock. What came of it is printed as key=value
 * lines.
 *
 * Part of CDSR, MIT licence.
 */
#include <glib-unix.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SQUARE 8     /* pixels, before upscaling */
#define ACROSS 16    /* squares a row */
#define TIME_BITS 24 /* milliseconds; the other 8 bits are a checksum */

typedef struct watch {
  GMainLoop* loop;
  GstElement* pipeline;
  GstVideoInfo info;
  int write;          /* marks are written, not read */
  guint64 frames;     /* that passed */
  guint64 unreadable; /* of these, with no mark or a damaged one */
  guint64 sizes;      /* times the size was announced */
  guint64 arrived;    /* frames before the queue that drops what the machine is too slow for */
  GArray* ages;       /* milliseconds, of the others */
  int first_age;      /* of these the first */
  const char* who;
  guint seconds; /* since the start */
  int memory;    /* how much there is, is told now and then */
  int ending;    /* the end was asked for */
  int failed;
} watch;

/* All processes of a machine have this clock, and nobody sets it. */
static guint32 now_ms(void) { return (guint32)((g_get_monotonic_time() / 1000) & ((1U << TIME_BITS) - 1)); }

static guint32 checksum(guint32 time) { return (time ^ (time >> 8) ^ (time >> 16) ^ 0x5a) & 0xff; }

static void write_mark(GstVideoFrame* frame) {
  const guint32 time = now_ms(), mark = time << 8 | checksum(time);
  guint8* luma = GST_VIDEO_FRAME_PLANE_DATA(frame, 0);
  const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
  for (int bit = 0; bit < 32; ++bit) {
    for (int y = 0; y < SQUARE; ++y) {
      const int row = bit / ACROSS * SQUARE + y, column = bit % ACROSS * SQUARE;
      memset(luma + (gssize)row * stride + column, mark >> bit & 1 ? 235 : 16, SQUARE);
    }
  }
}

/* Age of the picture in milliseconds, -1 if there is no readable mark. `scale`: of the picture since it was
 * marked. */
static int read_mark(const GstVideoFrame* frame, int scale) {
  const guint8* luma = GST_VIDEO_FRAME_PLANE_DATA(frame, 0);
  const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0), side = SQUARE * scale;
  guint32 mark = 0;
  for (int bit = 0; bit < 32; ++bit) {
    int sum = 0, count = 0;
    for (int y = side / 4; y < side * 3 / 4; ++y) {
      for (int x = side / 4; x < side * 3 / 4; ++x, ++count) {
        sum += luma[(bit / ACROSS * side + y) * stride + bit % ACROSS * side + x];
      }
    }
    if (sum > 126 * count) mark |= 1U << bit;
  }
  const guint32 time = mark >> 8;
  if ((mark & 0xff) != checksum(time)) return -1;
  return (int)((now_ms() - time) & ((1U << TIME_BITS) - 1));
}

static int scale_of_pipeline = 1; /* by how much the pictures that are watched were upscaled */

static GstPadProbeReturn on_frame(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  watch* w = data;
  (void)pad;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    GstCaps* caps = NULL;
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
      gst_event_parse_caps(event, &caps);
      if (gst_video_info_from_caps(&w->info, caps)) ++w->sizes;
    }
    return GST_PAD_PROBE_OK;
  }
  ++w->frames;
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstVideoFrame frame;
  if (w->write) {
    buffer = gst_buffer_make_writable(buffer);
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
  }
  if (!gst_video_frame_map(&frame, &w->info, buffer, w->write ? GST_MAP_READWRITE : GST_MAP_READ))
    return GST_PAD_PROBE_OK;
  if (w->write) {
    write_mark(&frame);
  } else {
    const int age = read_mark(&frame, scale_of_pipeline);
    if (age < 0)
      ++w->unreadable;
    else
      g_array_append_val(w->ages, age);
    if (w->ages->len == 1) w->first_age = age;
  }
  gst_video_frame_unmap(&frame);
  return GST_PAD_PROBE_OK;
}

static void watch_pad(watch* w, const char* element) {
  GstElement* found = gst_bin_get_by_name(GST_BIN(w->pipeline), element);
  GstPad* pad = gst_element_get_static_pad(found, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_frame, w, NULL);
  gst_object_unref(pad);
  gst_object_unref(found);
}

static GstPadProbeReturn on_arrival(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  (void)pad;
  (void)info;
  ++((watch*)data)->arrived;
  return GST_PAD_PROBE_OK;
}

static void watch_arrivals(watch* w) {
  GstElement* found = gst_bin_get_by_name(GST_BIN(w->pipeline), "arrivals");
  if (!found) return;
  GstPad* pad = gst_element_get_static_pad(found, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_arrival, w, NULL);
  gst_object_unref(pad);
  gst_object_unref(found);
}

static gboolean on_message(GstBus* bus, GstMessage* message, gpointer data) {
  watch* w = data;
  (void)bus;
  GError* error = NULL;
  gchar* detail = NULL;
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      gst_message_parse_error(message, &error, &detail);
      fprintf(stderr, "live: %s: %s (%s)\n", GST_OBJECT_NAME(message->src), error->message,
              detail ? detail : "");
      g_clear_error(&error);
      g_free(detail);
      w->failed = 1;
      g_main_loop_quit(w->loop);
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning(message, &error, NULL);
      fprintf(stderr, "live: %s: warning: %s\n", GST_OBJECT_NAME(message->src), error->message);
      g_clear_error(&error);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit(w->loop);
      break;
    case GST_MESSAGE_ELEMENT: {
      const GstStructure* s = gst_message_get_structure(message);
      gint64 shot = 0;
      guint64 time = 0;
      gboolean hit = FALSE, pending = FALSE;
      if (gst_structure_has_name(s, "cdsr-shot") && getenv("LIVE_VERBOSE")) {
        gst_structure_get(s, "shot", G_TYPE_INT64, &shot, "hit", G_TYPE_BOOLEAN, &hit, "pending",
                          G_TYPE_BOOLEAN, &pending, "running-time", G_TYPE_UINT64, &time, NULL);
        fprintf(stderr, "live: shot %" G_GINT64_FORMAT " at %" GST_TIME_FORMAT "%s%s\n", shot,
                GST_TIME_ARGS(time), hit ? ", known" : "", pending ? ", its embedding is being made" : "");
      }
      break;
    }
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency(GST_BIN(w->pipeline));
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

static gboolean on_end(gpointer data) {
  watch* w = data;
  if (w->ending) {
    fprintf(stderr, "live: the stream does not come to its end\n");
    w->failed = 1;
    g_main_loop_quit(w->loop);
    return G_SOURCE_REMOVE;
  }
  w->ending = 1;
  gst_element_send_event(w->pipeline, gst_event_new_eos());
  return G_SOURCE_CONTINUE;
}

/* Every ten seconds: what the system has given the process, and of that what the heap has lent out. The first
 * alone may grow for reasons of the allocator; a leak shows in both. */
static gboolean on_second(gpointer data) {
  watch* w = data;
  if (++w->seconds % 10 != 0 || !w->memory) return G_SOURCE_CONTINUE;
  long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file) {
    if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    fclose(file);
  }
  const struct mallinfo2 heap = mallinfo2();
  printf("%s.memory=%u s, %ld KiB resident, %zu KiB of heap in use\n", w->who, w->seconds,
         pages * (sysconf(_SC_PAGESIZE) / 1024), (heap.uordblks + heap.hblkhd) / 1024);
  fflush(stdout);
  return G_SOURCE_CONTINUE;
}

static gint by_value(gconstpointer a, gconstpointer b) { return *(const int*)a - *(const int*)b; }

static int percentile(GArray* sorted, double share) {
  return sorted->len ? g_array_index(sorted, int, (guint)(share * (sorted->len - 1) + 0.5)) : -1;
}

static void report_packets(watch* w) {
  GstElement* jitter = gst_bin_get_by_name(GST_BIN(w->pipeline), "jitter");
  if (!jitter) return;
  GstStructure* stats = NULL;
  guint64 lost = 0, late = 0;
  g_object_get(jitter, "stats", &stats, NULL);
  gst_structure_get(stats, "num-lost", G_TYPE_UINT64, &lost, "num-late", G_TYPE_UINT64, &late, NULL);
  printf("%s.packets_lost=%" G_GUINT64_FORMAT "\n%s.packets_late=%" G_GUINT64_FORMAT "\n", w->who, lost,
         w->who, late);
  gst_structure_free(stats);
  gst_object_unref(jitter);
}

static void report(watch* w) {
  const char* who = w->who;
  printf("%s.frames=%" G_GUINT64_FORMAT "\n", who, w->frames);
  if (w->write) return;
  g_array_sort(w->ages, by_value);
  if (w->arrived) {
    printf("%s.dropped=%" G_GINT64_FORMAT "\n", who, (gint64)w->arrived - (gint64)w->frames);
  }
  printf("%s.unreadable=%" G_GUINT64_FORMAT "\n%s.sizes=%" G_GUINT64_FORMAT "\n", who, w->unreadable, who,
         w->sizes);
  printf("%s.latency_first_ms=%d\n%s.latency_p50_ms=%d\n%s.latency_p99_ms=%d\n%s.latency_max_ms=%d\n", who,
         w->first_age, who, percentile(w->ages, 0.5), who, percentile(w->ages, 0.99), who,
         percentile(w->ages, 1));
  report_packets(w);
}

static void report_element(watch* w) {
  GstElement* cdsr = gst_bin_get_by_name(GST_BIN(w->pipeline), "sr");
  GstStructure* stats = NULL;
  g_object_get(cdsr, "stats", &stats, NULL);
  for (int i = 0; i < gst_structure_n_fields(stats); ++i) {
    const char* name = gst_structure_nth_field_name(stats, i);
    gchar* value = gst_value_serialize(gst_structure_get_value(stats, name));
    if (value) printf("cdsr.%s=%s\n", name, value);
    g_free(value);
  }
  gst_structure_free(stats);
  gst_object_unref(cdsr);
}

/* Runs a pipeline for so many seconds (0: to its end, or to SIGTERM), with the frames behind the element
 * `watched` looked at. */
static int run(watch* w, const char* description, const char* watched, int seconds) {
  GError* error = NULL;
  w->pipeline = gst_parse_launch(description, &error);
  if (!w->pipeline || error) {
    fprintf(stderr, "live: %s\n", error ? error->message : "no pipeline");
    return 1;
  }
  w->loop = g_main_loop_new(NULL, FALSE);
  w->ages = g_array_new(FALSE, FALSE, sizeof(int));
  watch_pad(w, watched);
  watch_arrivals(w);
  GstBus* bus = gst_element_get_bus(w->pipeline);
  gst_bus_add_watch(bus, on_message, w);
  if (seconds > 0) g_timeout_add_seconds((guint)seconds, on_end, w);
  g_unix_signal_add(SIGTERM, on_end, w);
  g_timeout_add_seconds(1, on_second, w);
  if (gst_element_set_state(w->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE &&
      !gst_bus_have_pending(bus)) {
    fprintf(stderr, "live: the pipeline does not start\n");
    w->failed = 1;
  } else {
    /* Sockets are bound, the network is loaded. */
    printf("%s.ready=1\n", w->who);
    fflush(stdout);
    g_main_loop_run(w->loop);
  }
  report(w);
  if (strcmp(w->who, "upscale") == 0) report_element(w);
  fflush(stdout);
  gst_element_set_state(w->pipeline, GST_STATE_NULL);
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  gst_object_unref(w->pipeline);
  g_array_free(w->ages, TRUE);
  g_main_loop_unref(w->loop);
  return w->failed;
}

/* One machine, one clock: the times of the sender's frames are kept, counted from the first one's arrival.
 * (Recovering the clock from arrivals would give frames of a busy machine equal times.) */
#define RTP_IN                                                                    \
  "udpsrc port=%d buffer-size=4194304 "                                           \
  "caps=\"application/x-rtp,media=video,clock-rate=90000,encoding-name=H264\" ! " \
  "rtpjitterbuffer name=jitter latency=20 mode=synced ! rtph264depay ! h264parse "
#define RTP_OUT                                                                                   \
  "x264enc tune=zerolatency speed-preset=ultrafast bitrate=%d key-int-max=50 threads=1 ! "        \
  "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 mtu=1400 ! udpsink " \
  "host=127.0.0.1 port=%d"

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  watch w;
  memset(&w, 0, sizeof w);
  gst_video_info_init(&w.info);
  char description[4096];
  w.who = argc > 1 ? argv[1] : "";
  w.first_age = -1;
  if (strcmp(w.who, "send") == 0 && argc == 7) {
    int width = 0, height = 0;
    if (sscanf(argv[3], "%dx%d", &width, &height) != 2 || width < SQUARE * ACROSS || height < 2 * SQUARE) {
      fprintf(stderr, "live: %s: the mark needs pictures of 128x16 and more\n", argv[3]);
      return 2;
    }
    w.write = 1;
    snprintf(
        description, sizeof description,
        "multifilesrc location=\"%s\" loop=true caps=image/jpeg,framerate=%s/1 ! jpegdec ! videoconvert ! "
        "videoscale ! video/x-raw,format=I420,width=%d,height=%d,pixel-aspect-ratio=1/1 ! queue "
        "max-size-buffers=3 ! "
        "clocksync name=mark ! " RTP_OUT,
        argv[2], argv[4], width, height, 2000, atoi(argv[5]));
    return run(&w, description, "mark", atoi(argv[6]));
  }
  if (strcmp(w.who, "upscale") == 0 && argc == 5) {
    const char* scale = strstr(argv[4], "scale=");
    w.memory = 1;
    scale_of_pipeline = scale ? atoi(scale + 6) : 2;
    /* A live path has to drop somewhere when the machine is too slow for it: here, before the element, where
     * no more than these few frames ever wait. */
    snprintf(description, sizeof description,
             RTP_IN
             "! avdec_h264 max-threads=1 ! "
             "queue name=arrivals leaky=downstream max-size-buffers=8 max-size-bytes=0 max-size-time=0 ! "
             "cdsr name=sr %s ! queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! " RTP_OUT,
             atoi(argv[2]), argv[4], 6000, atoi(argv[3]));
    return run(&w, description, "sr", 0);
  }
  if (strcmp(w.who, "record") == 0 && argc == 5) {
    snprintf(description, sizeof description,
             RTP_IN
             "config-interval=-1 ! tee name=t ! queue ! mpegtsmux ! filesink location=\"%s/recording.ts\" "
             "t. ! queue ! hlssink2 location=\"%s/segment%%05d.ts\" playlist-location=\"%s/index.m3u8\" "
             "target-duration=2 max-files=0 playlist-length=0 "
             "t. ! queue ! avdec_h264 max-threads=1 name=seen ! fakesink sync=false",
             atoi(argv[2]), argv[3], argv[3], argv[3]);
    scale_of_pipeline = atoi(argv[4]);
    return run(&w, description, "seen", 0);
  }
  if (strcmp(w.who, "check") == 0 && argc == 4) {
    snprintf(description, sizeof description,
             "filesrc location=\"%s\" ! tsdemux ! h264parse ! avdec_h264 name=seen ! fakesink sync=false",
             argv[2]);
    scale_of_pipeline = atoi(argv[3]);
    const int failed = run(&w, description, "seen", 0);
    return failed || w.frames == 0;
  }
  fprintf(stderr, "usage: live send|upscale|record|check ... (see the head of samples/live.c)\n");
  return 2;
}
