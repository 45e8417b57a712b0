#include "tools/media/picture_file.h"

extern "C" {
#include <libavutil/log.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "model/error.h"
#include "tools/media/frame_to_rgb.h"
#include "tools/media/sample_rows.h"
#include "tools/media/tiff_file.h"

namespace cdsr::tools {
namespace {

namespace fs = std::filesystem;

// Formats told by their content. A list, so that a playlist named .png cannot make the demuxer open other
// files.
constexpr const char* kFormats =
    "apng,bmp_pipe,dds_pipe,dpx_pipe,gif,j2k_pipe,jpeg_pipe,jpegls_pipe,jpegxl_pipe,pam_pipe,pbm_pipe,pcx_"
    "pipe,"
    "pgm_pipe,pgmyuv_pipe,png_pipe,ppm_pipe,psd_pipe,qoi_pipe,sgi_pipe,sunrast_pipe,tiff_pipe,webp_pipe,xbm_"
    "pipe,"
    "xpm_pipe,xwd_pipe";

/// Messages are Error's; the libraries' own log stays silent.
void quiet_log() {
  static const bool done = [] {
    av_log_set_level(AV_LOG_QUIET);
    return true;
  }();
  (void)done;
}

std::vector<uint8_t> read_bytes(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) fail(Errc::Io, "{}: a directory, must be an image file", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(Errc::Io, "{}: cannot open: {}", path.string(), std::strerror(errno));
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) fail(Errc::Io, "{}: cannot read: {}", path.string(), std::strerror(errno));
  if (bytes.empty()) fail(Errc::Io, "{}: the file is empty", path.string());
  return bytes;
}

struct Memory {
  const std::vector<uint8_t>& bytes;
  size_t at = 0;
};

int memory_read(void* opaque, uint8_t* buffer, int size) {
  auto& m = *static_cast<Memory*>(opaque);
  const size_t n = std::min(static_cast<size_t>(size), m.bytes.size() - m.at);
  if (n == 0) return AVERROR_EOF;
  std::memcpy(buffer, m.bytes.data() + m.at, n);
  m.at += n;
  return static_cast<int>(n);
}

int64_t memory_seek(void* opaque, int64_t offset, int whence) {
  auto& m = *static_cast<Memory*>(opaque);
  const auto size = static_cast<int64_t>(m.bytes.size());
  if (whence == AVSEEK_SIZE) return size;
  const int64_t to = offset + (whence == SEEK_CUR   ? static_cast<int64_t>(m.at)
                               : whence == SEEK_END ? size
                                                    : 0);
  if (to < 0 || to > size) return AVERROR(EINVAL);
  m.at = static_cast<size_t>(to);
  return to;
}

void check(int result, const std::string& name, const char* what) {
  if (result < 0) fail(Errc::Io, "{}: {}: {}", name, what, av_text(result));
}

template <typename T>
T* allocated(T* p) {
  if (p == nullptr) fail(Errc::OutOfMemory, "no memory for an image");
  return p;
}

/// The first frame of the first video stream, and whether there is another.
PictureFile decode_first(AVFormatContext& format, const std::string& name) {
  check(avformat_find_stream_info(&format, nullptr), name, "not a readable image");
  const int index = av_find_best_stream(&format, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index < 0) fail(Errc::Unsupported, "{}: no picture in it", name);
  const AVCodecParameters& parameters = *format.streams[index]->codecpar;
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr)
    fail(Errc::Unsupported, "{}: this FFmpeg has no decoder for {}", name,
         avcodec_get_name(parameters.codec_id));
  const AvPtr<AVCodecContext> context(allocated(avcodec_alloc_context3(codec)));
  check(avcodec_parameters_to_context(context.get(), &parameters), name, "cannot set up the decoder");
  context->thread_count = 1;  // callers read many pictures at once
  context->err_recognition =
      AV_EF_EXPLODE | AV_EF_CRCCHECK;  // a damaged picture is an error, not a grey area
  check(avcodec_open2(context.get(), codec, nullptr), name, "cannot open the decoder");

  const AvPtr<AVPacket> packet(allocated(av_packet_alloc()));
  PictureFile file{AvPtr<AVFrame>(allocated(av_frame_alloc())), false};
  for (bool draining = false;;) {
    const int got = avcodec_receive_frame(context.get(), file.frame.get());
    if (got == 0) break;
    if (got != AVERROR(EAGAIN) || draining) check(got, name, "cannot decode");
    const int read = av_read_frame(&format, packet.get());
    draining = read < 0;
    if (draining)
      check(avcodec_send_packet(context.get(), nullptr), name, "cannot decode");
    else if (packet->stream_index == index)
      check(avcodec_send_packet(context.get(), packet.get()), name, "cannot decode");
    av_packet_unref(packet.get());
  }
  // What else there may be after a picture (telephones append films to their JPEGs) is none of ours.
  const std::string_view kind = format.iformat->name;
  const bool animates = kind == "gif" || kind == "apng";
  while (animates && !file.has_more && av_read_frame(&format, packet.get()) >= 0) {
    file.has_more = packet->stream_index == index;
    av_packet_unref(packet.get());
  }
  return file;
}

bool is_jpeg(const std::vector<uint8_t>& bytes) {
  return bytes.size() > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8;
}

bool is_tiff(const std::vector<uint8_t>& bytes) {
  return bytes.size() > 8 &&
         (std::memcmp(bytes.data(), "II*\0", 4) == 0 || std::memcmp(bytes.data(), "MM\0*", 4) == 0);
}

/// An extended WebP's chunk begins with its flags; FFmpeg 5.1 to 8 know none that is animated.
bool is_animated_webp(const std::vector<uint8_t>& bytes) {
  return bytes.size() > 20 && std::memcmp(bytes.data(), "RIFF", 4) == 0 &&
         std::memcmp(&bytes[8], "WEBPVP8X", 8) == 0 && (bytes[20] & 2) != 0;
}

/// Whether a JPEG has Adobe's marker, which says what four components are. Segments: 0xFF, marker, length.
bool has_adobe_marker(const std::vector<uint8_t>& jpeg) {
  constexpr uint8_t kAdobe = 0xEE, kScan = 0xDA;
  for (size_t at = 2; at + 9 <= jpeg.size() && jpeg[at] == 0xFF && jpeg[at + 1] != kScan;
       at += 2 + (static_cast<size_t>(jpeg[at + 2]) << 8 | jpeg[at + 3]))
    if (jpeg[at + 1] == kAdobe && std::memcmp(&jpeg[at + 4], "Adobe", 5) == 0) return true;
  return false;
}

/// Inks of unknown meaning would come out in wrong colours.
void check_inks(const std::vector<uint8_t>& bytes, const AVFrame& frame, const std::string& name) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (is_jpeg(bytes) && desc != nullptr && desc->nb_components == 4 && !has_adobe_marker(bytes))
    fail(Errc::Unsupported,
         "{}: a JPEG of four components without Adobe's marker: CMYK or not cannot be told; store it as RGB",
         name);
}

/// A decoded picture as all else wants it: CMYK's fourth plane is no alpha, a camera's turn is applied, and
/// what is not said of YUV is what still pictures mean by it.
AvPtr<AVFrame> settled(AvPtr<AVFrame> frame, bool jpeg, bool tiff, const std::string& name) {
  if (jpeg && frame->format == AV_PIX_FMT_GBRAP) frame->format = AV_PIX_FMT_GBRP;
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame->format));
  if (desc != nullptr && desc->nb_components >= 3 && (desc->flags & AV_PIX_FMT_FLAG_RGB) == 0) {
    if (frame->colorspace == AVCOL_SPC_UNSPECIFIED) frame->colorspace = AVCOL_SPC_BT470BG;
    if (tiff && frame->color_range == AVCOL_RANGE_UNSPECIFIED) frame->color_range = AVCOL_RANGE_JPEG;
    if (frame->chroma_location == AVCHROMA_LOC_UNSPECIFIED) frame->chroma_location = AVCHROMA_LOC_CENTER;
  }
  return is_rotated(*frame) ? apply_rotation(frame_to_samples(*frame, name)) : std::move(frame);
}

PictureFile decode(const std::vector<uint8_t>& bytes, const std::string& name) {
  Memory memory{bytes};
  constexpr int kBuffer = 1 << 16;
  auto* buffer = static_cast<unsigned char*>(allocated(av_malloc(kBuffer)));
  const AvPtr<AVIOContext> io(
      allocated(avio_alloc_context(buffer, kBuffer, 0, &memory, memory_read, nullptr, memory_seek)));

  AVFormatContext* raw = allocated(avformat_alloc_context());
  raw->pb = io.get();
  raw->format_whitelist = av_strdup(kFormats);
  const int opened = avformat_open_input(&raw, nullptr, nullptr, nullptr);  // frees `raw` when it fails
  if (opened < 0) fail(Errc::Unsupported, "{}: not an image of a known format ({})", name, av_text(opened));
  const AvPtr<AVFormatContext> format(raw);
  return decode_first(*format, name);
}

/// .png or .jpg; throws for another ending.
bool is_jpeg_name(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (ending == ".jpg" || ending == ".jpeg") return true;
  if (ending == ".png") return false;
  fail(Errc::InvalidArgument, "{}: ends in '{}', must be .png, .jpg or .jpeg", path.string(), ending);
}

/// R'G'B' to full-range BT.601 YUV 4:4:4, as JFIF has it.
void fill_yuv(const Picture& p, AVFrame& f) {
  const auto code = [](double v) { return static_cast<uint8_t>(std::lround(std::clamp(v, 0.0, 255.0))); };
  for (int y = 0; y < p.height; ++y)
    for (int x = 0; x < p.width; ++x) {
      const uint8_t* rgb = p.rgb.data() + 3 * (static_cast<size_t>(y) * p.width + x);
      const double l = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
      f.data[0][static_cast<ptrdiff_t>(y) * f.linesize[0] + x] = code(l);
      f.data[1][static_cast<ptrdiff_t>(y) * f.linesize[1] + x] = code(128 + (rgb[2] - l) / 1.772);
      f.data[2][static_cast<ptrdiff_t>(y) * f.linesize[2] + x] = code(128 + (rgb[0] - l) / 1.402);
    }
}

/// The format of JPEG's encoder for planes that are JFIF's already, else none.
AVPixelFormat jfif_format(const AVFrame& f) {
  const bool full = f.color_range == AVCOL_RANGE_JPEG;
  const bool bt601 = f.colorspace == AVCOL_SPC_BT470BG || f.colorspace == AVCOL_SPC_SMPTE170M;
  const bool centred = f.chroma_location == AVCHROMA_LOC_CENTER;
  if (!full || !bt601) return AV_PIX_FMT_NONE;
  switch (f.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUV420P:
      return centred ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_NONE;
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUV422P:
      return centred ? AV_PIX_FMT_YUVJ422P : AV_PIX_FMT_NONE;
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUV444P:
      return AV_PIX_FMT_YUVJ444P;
    default:
      return AV_PIX_FMT_NONE;
  }
}

AvPtr<AVFrame> jpeg_frame(const AVFrame& in, const std::string& name) {
  AvPtr<AVFrame> out(allocated(av_frame_alloc()));
  if (const AVPixelFormat format = jfif_format(in); format != AV_PIX_FMT_NONE) {
    check(av_frame_ref(out.get(), &in), name, "no memory for a frame");
    out->format = format;
  } else {
    out->format = AV_PIX_FMT_YUVJ444P;
    out->width = in.width;
    out->height = in.height;
    check(av_frame_get_buffer(out.get(), 0), name, "no memory for a frame");
    check(av_frame_copy_props(out.get(), &in), name, "no memory for a frame");
    fill_yuv(frame_to_rgb(in, name), *out);
  }
  out->color_range = AVCOL_RANGE_JPEG;
  out->colorspace = AVCOL_SPC_BT470BG;
  return out;
}

AvPtr<AVPacket> encode(AVFrame& frame, bool jpeg, const std::string& name) {
  const AVCodec* codec = avcodec_find_encoder(jpeg ? AV_CODEC_ID_MJPEG : AV_CODEC_ID_PNG);
  if (codec == nullptr)
    fail(Errc::Unsupported, "{}: this FFmpeg has no {} encoder", name, jpeg ? "JPEG" : "PNG");
  const AvPtr<AVCodecContext> context(allocated(avcodec_alloc_context3(codec)));
  context->width = frame.width;
  context->height = frame.height;
  context->time_base = {1, 25};
  context->pix_fmt = static_cast<AVPixelFormat>(frame.format);
  context->sample_aspect_ratio = frame.sample_aspect_ratio;
  context->color_primaries = frame.color_primaries;
  context->color_trc = frame.color_trc;
  context->thread_count = 1;
  frame.pts = 0;
  frame.pict_type = AV_PICTURE_TYPE_NONE;
  if (jpeg) {
    context->color_range = AVCOL_RANGE_JPEG;
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = 2 * FF_QP2LAMBDA;
    frame.quality = context->global_quality;
  }
  check(avcodec_open2(context.get(), codec, nullptr), name, "cannot open the encoder");
  AvPtr<AVPacket> packet(allocated(av_packet_alloc()));
  check(avcodec_send_frame(context.get(), &frame), name, "cannot encode");
  check(avcodec_send_frame(context.get(), nullptr), name, "cannot encode");
  check(avcodec_receive_packet(context.get(), packet.get()), name, "cannot encode");
  return packet;
}

/// Alpha that is not one and the same opaque everywhere.
bool is_transparent(const AVFrame& frame, const std::string& name) {
  SampleRows rows(frame, name, 65535);
  if (!rows.has_alpha()) return false;
  std::vector<uint16_t> line;
  for (int y = 0; y < frame.height; ++y) {
    rows.read(y, line);
    for (size_t i = rows.channels() - 1; i < line.size(); i += rows.channels())
      if (line[i] != 65535) return true;
  }
  return false;
}

/// A profile of another kind of colours, of inks say, would make nonsense of those in the file.
bool has_wrong_profile(const AVFrame& frame, bool grey) {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_ICC_PROFILE);
  if (side == nullptr) return false;
  constexpr size_t kHeader = 128, kColours = 16;  // ICC.1: bytes 16 to 19 of the header name the colours
  return side->size < kHeader || std::memcmp(side->data + kColours, grey ? "GRAY" : "RGB ", 4) != 0;
}

}  // namespace

PictureFile read_picture_file(const fs::path& path) {
  quiet_log();
  const std::string name = path.string();
  const std::vector<uint8_t> bytes = read_bytes(path);
  if (is_animated_webp(bytes))
    fail(Errc::Unsupported, "{}: an animated WebP, which FFmpeg cannot decode; make a GIF or PNG of it",
         name);
  PictureFile file;
  const bool by_libtiff = is_tiff(bytes) && has_libtiff();
  try {
    file = decode(bytes, name);
  } catch (const Error&) {
    if (!by_libtiff) throw;
    file.frame = read_tiff(bytes, name);
  }
  if (by_libtiff) file.has_more = tiff_pages(bytes, name) > 1;
  check_inks(bytes, *file.frame, name);
  file.frame = settled(std::move(file.frame), is_jpeg(bytes), is_tiff(bytes), name);
  return file;
}

void check_picture_name(const fs::path& path) { is_jpeg_name(path); }

void check_picture_size(const fs::path& path, int width, int height) {
  const int limit = is_jpeg_name(path) ? 65500 : 1'000'000;
  if (width < 1 || height < 1 || width > limit || height > limit)
    fail(Errc::InvalidArgument, "{}: {} x {}, each side must be 1 to {}", path.string(), width, height,
         limit);
}

std::vector<std::string> write_picture_file(const fs::path& path, const AVFrame& frame) {
  quiet_log();
  const std::string name = path.string();
  const bool jpeg = is_jpeg_name(path);
  check_picture_size(path, frame.width, frame.height);
  const AvPtr<AVFrame> coded = jpeg ? jpeg_frame(frame, name) : frame_to_samples(frame, name);
  std::vector<std::string> lost;
  if (jpeg && is_transparent(frame, name)) lost.emplace_back("transparency");
  if (const int depth = SampleRows(frame, name, 255).depth(); jpeg && depth > 8)
    lost.push_back("8 of " + std::to_string(depth) + " bits");
  if (has_wrong_profile(frame, !jpeg && SampleRows(*coded, name, 255).colours() == 1)) {
    lost.emplace_back("the colour profile, which is of other colours than the file's");
    av_frame_remove_side_data(coded.get(), AV_FRAME_DATA_ICC_PROFILE);
  }
  const AvPtr<AVPacket> packet = encode(*coded, jpeg, name);
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(packet->data), packet->size);
  out.close();
  if (!out) fail(Errc::Io, "{}: cannot write: {}", name, std::strerror(errno));
  return lost;
}

std::string jpeg_bytes(const AVFrame& frame, const std::string& name) {
  quiet_log();
  const AvPtr<AVPacket> packet = encode(*jpeg_frame(frame, name), true, name);
  return {reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size)};
}

}  // namespace cdsr::tools
