/* Decodes a video with GStreamer, upscales it with the element cdsr, and takes the frames into the program.
 *
 *   appsink IN.mp4 [OUT.ppm]
 *
 * Prints size, time and shot of the frames; OUT gets the last one. This is how a program (a player, an
 * analysis) embeds the element; samples/embed.c shows the library without GStreamer.
 *
 *   cc appsink.c $(pkg-config --cflags --libs gstreamer-app-1.0 gstreamer-video-1.0) -o appsink
 *   GST_PLUGIN_PATH=build-user/lib/gstreamer-1.0 ./appsink in.mp4 last.ppm
 *
 * Part of CDSR, MIT licence.
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>

static int write_ppm(const char* path, const GstVideoFrame* frame) {
  FILE* file = fopen(path, "wb");
  if (!file) return 0;
  const int width = GST_VIDEO_FRAME_WIDTH(frame), height = GST_VIDEO_FRAME_HEIGHT(frame);
  fprintf(file, "P6\n%d %d\n255\n", width, height);
  for (int y = 0; y < height; ++y) {
    const guint8* row = (const guint8*)GST_VIDEO_FRAME_PLANE_DATA(frame, 0) +
                        (gsize)y * (gsize)GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
    fwrite(row, 3, (size_t)width, file);
  }
  return fclose(file) == 0;
}

/* What the element tells: the shots. Returns 0 when a message is an error. */
static int drain_bus(GstBus* bus) {
  for (;;) {
    GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
    if (!message) return 1;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      GError* error = NULL;
      gst_message_parse_error(message, &error, NULL);
      fprintf(stderr, "appsink: %s\n", error->message);
      g_error_free(error);
      gst_message_unref(message);
      return 0;
    }
    gint64 shot = 0;
    if (gst_message_has_name(message, "cdsr-shot") &&
        gst_structure_get_int64(gst_message_get_structure(message), "shot", &shot)) {
      printf("shot %" G_GINT64_FORMAT "\n", shot);
    }
    gst_message_unref(message);
  }
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 2) {
    fprintf(stderr, "usage: appsink IN [OUT.ppm]\n");
    return 2;
  }
  GError* error = NULL;
  GstElement* pipeline = gst_parse_launch(
      "filesrc name=in ! decodebin ! videoconvert ! cdsr scale=2 ! videoconvert ! video/x-raw,format=RGB ! "
      "appsink name=out sync=false max-buffers=4",
      &error);
  if (!pipeline) {
    fprintf(stderr, "appsink: %s\n", error->message);
    return 1;
  }
  GstElement* in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  g_object_set(in, "location", argv[1], NULL);
  gst_object_unref(in);
  GstElement* out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);

  GstSample* last = NULL;
  guint64 frames = 0;
  int good;
  /* Not for ever: a pipeline that fails before its first frame never comes to an end. */
  while ((good = drain_bus(bus)) && !gst_app_sink_is_eos(GST_APP_SINK(out))) {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out), 100 * GST_MSECOND);
    if (!sample) continue;
    printf("frame %" G_GUINT64_FORMAT " at %" GST_TIME_FORMAT "\n", frames++,
           GST_TIME_ARGS(GST_BUFFER_PTS(gst_sample_get_buffer(sample))));
    if (last) gst_sample_unref(last);
    last = sample;
  }
  good = good && drain_bus(bus) && frames > 0;

  GstVideoInfo info;
  GstVideoFrame frame;
  if (last && gst_video_info_from_caps(&info, gst_sample_get_caps(last)) &&
      gst_video_frame_map(&frame, &info, gst_sample_get_buffer(last), GST_MAP_READ)) {
    printf("%" G_GUINT64_FORMAT " frames of %dx%d\n", frames, info.width, info.height);
    if (argc > 2) good = good && write_ppm(argv[2], &frame);
    gst_video_frame_unmap(&frame);
  }
  if (last) gst_sample_unref(last);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(out);
  gst_object_unref(pipeline);
  return good ? 0 : 1;
}
