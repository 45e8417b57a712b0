// Frames as a decoder gives them, through a chain of FFmpeg's filters: in place of NVDEC, which is not on the
// stand-in for a GPU. Surfaces come from a pool of a fixed size, and the last few stay with the decoder,
// which predicts from them: a filter that keeps a surface starves it. Surfaces are larger than the picture at
// the right and at the bottom, by what the decoder has cut off there; what it cuts off left and above stays
// noted on the frame.
//
//   cuda_decoder MEMORY CHAIN SURFACES HELD SEGMENT...
//
// MEMORY     cuda (a context of its own), cuda_primary (the device's first one), or host: without a GPU
// CHAIN      filters; frames come out where they went in
// SURFACES   of the pool; 3 are enough for a chain that keeps none
// HELD       frames that the player keeps before it looks at them
// SEGMENT    FORMAT:WIDTH:HEIGHT:LEFT:TOP:RIGHT:BOTTOM:PTS:FRAMES, raw whole surfaces from stdin; WIDTH and
//            HEIGHT are what RIGHT and BOTTOM leave. Of the format and size before it: a seek, the same
//            filters go on; else they are made anew, as ffmpeg does.
//
// Pictures go to stdout, and a line for each to stderr:
//   frame PTS WIDTHxHEIGHT crop LEFT TOP RIGHT BOTTOM shot N
#include <ffnvcodec/dynlink_loader.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_cuda.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFERENCES = 2, HELD_MOST = 16 };

typedef struct Segment {
  enum AVPixelFormat format;
  int width, height, left, top, right, bottom, frames;
  long pts;
} Segment;

static CudaFunctions* cu;
static AVBufferRef* device; /* none: frames of the processor */
static CUcontext context;
static int surfaces, allocated;

static AVBufferRef* frames; /* of the surfaces */
static AVFrame *reference[REFERENCES], *held[HELD_MOST];
static int held_most, held_now, sent, received;

static AVFilterGraph* graph;
static AVFilterContext *source, *sink;

static void fail(const char* what, int error) {
  fprintf(stderr, "error: %s: %s\n", what, av_err2str(error));
  exit(1);
}

static int ok(int result, const char* what) {
  if (result < 0) fail(what, result);
  return result;
}

static void free_surface(void* opaque, uint8_t* data) {
  CUcontext before;
  (void)opaque;
  cu->cuCtxPushCurrent(context);
  cu->cuMemFree((CUdeviceptr)data);
  cu->cuCtxPopCurrent(&before);
}

static AVBufferRef* allocate_surface(void* opaque, size_t size) {
  CUdeviceptr data = 0;
  CUcontext before;
  CUresult result;
  (void)opaque;
  if (allocated == surfaces) return NULL;
  cu->cuCtxPushCurrent(context);
  result = cu->cuMemAlloc(&data, size);
  cu->cuCtxPopCurrent(&before);
  if (result != CUDA_SUCCESS) return NULL;
  ++allocated;
  return av_buffer_create((uint8_t*)data, size, free_surface, NULL, 0);
}

static void close_pool(AVHWFramesContext* all) { av_buffer_pool_uninit(&all->pool); }

static void open_pool(const Segment* s) {
  AVHWFramesContext* all;
  const int width = s->width + s->right, height = s->height + s->bottom;
  if (!(frames = av_hwframe_ctx_alloc(device))) fail("a frames context", AVERROR(ENOMEM));
  all = (AVHWFramesContext*)frames->data;
  all->format = AV_PIX_FMT_CUDA;
  all->sw_format = s->format;
  all->width = width;
  all->height = height;
  all->free = close_pool;
  allocated = 0;
  all->pool = av_buffer_pool_init2(av_image_get_buffer_size(s->format, FFALIGN(width, 512), height, 512),
                                   NULL, allocate_surface, NULL);
  ok(av_hwframe_ctx_init(frames), "a frames context");
}

static AVFrame* new_surface(void) {
  AVFrame* frame = av_frame_alloc();
  ok(av_hwframe_get_buffer(frames, frame, 0), "no surface is left");
  return frame;
}

static void drop_references(void) {
  for (int i = 0; i < REFERENCES; ++i) av_frame_free(&reference[i]);
}

/* The next picture, from stdin: the processor's frame, or a surface. The oldest reference is given up for it.
 */
static AVFrame* decode(const Segment* s, int index) {
  AVFrame *frame = av_frame_alloc(), *surface;
  frame->format = s->format;
  frame->width = s->width + s->right;
  frame->height = s->height + s->bottom;
  ok(av_frame_get_buffer(frame, 0), "a frame");
  for (int plane = 0; plane < 2; ++plane) {
    const int rows = plane > 0 ? (frame->height + 1) / 2 : frame->height;
    const int bytes = av_image_get_linesize(s->format, frame->width, plane);
    for (int y = 0; y < rows; ++y)
      if (fread(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane], 1, bytes, stdin) != (size_t)bytes)
        fail("stdin ends early", AVERROR(EIO));
  }
  if (device) {
    av_frame_free(&reference[REFERENCES - 1]);
    memmove(&reference[1], &reference[0], (REFERENCES - 1) * sizeof(reference[0]));
    reference[0] = NULL;
    surface = new_surface();
    ok(av_hwframe_transfer_data(surface, frame, 0), "a frame's way up");
    reference[0] = av_frame_clone(surface);
    av_frame_free(&frame);
    frame = surface;
  }
  frame->width = s->width;
  frame->height = s->height;
  frame->crop_left = s->left;
  frame->crop_top = s->top;
  frame->pts = s->pts + index;
  return frame;
}

static void show(AVFrame* frame) {
  AVFrame* picture = frame;
  const AVDictionaryEntry* shot = av_dict_get(frame->metadata, "lavfi.cdsr.shot", NULL, 0);
  uint8_t* bytes;
  int size;
  if (frame->hw_frames_ctx) {
    picture = av_frame_alloc();
    ok(av_hwframe_transfer_data(picture, frame, 0), "a frame's way down");
  }
  size = av_image_get_buffer_size(picture->format, frame->width, frame->height, 1);
  bytes = av_malloc(size);
  ok(av_image_copy_to_buffer(bytes, size, (const uint8_t* const*)picture->data, picture->linesize,
                             picture->format, frame->width, frame->height, 1),
     "a picture");
  fwrite(bytes, 1, size, stdout);
  fprintf(stderr, "frame %ld %dx%d crop %zu %zu %zu %zu shot %s\n", (long)frame->pts, frame->width,
          frame->height, frame->crop_left, frame->crop_top, frame->crop_right, frame->crop_bottom,
          shot ? shot->value : "none");
  av_free(bytes);
  if (picture != frame) av_frame_free(&picture);
  av_frame_free(&frame);
  ++received;
}

static void show_all_but(int count) {
  while (held_now > count) {
    show(held[0]);
    memmove(&held[0], &held[1], --held_now * sizeof(held[0]));
  }
}

/* What has come out so far; 1 at the end. */
static int take(void) {
  for (;;) {
    AVFrame* frame = av_frame_alloc();
    const int result = av_buffersink_get_frame(sink, frame);
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) {
      av_frame_free(&frame);
      return result == AVERROR_EOF;
    }
    ok(result, "the filters");
    held[held_now++] = frame;
    show_all_but(held_most);
  }
}

static void open_filters(const Segment* s, const char* chain) {
  AVBufferSrcParameters* parameters = av_buffersrc_parameters_alloc();
  AVFilterInOut *in = avfilter_inout_alloc(), *out = avfilter_inout_alloc();
  if (device) open_pool(s);
  graph = avfilter_graph_alloc();
  source = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffer"), "in");
  parameters->format = device ? AV_PIX_FMT_CUDA : s->format;
  parameters->width = s->width;
  parameters->height = s->height;
  parameters->time_base = (AVRational){1, 25};
  parameters->hw_frames_ctx = frames;
  ok(av_buffersrc_parameters_set(source, parameters), "the decoder's frames");
  ok(avfilter_init_str(source, NULL), "the decoder's frames");
  ok(avfilter_graph_create_filter(&sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL, graph),
     "the player");
  out->name = av_strdup("in");
  out->filter_ctx = source;
  in->name = av_strdup("out");
  in->filter_ctx = sink;
  ok(avfilter_graph_parse_ptr(graph, chain, &in, &out, NULL), "the chain");
  ok(avfilter_graph_config(graph, NULL), "the chain");
  avfilter_inout_free(&in);
  avfilter_inout_free(&out);
  av_free(parameters);
}

/* The end of a film: all frames come out, and all surfaces come back while the filters are still there. */
static void close_filters(void) {
  AVFrame** all = calloc(surfaces, sizeof(*all));
  ok(av_buffersrc_add_frame(source, NULL), "the end");
  while (!take()) continue;
  drop_references();
  for (int i = 0; device && i < surfaces; ++i) all[i] = new_surface();
  for (int i = 0; i < surfaces; ++i) av_frame_free(&all[i]);
  free(all);
  av_buffer_unref(&frames);
  avfilter_graph_free(&graph); /* and frames that came from it are still held */
}

static Segment parse(const char* text) {
  Segment s = {0};
  char format[16];
  if (sscanf(text, "%15[^:]:%d:%d:%d:%d:%d:%d:%ld:%d", format, &s.width, &s.height, &s.left, &s.top, &s.right,
             &s.bottom, &s.pts, &s.frames) != 9)
    fail(text, AVERROR(EINVAL));
  s.format = av_get_pix_fmt(format);
  if (s.format != AV_PIX_FMT_NV12 && s.format != AV_PIX_FMT_P010LE) fail(text, AVERROR(EINVAL));
  return s;
}

static int same_filters(const Segment* a, const Segment* b) {
  return a->format == b->format && a->width == b->width && a->height == b->height && a->right == b->right &&
         a->bottom == b->bottom;
}

int main(int argc, char** argv) {
  Segment before = {0};
  if (argc < 6) {
    fprintf(stderr, "usage: %s MEMORY CHAIN SURFACES HELD SEGMENT...\n", argv[0]);
    return 2;
  }
  surfaces = atoi(argv[3]);
  held_most = FFMIN(atoi(argv[4]), HELD_MOST - 1);
  if (strcmp(argv[1], "host") != 0) {
    AVDictionary* options = NULL;
    av_dict_set(&options, "primary_ctx", strcmp(argv[1], "cuda_primary") == 0 ? "1" : "0", 0);
    ok(cuda_load_functions(&cu, NULL), "libcuda.so.1");
    ok(av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_CUDA, "0", options, 0), "a device");
    context = ((AVCUDADeviceContext*)((AVHWDeviceContext*)device->data)->hwctx)->cuda_ctx;
    av_dict_free(&options);
  }
  for (int i = 5; i < argc; ++i) {
    const Segment s = parse(argv[i]);
    if (graph && same_filters(&before, &s)) {
      drop_references();
    } else {
      if (graph) close_filters();
      open_filters(&s, argv[2]);
    }
    for (int n = 0; n < s.frames; ++n, ++sent) {
      ok(av_buffersrc_add_frame(source, decode(&s, n)), "the filters");
      take();
    }
    before = s;
  }
  close_filters();
  show_all_but(0);
  av_buffer_unref(&device);
  if (cu) cuda_free_functions(&cu);
  fprintf(stderr, "%d frames in, %d out\n", sent, received);
  return sent == received ? 0 : 1;
}
