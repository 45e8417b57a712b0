// A video file, frame after frame, through FFmpeg's libraries.
#pragma once

#include <filesystem>
#include <string>

#include "tools/media/av.h"

namespace cdsr::tools {

/// The best video stream of a file. One thread.
class VideoReader {
 public:
  /// Throws Io (cannot be opened), Unsupported (no video in it, or one that this FFmpeg cannot decode).
  explicit VideoReader(const std::filesystem::path& path);

  AVStream& stream() const { return *format_->streams[index_]; }
  const std::string& name() const { return name_; }
  /// In the stream's time base; 0 when the file does not say.
  int64_t duration() const;
  /// To the key frame at or before `time`. False where the file cannot be sought in.
  bool seek(int64_t time);
  /// The next frame that can be decoded; null at the end. A damaged packet costs its frames, not the file.
  AvPtr<AVFrame> next();
  /// Of a frame of this file, seconds; 0 when it has no time.
  double seconds(const AVFrame& frame) const;

 private:
  std::string name_;
  AvPtr<AVFormatContext> format_;
  AvPtr<AVCodecContext> context_;
  AvPtr<AVPacket> packet_;
  int index_ = -1;
};

}  // namespace cdsr::tools
