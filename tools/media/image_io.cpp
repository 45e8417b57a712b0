#include "tools/media/image_io.h"

#include <cstring>

#include "model/error.h"
#include "tools/media/frame_to_rgb.h"
#include "tools/media/picture_file.h"

namespace cdsr::tools {

Picture read_picture(const std::filesystem::path& path) {
  return frame_to_rgb(*read_picture_file(path).frame, path.string());
}

namespace {

AvPtr<AVFrame> frame_of(const Picture& picture) {
  AvPtr<AVFrame> frame(av_frame_alloc());
  if (frame) {
    frame->format = AV_PIX_FMT_RGB24;
    frame->width = picture.width;
    frame->height = picture.height;
  }
  if (!frame || av_frame_get_buffer(frame.get(), 0) < 0)
    fail(Errc::OutOfMemory, "no memory for a picture of {}x{}", picture.width, picture.height);
  const size_t row = 3 * static_cast<size_t>(picture.width);
  for (int y = 0; y < picture.height; ++y)
    std::memcpy(frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0], picture.rgb.data() + y * row,
                row);
  return frame;
}

}  // namespace

void write_picture(const std::filesystem::path& path, const Picture& picture) {
  check_picture_size(path, picture.width, picture.height);
  write_picture_file(path, *frame_of(picture));
}

std::string jpeg_of(const Picture& picture) { return jpeg_bytes(*frame_of(picture), "a picture"); }

}  // namespace cdsr::tools
