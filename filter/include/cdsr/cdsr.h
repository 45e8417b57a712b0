/* CDSR: degradation-aware video super-resolution. The C API of libcdsr.
 *
 *   cdsr_options options;
 *   cdsr_options_default(&options, CDSR_API_VERSION);
 *   options.scale = 2;
 *   cdsr_session *session = NULL;
 *   if (cdsr_session_create(&session, NULL, &options) < 0)
 *     return complain(cdsr_last_error());
 *   for each frame {
 *     cdsr_frame in, out;                            // fill format, size, planes, strides and tags
 *     cdsr_frame_default(&in, CDSR_API_VERSION);
 *     cdsr_frame_default(&out, CDSR_API_VERSION);
 *     if (cdsr_session_process(session, &in, &out, NULL, NULL) < 0)
 *       return complain(cdsr_session_error(session));
 *   }
 *   cdsr_session_destroy(&session);
 *
 * Rules that hold everywhere:
 *  - Functions that return int return CDSR_OK (0) or a negative cdsr_status.
 *  - A struct that may grow begins with `version`: the CDSR_API_VERSION its owner was compiled with. The
 *    library reads and writes only the members that version had. All members named below exist since
 *    version 1 unless they say otherwise.
 *  - Members that hold an enumeration are int32_t, so that any value is a checked error and never undefined.
 *  - Strings given are copied, those in a struct when the struct is used; strings returned stay valid as
 *    long as the function says.
 *  - No exception, signal or exit crosses this interface; nothing is printed.
 *  - One frame in is one frame out, at once: no look-ahead, no delay, nothing to drain.
 */
#ifndef CDSR_CDSR_H_
#define CDSR_CDSR_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CDSR_API __attribute__((visibility("default")))
#else
#define CDSR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct grows or a function is added. */
#define CDSR_API_VERSION 5

/* The oldest version whose programs this library serves: the number in libcdsr.so.N. Raised when something
 * that they use is taken away. */
#define CDSR_API_VERSION_OLDEST 1

/* ------------------------------------------------------------------ status */

typedef enum cdsr_status {
  CDSR_OK = 0,
  CDSR_ERROR_INVALID_ARGUMENT = -1, /* a value out of its range; the message names value and limit */
  CDSR_ERROR_UNSUPPORTED = -2,   /* a valid request that this build, machine or colour space cannot serve */
  CDSR_ERROR_OUT_OF_MEMORY = -3, /* over cdsr_options.memory, or the system refused */
  CDSR_ERROR_IO = -4,            /* a file could not be found, opened or read */
  CDSR_ERROR_BAD_WEIGHTS = -5,   /* the weights file is corrupt or does not fit its configuration */
  CDSR_ERROR_INTERNAL = -6,      /* a bug in the library: please report it */
  CDSR_ERROR_DEVICE = -7         /* the GPU failed or was lost: the session cannot go on */
} cdsr_status;

/* Version of the library as "major.minor.patch". Static string, never NULL. Any thread. */
CDSR_API const char* cdsr_version(void);

/* CDSR_API_VERSION the library was built with. A program may run with any library of its libcdsr.so.N whose
 * number is not lower than the one it was compiled with. Any thread. */
CDSR_API int cdsr_api_version(void);

/* The category of a status in a few words ("invalid argument"). Static string, never NULL, also for values
 * that are no cdsr_status. Any thread. */
CDSR_API const char* cdsr_strerror(int status);

/* Why the last failed call of this thread that has no session failed (cdsr_model_open, cdsr_session_create,
 * ...): what, value and limit. Valid until the next such call of this thread; "" if none failed. */
CDSR_API const char* cdsr_last_error(void);

/* ------------------------------------------------------------------ frames */

/* Names are FFmpeg's, see cdsr_format_name(). Samples of more than 8 bits are words of 16 bits, little-endian
 * unless CDSR_FORMAT_BIG_ENDIAN is added: the value in the low bits, but in the high ones of the formats with
 * interleaved chroma (P010, ...), Y210 and Y212, and XV36. Bits beside the value are ignored on input and
 * zero on output. What has ten bits in a word of 32 says so.
 *
 * A: alpha, interpolated (bicubic) as it is: premultiplied colour stays premultiplied, straight colour
 * straight. What only fills its place in a format without alpha (FFmpeg's rgb0, vuyx, ...) is treated as if
 * it were. */
typedef enum cdsr_format {
  CDSR_FORMAT_NONE = 0,
  CDSR_FORMAT_GRAY8 = 1, /* one plane: Y */
  CDSR_FORMAT_GRAY10 = 2,
  CDSR_FORMAT_GRAY12 = 3,
  CDSR_FORMAT_GRAY16 = 4,
  CDSR_FORMAT_GRAY9 = 5,
  CDSR_FORMAT_GRAY14 = 6,
  CDSR_FORMAT_YA8 = 7, /* one plane: Y, A */
  CDSR_FORMAT_YA16 = 8,
  CDSR_FORMAT_YUV420P = 10, /* three planes: Y, U (Cb), V (Cr); chroma planes are rounded up for odd sizes */
  CDSR_FORMAT_YUV420P9 = 11,
  CDSR_FORMAT_YUV420P10 = 12,
  CDSR_FORMAT_YUV420P12 = 13,
  CDSR_FORMAT_YUV420P14 = 14,
  CDSR_FORMAT_YUV420P16 = 15,
  CDSR_FORMAT_YUV422P = 20,
  CDSR_FORMAT_YUV422P9 = 21,
  CDSR_FORMAT_YUV422P10 = 22,
  CDSR_FORMAT_YUV422P12 = 23,
  CDSR_FORMAT_YUV422P14 = 24,
  CDSR_FORMAT_YUV422P16 = 25,
  CDSR_FORMAT_YUV444P = 30,
  CDSR_FORMAT_YUV444P9 = 31,
  CDSR_FORMAT_YUV444P10 = 32,
  CDSR_FORMAT_YUV444P12 = 33,
  CDSR_FORMAT_YUV444P14 = 34,
  CDSR_FORMAT_YUV444P16 = 35,
  CDSR_FORMAT_NV12 = 40, /* two planes: Y, then U and V interleaved; 4:2:0 */
  CDSR_FORMAT_P010 = 41,
  CDSR_FORMAT_P016 = 42,
  CDSR_FORMAT_NV21 = 43, /* 4:2:0, V before U */
  CDSR_FORMAT_NV16 = 44, /* 4:2:2 */
  CDSR_FORMAT_NV24 = 45, /* 4:4:4 */
  CDSR_FORMAT_NV42 = 46,
  CDSR_FORMAT_NV61 = 47,
  CDSR_FORMAT_P012 = 48,
  CDSR_FORMAT_GBRP = 50, /* three planes: G, B, R */
  CDSR_FORMAT_GBRP9 = 51,
  CDSR_FORMAT_GBRP10 = 52,
  CDSR_FORMAT_GBRP12 = 53,
  CDSR_FORMAT_GBRP14 = 54,
  CDSR_FORMAT_GBRP16 = 55,
  CDSR_FORMAT_RGB24 = 60, /* one plane, packed, bytes in the order of the name */
  CDSR_FORMAT_BGR24 = 61,
  CDSR_FORMAT_RGBA = 62,
  CDSR_FORMAT_BGRA = 63,

  /* Since version 3, as are GRAY9, GRAY14, YA8, YA16 and NV21 to P012 above. */
  CDSR_FORMAT_ARGB = 64,
  CDSR_FORMAT_ABGR = 65,
  CDSR_FORMAT_YUVA420P = 70, /* a fourth plane: A */
  CDSR_FORMAT_YUVA420P9 = 71,
  CDSR_FORMAT_YUVA420P10 = 72,
  CDSR_FORMAT_YUVA420P12 = 73,
  CDSR_FORMAT_YUVA420P16 = 75,
  CDSR_FORMAT_YUVA422P = 80,
  CDSR_FORMAT_YUVA422P9 = 81,
  CDSR_FORMAT_YUVA422P10 = 82,
  CDSR_FORMAT_YUVA422P12 = 83,
  CDSR_FORMAT_YUVA422P16 = 85,
  CDSR_FORMAT_YUVA444P = 90,
  CDSR_FORMAT_YUVA444P9 = 91,
  CDSR_FORMAT_YUVA444P10 = 92,
  CDSR_FORMAT_YUVA444P12 = 93,
  CDSR_FORMAT_YUVA444P16 = 95,
  CDSR_FORMAT_P210 = 100, /* as P010, 4:2:2 */
  CDSR_FORMAT_P212 = 101,
  CDSR_FORMAT_P216 = 102,
  CDSR_FORMAT_P410 = 103, /* as P010, 4:4:4 */
  CDSR_FORMAT_P412 = 104,
  CDSR_FORMAT_P416 = 105,
  CDSR_FORMAT_GBRAP = 110, /* G, B, R, A */
  CDSR_FORMAT_GBRAP10 = 112,
  CDSR_FORMAT_GBRAP12 = 113,
  CDSR_FORMAT_GBRAP14 = 114,
  CDSR_FORMAT_GBRAP16 = 115,
  CDSR_FORMAT_RGB48 = 120, /* packed words */
  CDSR_FORMAT_BGR48 = 121,
  CDSR_FORMAT_RGBA64 = 122,
  CDSR_FORMAT_BGRA64 = 123,
  CDSR_FORMAT_ARGB64 = 124,
  CDSR_FORMAT_ABGR64 = 125,
  CDSR_FORMAT_YUYV422 = 130, /* 4:2:2 in one plane, bytes in the order of the name; the last luma of an odd
                                row is twice there */
  CDSR_FORMAT_UYVY422 = 131,
  CDSR_FORMAT_YVYU422 = 132,
  CDSR_FORMAT_VYUY422 = 133,
  CDSR_FORMAT_Y210 = 134, /* as YUYV422 in words */
  CDSR_FORMAT_Y212 = 135,
  CDSR_FORMAT_Y216 = 136,
  CDSR_FORMAT_AYUV = 140, /* 4:4:4 in one plane */
  CDSR_FORMAT_VUYA = 141,
  CDSR_FORMAT_UYVA = 142,
  CDSR_FORMAT_VYU444 = 143,
  CDSR_FORMAT_AYUV64 = 144,
  CDSR_FORMAT_XV36 = 145, /* words U, Y, V, A */
  CDSR_FORMAT_XV48 = 146,
  CDSR_FORMAT_XV30 = 147,    /* a word of 32 bits, from bit 0: ten bits of U, Y, V, two of A */
  CDSR_FORMAT_V30X = 148,    /* two of A, ten of U, Y, V */
  CDSR_FORMAT_X2RGB10 = 149, /* B, G, R, A */
  CDSR_FORMAT_X2BGR10 = 150  /* R, G, B, A */
} cdsr_format;

/* Since version 3. To be added to a cdsr_format of more than 8 bits: the same with the bytes of each word
 * swapped. */
#define CDSR_FORMAT_BIG_ENDIAN 0x10000

/* Matrix coefficients, numbered as in ITU-T H.273 (and AVColorSpace). Used for YUV formats; RGB and gray have
 * none. */
typedef enum cdsr_matrix {
  CDSR_MATRIX_RGB = 0, /* not supported in a YUV format */
  CDSR_MATRIX_BT709 = 1,
  CDSR_MATRIX_UNSPECIFIED = 2, /* guessed from the INPUT size: BT.709 if width >= 1280 or height > 576,
                                  else BT.601 */
  CDSR_MATRIX_FCC = 4,
  CDSR_MATRIX_BT470BG = 5,   /* BT.601, 625 lines */
  CDSR_MATRIX_SMPTE170M = 6, /* BT.601, 525 lines: the same numbers */
  CDSR_MATRIX_SMPTE240M = 7,
  CDSR_MATRIX_BT2020_NCL = 9
  /* YCgCo (8), BT.2020 constant luminance (10), ICtCp (14) and all others: CDSR_ERROR_UNSUPPORTED. */
} cdsr_matrix;

/* Numbered as AVColorRange. */
typedef enum cdsr_range {
  CDSR_RANGE_UNSPECIFIED = 0, /* limited for YUV, full for RGB and gray */
  CDSR_RANGE_LIMITED = 1,     /* 16..235 (luma, RGB) and 16..240 (chroma) at 8 bits; others are kept */
  CDSR_RANGE_FULL = 2         /* 0..2^bits-1; the yuvj formats of FFmpeg are YUV with this range */
} cdsr_range;

/* Position of the chroma samples of 4:2:0 (and, horizontally, 4:2:2), numbered as AVChromaLocation. */
typedef enum cdsr_chroma_location {
  CDSR_CHROMA_LOCATION_UNSPECIFIED = 0, /* LEFT */
  CDSR_CHROMA_LOCATION_LEFT = 1,        /* MPEG-2, H.264 default */
  CDSR_CHROMA_LOCATION_CENTER = 2,      /* MPEG-1, JPEG */
  CDSR_CHROMA_LOCATION_TOPLEFT = 3,     /* UHD HDR */
  CDSR_CHROMA_LOCATION_TOP = 4,
  CDSR_CHROMA_LOCATION_BOTTOMLEFT = 5,
  CDSR_CHROMA_LOCATION_BOTTOM = 6
} cdsr_chroma_location;

typedef enum cdsr_memory {
  CDSR_MEMORY_CPU = 0,
  CDSR_MEMORY_CUDA = 1 /* device memory of cdsr_options.cuda_context: see "Frames in a GPU" */
} cdsr_memory;

/* A picture that the caller owns. Borrowed during the call. */
typedef struct cdsr_frame {
  uint32_t version; /* CDSR_API_VERSION */
  int32_t format;   /* a cdsr_format. Default CDSR_FORMAT_NONE: must be set */
  int32_t width;    /* pixels; input 1..65536, output scale times the input. Default 0: must be set */
  int32_t height;   /* pixels; likewise */

  /* First sample of each plane's top row; unused planes NULL. Words of 16 bits need 2-byte alignment, of 32
   * bits 4-byte. The planes of an input are only read. Default NULL. */
  void* plane[4];

  /* Bytes from a row to the row below it; may be negative (picture stored bottom up). No byte outside the
   * samples of a row is read or written. Default 0: must be set for used planes. */
  ptrdiff_t stride[4];

  /* Colour. Read from every input frame; written into every output frame by the library, with guesses
   * resolved, so that the host can tag it. Primaries and transfer are the host's to pass on: the network
   * works on R'G'B' as it is stored. Defaults: all unspecified. */
  int32_t matrix;          /* a cdsr_matrix; output: RGB for RGB formats, as the input's for gray */
  int32_t range;           /* a cdsr_range; output: never UNSPECIFIED */
  int32_t chroma_location; /* a cdsr_chroma_location; output: never UNSPECIFIED for 4:2:0 and 4:2:2 */

  int32_t memory; /* a cdsr_memory: where the planes lie. Output as input. Default CPU */
} cdsr_frame;

/* Fills every member that `version` had with its default. Any thread.
 * INVALID_ARGUMENT if frame is NULL or version is 0 or higher than cdsr_api_version(). */
CDSR_API int cdsr_frame_default(cdsr_frame* frame, uint32_t version);

/* CDSR_OK when frames of this format and matrix (a cdsr_matrix; ignored for RGB and gray) can be processed,
 * else UNSUPPORTED, or INVALID_ARGUMENT for a format that does not exist; cdsr_last_error() says why. Any
 * thread. */
CDSR_API int cdsr_format_supported(int32_t format, int32_t matrix);

/* FFmpeg's name of a format ("yuv420p10le"), or NULL if there is no such format. Static string. Any thread.
 */
CDSR_API const char* cdsr_format_name(int32_t format);

/* The format of that name, or CDSR_FORMAT_NONE. The yuvj names give the YUV format: set CDSR_RANGE_FULL with
 * them; rgb0, bgr0, 0rgb, 0bgr and vuyx that with alpha. NULL gives CDSR_FORMAT_NONE. Any thread. */
CDSR_API int32_t cdsr_format_from_name(const char* name);

/* Since version 3. Bytes of a row of a plane, 0..3, without padding, and its rows, of pictures of this format
 * and size; both 0 for a plane that the format does not have. Any thread. INVALID_ARGUMENT for a format that
 * does not exist, another plane, a side that is not 1..262144, or NULL. */
CDSR_API int cdsr_plane_size(int32_t format, int32_t plane, int32_t width, int32_t height, size_t* row_bytes,
                             int32_t* rows);

/* ------------------------------------------------------------------- models */

/* The weights of one network, read only. Thread-safety: safe; shared by any number of sessions. A file that
 * is open somewhere in the process and has not changed is not read again: the weights are shared. */
typedef struct cdsr_model cdsr_model;

/* Opens a model and puts a new reference to it into *model (set to NULL on failure).
 * name: a released model ("cdsr-rt", "cdsr-rt-video", searched as NAME-xSCALE.safetensors in
 * $CDSR_MODEL_PATH, beside the library and in the installation), or a file (has a '/' or ends in
 * .safetensors). scale: 2, 3 or 4. INVALID_ARGUMENT if no model has that name (the message lists where it was
 * looked for) or it was made for another scale, IO if it cannot be read, BAD_WEIGHTS if it is damaged. */
CDSR_API int cdsr_model_open(cdsr_model** model, const char* name, int32_t scale);

/* Takes one more reference; returns model. NULL gives NULL. */
CDSR_API cdsr_model* cdsr_model_ref(cdsr_model* model);

/* Drops a reference and sets *model to NULL. model or *model may be NULL. Sessions hold their own reference.
 */
CDSR_API void cdsr_model_unref(cdsr_model** model);

/* What a model is. Strings live as long as the model. */
typedef struct cdsr_model_info {
  uint32_t version;       /* set to CDSR_API_VERSION by the caller */
  int32_t scale;          /* 2, 3 or 4 */
  const char* name;       /* family, "cdsr-rt" */
  const char* path;       /* the file */
  int64_t parameters;     /* learned values */
  int64_t macs_per_pixel; /* multiply-accumulates per low-resolution pixel and frame */
  int32_t query;          /* CDSR_QUERY_SHOT or CDSR_QUERY_FRAME: what it was trained for */
} cdsr_model_info;

/* INVALID_ARGUMENT for NULL or a wrong version. */
CDSR_API int cdsr_model_get_info(const cdsr_model* model, cdsr_model_info* info);

/* An entry of the file's metadata ("cdsr.recipe", "cdsr.trained", "cdsr.scores", ...), or NULL if it has
 * none. Lives as long as the model. */
CDSR_API const char* cdsr_model_metadata(const cdsr_model* model, const char* key);

/* ------------------------------------------------------------------ options */

typedef enum cdsr_precision {
  CDSR_PRECISION_AUTO = 0, /* the fastest that costs no quality: on a processor int8, bf16 or fp32 as it and
                              the model have it; fp16 on a GPU */
  CDSR_PRECISION_FP32 = 1,
  CDSR_PRECISION_BF16 = 2, /* bf16 storage and products, fp32 accumulation */
  CDSR_PRECISION_FP16 = 3, /* the same in IEEE half precision; GPU only */
  CDSR_PRECISION_FP8 = 4,  /* FP16, but e4m3 products in dense blocks; GPUs from Ada on, models with them */
  CDSR_PRECISION_INT8 = 5  /* 8 bits with exact sums; processors with VNNI, cdsr-rt */
} cdsr_precision;

/* How cuts are found. A discontinuity (cdsr_hints) begins a new shot in every mode. */
typedef enum cdsr_shots {
  CDSR_SHOTS_AUTO = 0,     /* by comparing pictures; flashes and fades are no cuts */
  CDSR_SHOTS_METADATA = 1, /* from cdsr_hints.cut alone */
  CDSR_SHOTS_FILE = 2,     /* from cdsr_options.shot_file */
  CDSR_SHOTS_OFF = 3       /* the whole stream is one shot */
} cdsr_shots;

typedef enum cdsr_query {
  CDSR_QUERY_MODEL = 0, /* what the model was trained for */
  CDSR_QUERY_SHOT = 1,  /* the network's global means are taken on the shot's first frame: fast, no flicker */
  CDSR_QUERY_FRAME = 2  /* on every frame: the paper's way, slower */
} cdsr_query;

typedef enum cdsr_chroma {
  CDSR_CHROMA_AUTO = 0,   /* BICUBIC for 4:2:0 and 4:2:2, where it measures better, else SR */
  CDSR_CHROMA_SR = 1,     /* chroma of the network's R'G'B' */
  CDSR_CHROMA_BICUBIC = 2 /* luma of the network, chroma planes interpolated from the input's: cannot drift.
                             RGB formats convert with BT.709 for it; gray has no chroma */
} cdsr_chroma;

typedef enum cdsr_log_level {
  CDSR_LOG_ERROR = 0,   /* a call failed; the same text as the error message */
  CDSR_LOG_WARNING = 1, /* the result may not be what was meant (guessed colour, PQ, ...); once per cause */
  CDSR_LOG_INFO = 2,    /* what was chosen: backend, model, plan; a few lines a session */
  CDSR_LOG_DEBUG = 3    /* each cut, each embedding */
} cdsr_log_level;

/* level: a cdsr_log_level. message: one line without newline, valid during the call. Called on the thread
 * that is inside a cdsr function of this session. Must not call back into the library. */
typedef void (*cdsr_log_callback)(void* opaque, int32_t level, const char* message);

/* What a session does. Fixed when it is created, except for the options of CDSR_OPTION_RUNTIME. Range,
 * default and words of every option stand in <cdsr/options.inc> and are told by cdsr_option_list(). */
typedef struct cdsr_options {
  uint32_t version; /* CDSR_API_VERSION */
  int32_t scale;    /* factor of width and height */

  /* As for cdsr_model_open(). Not used when cdsr_session_create() is given a model. */
  const char* model;
  /* "auto" (the best that can run here) or a name that cdsr_backend_available() knows. A named one is never
   * replaced by another. */
  const char* backend;
  int32_t precision; /* a cdsr_precision */
  int32_t threads;   /* of the processor; 0: one for each processor this process may use */
  int32_t device;    /* index of the GPU; the CPU backends ignore it */
  /* MiB for all working buffers of the network; 0: no limit. -1 (since version 5): 2048, on a GPU three
   * quarters of what is free there when a size is planned. Sizes that do not fit are OUT_OF_MEMORY with need
   * and limit. */
  int32_t memory;

  int32_t shots; /* a cdsr_shots */
  /* CDSR_SHOTS_FILE: text, one frame number (0.., counted from the session's first frame) a line, ascending:
   * the first frame of each shot. '#' begins a comment. NULL: none. */
  const char* shot_file;
  /* CDSR_SHOTS_AUTO: a frame whose cdsr_frame_info.score is above it begins a shot. */
  double shot_threshold;
  int32_t refresh;      /* compute the embedding anew every so many frames of a shot; 0: never */
  int32_t embed_frames; /* first frames of a shot that the embedding is averaged over: the LPE runs on each */
  int32_t shot_cache;   /* recent shots remembered, so that A-B-A finds A again */
  int32_t query;        /* a cdsr_query */

  double strength; /* blend with bicubic interpolation: 0 bicubic .. 1 the network */
  int32_t chroma;  /* a cdsr_chroma */

  /* Live streams, see "Live streams" below. */
  double deadline; /* milliseconds a frame may take; 0: as long as it takes */
  int32_t live;    /* not 0: no frame waits for an embedding */
  int32_t fade;    /* with live: frames over which the picture goes from one embedding to another */

  /* The CUcontext that backend "cuda" lives in and frames in a GPU belong to. NULL: the primary context of
   * `device`. It must outlive the session. Other backends ignore it. Default NULL */
  void* cuda_context;

  cdsr_log_callback log; /* NULL: silent. Default NULL */
  void* log_opaque;      /* first argument of log. Default NULL */

  /* Since version 2. Not 0: what looks as in the frame before, as far as the network sees around it, is
   * copied from the picture before: the same bits, in less time. The CPU backend does so with CDSR_QUERY_SHOT
   * and networks that are local then; costs memory for a frame and its picture. */
  int32_t reuse;

  /* Since version 3. Two passes over a film, see "Films" below. 1: frames are looked at and interpolated, and
   * cdsr_session_finish() writes `stats`. 2: cuts and embeddings are those of `stats`. 0: neither. Not with
   * live nor a deadline. */
  int32_t pass;
  const char* stats; /* since version 3. The file of both passes. NULL: none */

  /* Since version 4. 0: the most faithful picture .. 1: the sharpest, by weights that the model was trained
   * for; costs nothing a frame. More than 0 needs a model that has them. */
  double sharpness;

  /* Since version 4. Every so many frames of a shot the encoder looks again; where the degradation has
   * really changed the embedding fades over to a new one within `fade` frames. 0: never. Not with live. */
  int32_t drift;
} cdsr_options;

/* Fills every member that `version` had with its default. Any thread.
 * INVALID_ARGUMENT if options is NULL or version is 0 or higher than cdsr_api_version(). */
CDSR_API int cdsr_options_default(cdsr_options* options, uint32_t version);

/* The type of an option's member in cdsr_options. */
typedef enum cdsr_option_kind {
  CDSR_OPTION_INT = 0,   /* int32_t */
  CDSR_OPTION_FLOAT = 1, /* double */
  CDSR_OPTION_WORDS = 2, /* int32_t: an enumeration, see `words` */
  CDSR_OPTION_TEXT = 3,  /* const char* */
  CDSR_OPTION_FLAG = 4   /* int32_t: 0, or not 0 */
} cdsr_option_kind;

/* Bits of cdsr_option.flags. */
typedef enum cdsr_option_flags {
  CDSR_OPTION_RUNTIME = 1, /* cdsr_session_set_options() takes it */
  CDSR_OPTION_LIVE = 2     /* of use to hosts of live streams alone */
} cdsr_option_flags;

/* A word of an option of kind WORDS. This struct does not grow. */
typedef struct cdsr_word {
  const char* word; /* NULL ends a list */
  const char* help; /* one line */
  int32_t value;    /* the enumerator */
} cdsr_word;

/* What an option is, for hosts that offer all of them without naming any. Owned by the library, so that it
 * may grow without a version. */
typedef struct cdsr_option {
  const char* name;       /* the member of cdsr_options */
  const char* help;       /* one line, lower case, no full stop */
  int32_t kind;           /* a cdsr_option_kind */
  int32_t flags;          /* of cdsr_option_flags */
  uint32_t since;         /* the version of cdsr_options that has the member */
  double lowest, highest; /* INT, FLOAT, WORDS: range, both included */
  double number;          /* default of all kinds but TEXT */
  const char* text;       /* default of TEXT; NULL: none */
  const cdsr_word* words; /* WORDS: its words; else NULL */
  size_t offset;          /* of the member in cdsr_options, bytes */
} cdsr_option;

/* All options, in the order to show them in, ended by NULL. Static, never NULL. Any thread. */
CDSR_API const cdsr_option* const* cdsr_option_list(void);

/* The word of a value of an option of kind WORDS (cdsr_option_word("precision", stats.precision)), or NULL if
 * there is no such option or value. Static string. Any thread. */
CDSR_API const char* cdsr_option_word(const char* name, int32_t value);

/* Sets one option from text: a decimal number, one of its words, or for TEXT any string, which is not copied
 * and must live as long as `options` is used. Any thread. INVALID_ARGUMENT for NULL, an unknown name, a bad
 * word or number, a value out of range, or a member that options->version does not have; cdsr_last_error()
 * names option, value and what is allowed, and nothing is changed. */
CDSR_API int cdsr_options_set(cdsr_options* options, const char* name, const char* text);

/* CDSR_OK when the backend of this name ("cpu", "cuda", "reference") can run on this machine, else
 * UNSUPPORTED, or INVALID_ARGUMENT for a name that does not exist; cdsr_last_error() says why. Any thread. */
CDSR_API int cdsr_backend_available(const char* name);

/* ----------------------------------------------------------------- sessions */

/* One stream of frames. Thread-safety: one thread at a time; it need not always be the same one. Different
 * sessions are independent. */
typedef struct cdsr_session cdsr_session;

/* Makes a session and puts it into *session (set to NULL on failure, see cdsr_last_error()).
 * model: NULL opens options->model; else the session takes a reference of its own and options->scale must be
 * the model's. options: read during the call only; NULL means the defaults. Every option is checked here. */
CDSR_API int cdsr_session_create(cdsr_session** session, cdsr_model* model, const cdsr_options* options);

/* Frees everything and sets *session to NULL. session or *session may be NULL. */
CDSR_API void cdsr_session_destroy(cdsr_session** session);

/* Why the last failed call on this session failed: what, value and limit. "" if none failed. Valid until the
 * next call on the session. NULL gives cdsr_last_error(). */
CDSR_API const char* cdsr_session_error(const cdsr_session* session);

/* What the host knows of a frame. */
typedef struct cdsr_hints {
  uint32_t version; /* CDSR_API_VERSION */
  int32_t cut;      /* not 0: this frame is the first of a shot. Used by CDSR_SHOTS_METADATA. Default 0 */
  int32_t discontinuity; /* not 0: this frame does not follow the one before (seek, lost data, new segment):
                            it begins a shot in every mode. Default 0 */
  /* When the frame is shown, nanoseconds from anywhere; cdsr_options.deadline needs it. Where it does not
   * grow from frame to frame the pace is taken for unknown, and no frame for waiting. Default 0 */
  int64_t time;
} cdsr_hints;

/* What happened to a frame. */
typedef struct cdsr_frame_info {
  uint32_t version; /* set to CDSR_API_VERSION by the caller before the call */
  int32_t new_shot; /* 1: this frame is the first of a shot (or the return from a flash, see shot) */
  int64_t shot;     /* index, from 0. A flash gets one of its own; the return from it gets the old one back */
  int32_t hit;      /* 1: a new shot whose embedding was remembered from an earlier look at the same scene */
  int32_t embedded; /* 1: the embedding was computed, or refined, on this frame; live: came in with it */
  int32_t late;     /* 1: interpolated, because the network would have missed the deadline */
  int32_t pending;  /* 1: the shot's embedding is still being made; the frame has the last one, if any */
  int32_t bicubic;  /* 1: interpolated, for whatever reason: the network had no part in the picture */
  double score;     /* 0..1 how much this frame looks like the first of a shot; 0 unless CDSR_SHOTS_AUTO */
  double shot_ms;   /* time of the shot detector, milliseconds */
  double embed_ms;  /* time of embedding and conditioning; 0 on frames without */
  double upscale_ms; /* time of the network with colour conversion */
  double total_ms;   /* time of the whole call */
  double reused;     /* since version 2: 0..1, how much of the picture was copied from the one before */
} cdsr_frame_info;

/* Upscales one frame.
 * in: any size and format; both may change from frame to frame: the session plans anew and begins a new shot.
 * out: the caller's memory: same format, width and height scale times the input's. Its planes are written
 * completely, its colour tags are set. Must not overlap the input. After a failure its pixels are undefined.
 * hints: NULL: none. info: NULL: not wanted.
 * After the first frame of a size, or of a shot with other bars around its picture, the library allocates no
 * memory (oneDNN has small temporaries of its own).
 * A failed call leaves the session usable. */
CDSR_API int cdsr_session_process(cdsr_session* session, const cdsr_frame* in, cdsr_frame* out,
                                  const cdsr_hints* hints, cdsr_frame_info* info);

/* The same, with bicubic interpolation in place of the network: what a host emits while the filter is
 * switched off and the geometry must stay. Shots are followed as in cdsr_session_process(), nothing is
 * embedded. */
CDSR_API int cdsr_session_bicubic(cdsr_session* session, const cdsr_frame* in, cdsr_frame* out,
                                  const cdsr_hints* hints, cdsr_frame_info* info);

/* Live streams
 *
 * Three things can make a frame come out late: the first of a size waits for buffers and code to be prepared,
 * the first of a shot for its embedding, and any frame for a processor that is busy with something else. A
 * live host
 *  - sets cdsr_options.live: a shot's embedding is made by a thread and an engine of its own (which costs
 *    the working memory of a second engine). Meanwhile its frames have the last embedding, or are
 *    interpolated while there is none at all; then the picture fades to the new one over cdsr_options.fade
 *    frames. A shot that is remembered has its embedding at once;
 *  - sets cdsr_options.deadline and gives every frame its time: a frame that would take longer, by what the
 *    last ones took and by how far they are behind the pace of their times, is interpolated;
 *  - calls cdsr_session_prepare() as soon as it knows the size.
 * Which frame has which embedding, and which is interpolated, then depends on the machine: two runs differ.
 */

/* Makes ready for frames of this format and size, before the first of them: plans, and upscales a black frame
 * twice to know how long it takes. Optional: planned on demand otherwise. Takes the time of a few frames. */
CDSR_API int cdsr_session_prepare(cdsr_session* session, int32_t format, int32_t width, int32_t height);

/* Films
 *
 * A film that is upscaled as a whole may be gone through twice. The first pass (cdsr_options.pass 1) finds
 * shots and embeddings and writes them to a file, in which a person may change what happens to each shot. The
 * second (pass 2) takes cuts and embeddings from there; when nothing was changed its frames have the bits of
 * a single pass. The file is JSON (filter/film/README.md of the source describes it) and belongs to one film
 * of one size and to one model: what does not fit is INVALID_ARGUMENT with what, value and limit. In both
 * passes frames are counted from the session's first; cdsr_hints.time is what the file gives as a shot's
 * time. The first pass allocates memory at every shot.
 */

/* Since version 3. The film has ended: the first pass writes its file, whole or not at all (IO); the second
 * makes sure that it had as many frames as the first (INVALID_ARGUMENT). Without passes nothing happens. The
 * session stays usable: more frames may follow and it be called again. */
CDSR_API int cdsr_session_finish(cdsr_session* session);

/* Frames in a GPU (cdsr_frame.memory CDSR_MEMORY_CUDA)
 *
 * Planes are device pointers of the session's CUDA context; the session must run backend "cuda", or the frame
 * is UNSUPPORTED. Every call pushes that context and pops it again, on whatever thread it comes. Work is
 * ordered with a CUstream of the host, the frame's stream: the library starts after what is queued there when
 * cdsr_session_process() is called, and makes it wait for the result, so that the host may reuse the input
 * and pass on the output at once, in that stream. The call returns before the picture is finished; it waits
 * for the input alone, where pictures are compared to find cuts, and on the first frame of a shot for the
 * embedding. upscale_ms and total_ms then are the time of the call. */

/* The frame's stream, a CUstream, from now on; NULL: the legacy default stream, which is also the default.
 * UNSUPPORTED unless the session runs backend "cuda". */
CDSR_API int cdsr_session_set_cuda_stream(cdsr_session* session, void* stream);

/* Forgets the stream (seek, flush): the next frame is frame 0 of shot 0. Remembered shots and statistics are
 * forgotten, options, plan and memory kept. */
CDSR_API int cdsr_session_reset(cdsr_session* session);

/* Takes every option of CDSR_OPTION_RUNTIME from `options`, of the others none. They act on the next frame.
 * INVALID_ARGUMENT if one is out of its range: then all stay as they were. */
CDSR_API int cdsr_session_set_options(cdsr_session* session, const cdsr_options* options);

/* The same for one option. */
CDSR_API int cdsr_session_set_strength(cdsr_session* session, double strength);
CDSR_API int cdsr_session_set_shot_threshold(cdsr_session* session, double shot_threshold);
CDSR_API int cdsr_session_set_refresh(cdsr_session* session, int32_t refresh);
CDSR_API int cdsr_session_set_deadline(cdsr_session* session, double deadline);

/* The embedding E_a of the shot that the last frame belongs to: what the network was told of its content and
 * degradation. Copies the first `capacity` values into `values` (NULL if capacity is 0) and returns how many
 * there are; 0 while none is known (before the first frame, or with strength 0). */
CDSR_API int cdsr_session_embedding(const cdsr_session* session, float* values, int32_t capacity);

/* Totals since the session was created or reset. */
typedef struct cdsr_stats {
  uint32_t version;       /* set to CDSR_API_VERSION by the caller */
  int32_t precision;      /* what the engine runs in: CDSR_PRECISION_FP32, _BF16, _FP16, _FP8 or _INT8 */
  int32_t threads;        /* of the engine */
  int32_t query;          /* CDSR_QUERY_SHOT or CDSR_QUERY_FRAME */
  const char* backend;    /* "cpu", "reference", ...; lives as long as the session */
  const char* detail;     /* library, version and instruction set the backend chose; likewise */
  int64_t frames;         /* frames upscaled by the network */
  int64_t bicubic_frames; /* frames that were interpolated, for whatever reason */
  int64_t late_frames;    /* of these, because the network would have missed the deadline */
  int64_t shots;          /* shots begun, returns from flashes not counted */
  int64_t embeddings;     /* times the LPE ran */
  int64_t hits;           /* shots whose embedding was remembered */
  int64_t planned_bytes;  /* working memory of the engine for the current size */
  double shot_ms;         /* sums of the cdsr_frame_info members of the same name */
  double embed_ms;
  double upscale_ms;
  double total_ms;
  double color_ms; /* part of upscale_ms spent in colour conversion, summed over the engine's threads */
  double reused;   /* since version 2: sum of cdsr_frame_info.reused: as many frames were not computed */
  int64_t redone;  /* since version 5: frames that half precision did not hold, upscaled again in fp32. Of
                    * frames in a GPU those that it has finished */
} cdsr_stats;

/* INVALID_ARGUMENT for NULL or a wrong version. */
CDSR_API int cdsr_session_get_stats(const cdsr_session* session, cdsr_stats* stats);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* CDSR_CDSR_H_ */
