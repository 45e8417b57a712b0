#include "tools/media/video_reader.h"

extern "C" {
#include <libavutil/log.h>
}

#include "model/error.h"

namespace cdsr::tools {

VideoReader::VideoReader(const std::filesystem::path& path) : name_(path.string()) {
  static const bool quiet = (av_log_set_level(AV_LOG_QUIET), true);
  (void)quiet;
  AVFormatContext* raw = nullptr;
  const int opened = avformat_open_input(&raw, name_.c_str(), nullptr, nullptr);
  if (opened < 0) fail(Errc::Io, "{}: cannot open: {}", name_, av_text(opened));
  format_.reset(raw);
  if (avformat_find_stream_info(raw, nullptr) < 0) fail(Errc::Unsupported, "{}: not a readable video", name_);
  index_ = av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index_ < 0) fail(Errc::Unsupported, "{}: no video in it", name_);
  const AVCodecParameters& parameters = *stream().codecpar;
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr)
    fail(Errc::Unsupported, "{}: this FFmpeg has no decoder for {}", name_,
         avcodec_get_name(parameters.codec_id));
  context_.reset(avcodec_alloc_context3(codec));
  packet_.reset(av_packet_alloc());
  if (!context_ || !packet_) fail(Errc::OutOfMemory, "{}: no memory for its decoder", name_);
  context_->thread_count = 1;  // files are read side by side
  if (avcodec_parameters_to_context(context_.get(), &parameters) < 0 ||
      avcodec_open2(context_.get(), codec, nullptr) < 0)
    fail(Errc::Unsupported, "{}: the decoder for {} cannot be opened", name_, codec->name);
}

int64_t VideoReader::duration() const {
  if (stream().duration > 0) return stream().duration;
  return format_->duration > 0 ? av_rescale_q(format_->duration, {1, AV_TIME_BASE}, stream().time_base) : 0;
}

bool VideoReader::seek(int64_t time) {
  if (av_seek_frame(format_.get(), index_, time, AVSEEK_FLAG_BACKWARD) < 0) return false;
  avcodec_flush_buffers(context_.get());
  return true;
}

AvPtr<AVFrame> VideoReader::next() {
  AvPtr<AVFrame> frame(av_frame_alloc());
  if (!frame) fail(Errc::OutOfMemory, "{}: no memory for a frame", name_);
  while (true) {
    const int got = avcodec_receive_frame(context_.get(), frame.get());
    if (got == 0) return frame;
    if (got == AVERROR_EOF) return nullptr;
    if (av_read_frame(format_.get(), packet_.get()) < 0) {
      avcodec_send_packet(context_.get(), nullptr);
      continue;
    }
    if (packet_->stream_index == index_) avcodec_send_packet(context_.get(), packet_.get());
    av_packet_unref(packet_.get());
  }
}

double VideoReader::seconds(const AVFrame& frame) const {
  if (frame.best_effort_timestamp == AV_NOPTS_VALUE) return 0;
  return static_cast<double>(frame.best_effort_timestamp) * av_q2d(stream().time_base);
}

}  // namespace cdsr::tools
