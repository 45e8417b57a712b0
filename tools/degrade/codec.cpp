#include "tools/degrade/codec.h"

extern "C" {
#include <libavutil/log.h>
}

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/error.h"
#include "tools/av.h"

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
  } else {
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = static_cast<int>(std::lround(FF_QP2LAMBDA * quality));
  }
  check(avcodec_open2(context.get(), found, &options.dictionary), codec, "open the encoder");
  return context;
}

/// Plane p of a frame: rows of `bytes`.
template <typename Frame, typename Copy>
void for_rows(Frame& frame, int p, const Copy& copy) {
  const int shift = p == 0 ? 0 : 1;
  for (int y = 0; y < frame.height >> shift; ++y)
    copy(frame.data[p] + static_cast<ptrdiff_t>(y) * frame.linesize[p],
         static_cast<size_t>(y) * (frame.width >> shift), static_cast<size_t>(frame.width >> shift));
}

AvPtr<AVFrame> to_frame(const Yuv420& yuv, Codec codec, double quality, int64_t time) {
  AvPtr<AVFrame> frame(allocated(av_frame_alloc()));
  frame->width = yuv.width;
  frame->height = yuv.height;
  frame->format = codec == Codec::Jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  frame->pts = time;
  frame->quality =
      static_cast<int>(std::lround(FF_QP2LAMBDA * quality));  // read with AV_CODEC_FLAG_QSCALE alone
  check(av_frame_get_buffer(frame.get(), 0), codec, "allocate a frame");
  for (int p = 0; p < 3; ++p)
    for_rows(*frame, p, [&](uint8_t* row, size_t at, size_t bytes) {
      std::copy_n(yuv.plane[p].data() + at, bytes, row);
    });
  return frame;
}

std::vector<AvPtr<AVPacket>> encode(Codec codec, double quality, std::span<const Yuv420> clip) {
  const AvPtr<AVCodecContext> context = open_encoder(codec, quality, clip[0].width, clip[0].height);
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

Yuv420 recode(Codec codec, double quality, std::span<const Yuv420> clip, size_t shown) {
  if (codec == Codec::None) return clip[shown];
  if (!available(codec))
    fail(Errc::Unsupported, "this FFmpeg cannot encode {}: install one with libx264 and libx265",
         to_string(codec));
  static const bool quiet = (av_log_set_level(AV_LOG_QUIET), true);
  (void)quiet;
  const auto packets = encode(codec, quality, clip);

  const AVCodec* found = avcodec_find_decoder(encoder(codec)->id);
  const AvPtr<AVCodecContext> context(allocated(avcodec_alloc_context3(found)));
  context->thread_count = 1;
  check(avcodec_open2(context.get(), found, nullptr), codec, "open the decoder");
  const AvPtr<AVFrame> frame(allocated(av_frame_alloc()));
  size_t seen = 0;
  for (size_t i = 0; i <= packets.size(); ++i) {
    check(avcodec_send_packet(context.get(), i < packets.size() ? packets[i].get() : nullptr), codec,
          "decode");
    while (true) {
      const int got = avcodec_receive_frame(context.get(), frame.get());
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) break;
      check(got, codec, "decode");
      if (seen++ != shown) continue;
      Yuv420 out(frame->width, frame->height);
      for (int p = 0; p < 3; ++p)
        for_rows(*frame, p, [&](const uint8_t* row, size_t at, size_t bytes) {
          std::copy_n(row, bytes, out.plane[p].data() + at);
        });
      return out;
    }
  }
  fail(Errc::Internal, "{}: {} frames went in and {} came out", to_string(codec), clip.size(), seen);
}

}  // namespace cdsr::degrade
