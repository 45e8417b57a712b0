#include "tools/media/image_io.h"

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

#include "model/error.h"
#include "tools/media/av.h"
#include "tools/media/frame_to_rgb.h"

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

/// The first frame of the first video stream.
AvPtr<AVFrame> decode_first(AVFormatContext& format, const std::string& name) {
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
  AvPtr<AVFrame> frame(allocated(av_frame_alloc()));
  for (bool draining = false;;) {
    const int got = avcodec_receive_frame(context.get(), frame.get());
    if (got == 0) return frame;
    if (got != AVERROR(EAGAIN) || draining) check(got, name, "cannot decode");
    const int read = av_read_frame(&format, packet.get());
    draining = read < 0;
    if (draining)
      check(avcodec_send_packet(context.get(), nullptr), name, "cannot decode");
    else if (packet->stream_index == index)
      check(avcodec_send_packet(context.get(), packet.get()), name, "cannot decode");
    av_packet_unref(packet.get());
  }
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
  const bool jpeg = bytes.size() > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8;
  if (jpeg && desc != nullptr && desc->nb_components == 4 && !has_adobe_marker(bytes))
    fail(Errc::Unsupported,
         "{}: a JPEG of four components without Adobe's marker: CMYK or not cannot be told; store it as RGB",
         name);
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

void fill_rgb(const Picture& p, AVFrame& f) {
  const size_t row = 3 * static_cast<size_t>(p.width);
  for (int y = 0; y < p.height; ++y)
    std::memcpy(f.data[0] + static_cast<ptrdiff_t>(y) * f.linesize[0], p.rgb.data() + y * row, row);
}

AvPtr<AVPacket> encode(const Picture& picture, bool jpeg, const std::string& name) {
  const AVCodec* codec = avcodec_find_encoder(jpeg ? AV_CODEC_ID_MJPEG : AV_CODEC_ID_PNG);
  if (codec == nullptr)
    fail(Errc::Unsupported, "{}: this FFmpeg has no {} encoder", name, jpeg ? "JPEG" : "PNG");
  const AvPtr<AVCodecContext> context(allocated(avcodec_alloc_context3(codec)));
  context->width = picture.width;
  context->height = picture.height;
  context->time_base = {1, 25};
  context->pix_fmt = jpeg ? AV_PIX_FMT_YUVJ444P : AV_PIX_FMT_RGB24;
  context->thread_count = 1;
  if (jpeg) {
    context->color_range = AVCOL_RANGE_JPEG;
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = 2 * FF_QP2LAMBDA;
  }
  check(avcodec_open2(context.get(), codec, nullptr), name, "cannot open the encoder");

  const AvPtr<AVFrame> frame(allocated(av_frame_alloc()));
  frame->format = context->pix_fmt;
  frame->width = picture.width;
  frame->height = picture.height;
  frame->color_range = context->color_range;
  frame->quality = context->global_quality;
  check(av_frame_get_buffer(frame.get(), 0), name, "no memory for a frame");
  if (jpeg)
    fill_yuv(picture, *frame);
  else
    fill_rgb(picture, *frame);
  AvPtr<AVPacket> packet(allocated(av_packet_alloc()));
  check(avcodec_send_frame(context.get(), frame.get()), name, "cannot encode");
  check(avcodec_send_frame(context.get(), nullptr), name, "cannot encode");
  check(avcodec_receive_packet(context.get(), packet.get()), name, "cannot encode");
  return packet;
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

}  // namespace

Picture read_picture(const fs::path& path) {
  quiet_log();
  const std::string name = path.string();
  const std::vector<uint8_t> bytes = read_bytes(path);
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
  const AvPtr<AVFrame> frame = decode_first(*format, name);
  check_inks(bytes, *frame, name);
  return apply_rotation(frame_to_rgb(*frame, name), *frame);
}

void check_picture_name(const fs::path& path) { is_jpeg_name(path); }

void write_picture(const fs::path& path, const Picture& picture) {
  quiet_log();
  const std::string name = path.string();
  const bool jpeg = is_jpeg_name(path);
  const int limit = jpeg ? 65500 : 1'000'000;
  if (picture.width < 1 || picture.height < 1 || picture.width > limit || picture.height > limit)
    fail(Errc::InvalidArgument, "{}: {} x {}, each side must be 1 to {}", name, picture.width, picture.height,
         limit);
  const AvPtr<AVPacket> packet = encode(picture, jpeg, name);
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(packet->data), packet->size);
  out.close();
  if (!out) fail(Errc::Io, "{}: cannot write: {}", name, std::strerror(errno));
}

std::string jpeg_of(const Picture& picture) {
  quiet_log();
  const AvPtr<AVPacket> packet = encode(picture, /*jpeg=*/true, "a picture");
  return {reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size)};
}

}  // namespace cdsr::tools
