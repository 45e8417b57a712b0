#include "tools/degrade/codec.h"

extern "C" {
#include <libavutil/log.h>
}

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/error.h"
#include "tools/media/av.h"

namespace cdsr::degrade {
namespace {

using tools::AvPtr;

const AVCodec* encoder(Codec codec) {
  switch (codec) {
    case Codec::Jpeg:
      return avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    case Codec::Mpeg2:
      return avcodec_find_encoder(AV_CODEC_ID_MPEG2VIDEO);
    // By name: other encoders of these formats have no CRF.
    case Codec::H264:
      return avcodec_find_encoder_by_name("libx264");
    case Codec::Hevc:
      return avcodec_find_encoder_by_name("libx265");
    case Codec::Vp9:
      return avcodec_find_encoder_by_name("libvpx-vp9");
    case Codec::Av1:
      return avcodec_find_encoder_by_name("libaom-av1");
    case Codec::None:
      break;
  }
  return nullptr;
}

void check(int result, Codec codec, const char* what) {
  if (result < 0) fail(Errc::Internal, "{}: cannot {}: {}", to_string(codec), what, tools::av_text(result));
}

template <typename T>
T* allocated(T* p) {
  if (p == nullptr) fail(Errc::OutOfMemory, "no memory for a codec");
  return p;
}

struct Options {
  AVDictionary* dictionary = nullptr;
  Options() = default;
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() { av_dict_free(&dictionary); }
  void set(const char* key, const std::string& value) { av_dict_set(&dictionary, key, value.c_str(), 0); }
};

AvPtr<AVCodecContext> open_encoder(Codec codec, double quality, int width, int height) {
  const AVCodec* found = encoder(codec);
  AvPtr<AVCodecContext> context(allocated(avcodec_alloc_context3(found)));
  context->width = width;
  context->height = height;
  context->pix_fmt = codec == Codec::Jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  context->time_base = {1, 25};
  context->framerate = {25, 1};
  context->gop_size = 250;
  context->thread_count = 1;  // a training batch has its own threads
  Options options;
  if (codec == Codec::H264) {
    options.set("preset", "veryfast");
    options.set("crf", fmt::format("{:.2f}", quality));
    options.set("x264-params", "threads=1:lookahead-threads=1:sync-lookahead=0:rc-lookahead=2:scenecut=0");
  } else if (codec == Codec::Hevc) {
    options.set("preset", "ultrafast");
    options.set("crf", fmt::format("{:.2f}", quality));
    options.set(
        "x265-params",
        "pools=none:frame-threads=1:wpp=0:ctu=32:rc-lookahead=2:bframes=1:scenecut=0:info=0:log-level=none");
  } else if (codec == Codec::Vp9 || codec == Codec::Av1) {
    context->bit_rate = 0;  // else CRF is only a limit
    options.set("crf", fmt::format("{:.0f}", quality));
    if (codec == Codec::Vp9)
      options.set("deadline", "realtime");
    else
      options.set("usage", "realtime");
    options.set("cpu-used", codec == Codec::Vp9 ? "6" : "8");
    options.set("lag-in-frames", "0");
    options.set("row-mt", "0");
  } else {
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = static_cast<int>(std::lround(FF_QP2LAMBDA * quality));
  }
  check(avcodec_open2(context.get(), found, &options.dictionary), codec, "open the encoder");
  return context;
}

/// Sides that are encoded: x265 3.5 writes past its buffers where both are 48.
int coded_side(Codec codec, int side) { return codec == Codec::Hevc ? std::max(side, 64) : side; }

AvPtr<AVFrame> to_frame(const Yuv420& yuv, Codec codec, double quality, int64_t time) {
  AvPtr<AVFrame> frame(allocated(av_frame_alloc()));
  frame->width = coded_side(codec, yuv.width);
  frame->height = coded_side(codec, yuv.height);
  frame->format = codec == Codec::Jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  frame->pts = time;
  frame->quality =
      static_cast<int>(std::lround(FF_QP2LAMBDA * quality));  // read with AV_CODEC_FLAG_QSCALE alone
  check(av_frame_get_buffer(frame.get(), 0), codec, "allocate a frame");
  for (int p = 0; p < 3; ++p) {
    const int shift = p == 0 ? 0 : 1, width = yuv.width >> shift, height = yuv.height >> shift;
    for (int y = 0; y < frame->height >> shift; ++y) {  // edges repeated beyond the picture
      const uint8_t* from = &yuv.plane[p][static_cast<size_t>(std::min(y, height - 1)) * width];
      uint8_t* row = frame->data[p] + static_cast<ptrdiff_t>(y) * frame->linesize[p];
      std::fill(std::copy_n(from, width, row), row + (frame->width >> shift), from[width - 1]);
    }
  }
  return frame;
}

/// The quantizer the encoder says it used for a packet, as a QP; negative if it says nothing.
double reported_qp(const AVPacket& packet) {
  size_t size = 0;
  const uint8_t* data = av_packet_get_side_data(&packet, AV_PKT_DATA_QUALITY_STATS, &size);
  if (data == nullptr || size < 4) return -1;
  uint32_t lambda = 0;
  for (int i = 3; i >= 0; --i) lambda = lambda << 8 | data[i];  // little-endian
  return static_cast<double>(lambda) / FF_QP2LAMBDA;
}

/// For encoders that report nothing: from their quality, by the size of the quantizer's step. H.264's step is
/// 1 at QP 4 and doubles every 6; a quantizer scale of q is a step of 3.4 q with the mean of MPEG's intra
/// matrix, which ffmpeg's JPEG uses too; the CRFs of VP9 and AV1 run to 63 where H.264's run to 51.
double nominal_qp(Codec codec, double quality) {
  if (codec == Codec::Jpeg || codec == Codec::Mpeg2) return 4 + 6 * std::log2(3.4 * std::max(quality, 0.5));
  return quality * 51 / 63;
}

std::vector<AvPtr<AVPacket>> encode(Codec codec, double quality, std::span<const Yuv420> clip) {
  const AvPtr<AVCodecContext> context =
      open_encoder(codec, quality, coded_side(codec, clip[0].width), coded_side(codec, clip[0].height));
  std::vector<AvPtr<AVPacket>> packets;
  for (size_t i = 0; i <= clip.size(); ++i) {
    const AvPtr<AVFrame> frame =
        i < clip.size() ? to_frame(clip[i], codec, quality, static_cast<int64_t>(i)) : nullptr;
    check(avcodec_send_frame(context.get(), frame.get()), codec, "encode");
    while (true) {
      AvPtr<AVPacket> packet(allocated(av_packet_alloc()));
      const int got = avcodec_receive_packet(context.get(), packet.get());
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) break;
      check(got, codec, "encode");
      packets.push_back(std::move(packet));
    }
  }
  return packets;
}

}  // namespace

const char* to_string(Codec codec) {
  switch (codec) {
    case Codec::Jpeg:
      return "jpeg";
    case Codec::Mpeg2:
      return "mpeg2";
    case Codec::H264:
      return "h264";
    case Codec::Hevc:
      return "hevc";
    case Codec::Vp9:
      return "vp9";
    case Codec::Av1:
      return "av1";
    case Codec::None:
      break;
  }
  return "none";
}

bool available(Codec codec) {
  if (codec == Codec::None) return true;
  const AVCodec* found = encoder(codec);
  return found != nullptr && avcodec_find_decoder(found->id) != nullptr;
}

bool has_crf(Codec codec) {
  return codec == Codec::H264 || codec == Codec::Hevc || codec == Codec::Vp9 || codec == Codec::Av1;
}

Recoded recode(Codec codec, double quality, std::span<const Yuv420> clip) {
  if (codec == Codec::None) return {{clip.begin(), clip.end()}, 0};
  if (!available(codec))
    fail(Errc::Unsupported,
         "this FFmpeg cannot encode {}: install one with libx264, libx265, libvpx and libaom",
         to_string(codec));
  static const bool quiet = (av_log_set_level(AV_LOG_QUIET), true);
  (void)quiet;
  const auto packets = encode(codec, quality, clip);
  Recoded out;
  double qp = 0;
  for (const auto& packet : packets) qp += reported_qp(*packet) / static_cast<double>(packets.size());
  out.qp = (codec == Codec::H264 || codec == Codec::Hevc) && qp >= 0 ? qp : nominal_qp(codec, quality);

  const AVCodec* found = avcodec_find_decoder(encoder(codec)->id);
  const AvPtr<AVCodecContext> context(allocated(avcodec_alloc_context3(found)));
  context->thread_count = 1;
  check(avcodec_open2(context.get(), found, nullptr), codec, "open the decoder");
  const AvPtr<AVFrame> frame(allocated(av_frame_alloc()));
  for (size_t i = 0; i <= packets.size(); ++i) {
    check(avcodec_send_packet(context.get(), i < packets.size() ? packets[i].get() : nullptr), codec,
          "decode");
    while (true) {
      const int got = avcodec_receive_frame(context.get(), frame.get());
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) break;
      check(got, codec, "decode");
      Yuv420 yuv(clip[0].width, clip[0].height);
      for (int p = 0; p < 3; ++p) {
        const int shift = p == 0 ? 0 : 1, width = yuv.width >> shift;
        for (int y = 0; y < yuv.height >> shift; ++y)
          std::copy_n(frame->data[p] + static_cast<ptrdiff_t>(y) * frame->linesize[p], width,
                      &yuv.plane[p][static_cast<size_t>(y) * width]);
      }
      out.frames.push_back(std::move(yuv));
    }
  }
  if (out.frames.size() != clip.size())
    fail(Errc::Internal, "{}: {} frames went in and {} came out", to_string(codec), clip.size(),
         out.frames.size());
  return out;
}

}  // namespace cdsr::degrade
