#include "tools/media/tiff_file.h"

#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "model/error.h"

namespace cdsr::tools {
namespace {

struct Memory {
  const std::vector<uint8_t>& bytes;
  toff_t at = 0;
};

tmsize_t read_some(thandle_t handle, void* to, tmsize_t size) {
  auto& m = *static_cast<Memory*>(handle);
  const auto left = m.at < m.bytes.size() ? m.bytes.size() - m.at : 0;
  const auto n = std::min(static_cast<size_t>(size), static_cast<size_t>(left));
  if (n > 0) std::memcpy(to, m.bytes.data() + m.at, n);
  m.at += n;
  return static_cast<tmsize_t>(n);
}
tmsize_t write_none(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  auto& m = *static_cast<Memory*>(handle);
  m.at = offset + (whence == SEEK_CUR ? m.at : whence == SEEK_END ? m.bytes.size() : 0);
  return m.at;
}
int close_none(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return static_cast<Memory*>(handle)->bytes.size(); }

/// The last thing libtiff said on this thread: it has no other way.
thread_local char said[256];
void keep(const char*, const char* format, va_list arguments) {
  std::vsnprintf(said, sizeof said, format, arguments);
}

/// AVFrame as red, green, blue, alpha in the bytes of libtiff's words.
AvPtr<AVFrame> to_rgb24(const std::vector<uint32_t>& raster, int width, int height) {
  AvPtr<AVFrame> frame(av_frame_alloc());
  if (frame) {
    frame->format = AV_PIX_FMT_RGB24;
    frame->width = width;
    frame->height = height;
  }
  if (!frame || av_frame_get_buffer(frame.get(), 0) < 0) fail(Errc::OutOfMemory, "no memory for a picture");
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const uint32_t pixel = raster[static_cast<size_t>(y) * width + x];
      uint8_t* const to = frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0] + ptrdiff_t{3} * x;
      to[0] = TIFFGetR(pixel);
      to[1] = TIFFGetG(pixel);
      to[2] = TIFFGetB(pixel);
    }
  frame->colorspace = AVCOL_SPC_RGB;
  frame->color_range = AVCOL_RANGE_JPEG;
  return frame;
}

struct Close {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

/// nullptr when it cannot be opened. `memory` must outlive it.
std::unique_ptr<TIFF, Close> open(Memory& memory, const std::string& name) {
  static const bool hooked = (TIFFSetErrorHandler(keep), TIFFSetWarningHandler(nullptr), true);
  (void)hooked;
  said[0] = '\0';
  return std::unique_ptr<TIFF, Close>(TIFFClientOpen(name.c_str(), "rm", &memory, read_some, write_none, seek,
                                                     close_none, size_of, nullptr, nullptr));
}

}  // namespace

bool has_libtiff() { return true; }

AvPtr<AVFrame> read_tiff(const std::vector<uint8_t>& bytes, const std::string& name) {
  const auto refuse = [&] { fail(Errc::Unsupported, "{}: a TIFF that cannot be read: {}", name, said); };
  Memory memory{bytes};
  const auto tiff = open(memory, name);
  if (!tiff) refuse();
  uint32_t width = 0, height = 0;
  uint16_t extra = 0;
  uint16_t* kinds = nullptr;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_EXTRASAMPLES, &extra, &kinds);
  constexpr uint32_t kLimit = 65536;
  if (width < 1 || height < 1 || width > kLimit || height > kLimit)
    fail(Errc::Unsupported, "{}: {}x{}, each side must be 1 to {}", name, width, height, kLimit);
  if (extra > 0)
    fail(Errc::Unsupported, "{}: a TIFF with alpha and JPEG or YCbCr inside cannot be read", name);
  std::vector<uint32_t> raster(size_t{width} * height);
  // Half turns and mirrors are libtiff's to apply.
  uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_ORIENTATION, &orientation);
  if (orientation > ORIENTATION_BOTLEFT)
    fail(Errc::Unsupported, "{}: a TIFF with JPEG or YCbCr inside and orientation {}, must be 1 to 4", name,
         orientation);
  if (TIFFReadRGBAImageOriented(tiff.get(), width, height, raster.data(), ORIENTATION_TOPLEFT, 1) == 0)
    refuse();
  AvPtr<AVFrame> frame = to_rgb24(raster, static_cast<int>(width), static_cast<int>(height));
  uint32_t size = 0;
  void* profile = nullptr;
  if (TIFFGetField(tiff.get(), TIFFTAG_ICCPROFILE, &size, &profile) != 0 && size > 0) {
    AVFrameSideData* side = av_frame_new_side_data(frame.get(), AV_FRAME_DATA_ICC_PROFILE, size);
    if (side == nullptr) fail(Errc::OutOfMemory, "{}: no memory for its colour profile", name);
    std::memcpy(side->data, profile, size);
  }
  return frame;
}

int tiff_pages(const std::vector<uint8_t>& bytes, const std::string& name) {
  Memory memory{bytes};
  const auto tiff = open(memory, name);
  return tiff ? static_cast<int>(TIFFNumberOfDirectories(tiff.get())) : 0;
}

}  // namespace cdsr::tools
