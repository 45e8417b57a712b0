#include "tools/media/video_frames.h"

extern "C" {
#include <libavutil/log.h>
}

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "model/error.h"
#include "tools/media/av.h"
#include "tools/media/frame_to_rgb.h"

namespace cdsr::tools {
namespace {

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : name_(path.string()) {
    static const bool quiet = (av_log_set_level(AV_LOG_QUIET), true);
    (void)quiet;
    AVFormatContext* raw = nullptr;
    const int opened = avformat_open_input(&raw, name_.c_str(), nullptr, nullptr);
    if (opened < 0) fail(Errc::Io, "{}: cannot open: {}", name_, av_text(opened));
    format_.reset(raw);
    if (avformat_find_stream_info(raw, nullptr) < 0)
      fail(Errc::Unsupported, "{}: not a readable video", name_);
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

  AVStream& stream() const { return *format_->streams[index_]; }
  const std::string& name() const { return name_; }
  /// In the stream's time base; 0 when the file does not say.
  int64_t duration() const {
    if (stream().duration > 0) return stream().duration;
    return format_->duration > 0 ? av_rescale_q(format_->duration, {1, AV_TIME_BASE}, stream().time_base) : 0;
  }
  /// To the key frame at or before `time`. False where the file cannot be sought in.
  bool seek(int64_t time) {
    if (av_seek_frame(format_.get(), index_, time, AVSEEK_FLAG_BACKWARD) < 0) return false;
    avcodec_flush_buffers(context_.get());
    return true;
  }
  /// The next frame that can be decoded; null at the end. A damaged packet costs its frames, not the file.
  AvPtr<AVFrame> next() {
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

 private:
  std::string name_;
  AvPtr<AVFormatContext> format_;
  AvPtr<AVCodecContext> context_;
  AvPtr<AVPacket> packet_;
  int index_ = -1;
};

}  // namespace

bool has_video_name(const std::filesystem::path& path) {
  static constexpr std::array<const char*, 15> kEndings = {".mp4", ".mkv", ".mov",  ".avi", ".webm",
                                                           ".m4v", ".mpg", ".mpeg", ".ts",  ".m2ts",
                                                           ".y4m", ".wmv", ".flv",  ".ogv", ".vob"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::vector<Picture> read_video_frames(const std::filesystem::path& path, int most) {
  Reader reader(path);
  std::vector<Picture> out;
  const int64_t start = reader.stream().start_time == AV_NOPTS_VALUE ? 0 : reader.stream().start_time;
  const int64_t duration = reader.duration();
  int64_t last = AV_NOPTS_VALUE;
  for (int64_t i = 0; i < most; ++i) {
    // The frames of a file of unknown length, or that cannot be sought in, are taken from its beginning.
    const int64_t time = start + duration * (2 * i + 1) / (int64_t{2} * most);
    const bool sought = duration > 0 && reader.seek(time);
    AvPtr<AVFrame> frame = reader.next();
    while (frame && sought && frame->best_effort_timestamp < time) {
      AvPtr<AVFrame> following = reader.next();
      if (!following) break;
      frame = std::move(following);
    }
    if (!frame) {
      if (!sought) break;
      continue;
    }
    if (sought && frame->best_effort_timestamp == last) continue;  // fewer frames than asked for
    last = frame->best_effort_timestamp;
    out.push_back(apply_rotation(frame_to_rgb(*frame, reader.name()), *frame));
  }
  if (out.empty()) fail(Errc::Io, "{}: no frame could be decoded", reader.name());
  return out;
}

}  // namespace cdsr::tools
