#include "filter/format/frame.h"

#include "model/error.h"

namespace cdsr {
namespace {

/// Format, planes and strides; sizes are already set.
void fill_planes(const cdsr_frame& frame, const char* which, Frame& result) {
  const PixelFormat& format = *result.format;
  for (int p = 0; p < format.planes; ++p) {
    result.plane[p] = static_cast<uint8_t*>(frame.plane[p]);
    result.stride[p] = frame.stride[p];
    if (result.plane[p] == nullptr) {
      fail(Errc::InvalidArgument, "{} frame: plane {} of {} is NULL", which, p, format.name);
    }
    const PlaneSize size = plane_size(format, p, result.width, result.height);
    const auto needed = static_cast<ptrdiff_t>(size.row_bytes);
    const ptrdiff_t stride = frame.stride[p] < 0 ? -frame.stride[p] : frame.stride[p];
    if (stride < needed && size.rows > 1) {
      fail(Errc::InvalidArgument, "{} frame: stride {} of plane {} is less than its rows of {} bytes", which,
           frame.stride[p], p, needed);
    }
    if (reinterpret_cast<uintptr_t>(frame.plane[p]) % format.bytes != 0 || stride % format.bytes != 0) {
      fail(Errc::InvalidArgument, "{} frame: plane {} of {} is not aligned to {} bytes", which, p,
           format.name, format.bytes);
    }
  }
}

bool lies_on_gpu(const cdsr_frame& frame, const char* which) {
  if (frame.memory != CDSR_MEMORY_CPU && frame.memory != CDSR_MEMORY_CUDA)
    fail(Errc::InvalidArgument, "{} frame: memory {}: must be 0 (CPU) or 1 (CUDA)", which, frame.memory);
  return frame.memory == CDSR_MEMORY_CUDA;
}

const PixelFormat& known_format(const cdsr_frame& frame, const char* which) {
  const PixelFormat* format = find_format(frame.format);
  if (format == nullptr) fail(Errc::InvalidArgument, "{} frame: no pixel format {}", which, frame.format);
  return *format;
}

}  // namespace

void check_size(const char* what, int width, int height) {
  if (width < 1 || width > kMaxSide || height < 1 || height > kMaxSide) {
    fail(Errc::InvalidArgument, "{}: {}x{}; each side must be 1..{}", what, width, height, kMaxSide);
  }
}

Frame input_frame(const cdsr_frame& frame) {
  Frame result;
  result.format = &known_format(frame, "input");
  result.on_gpu = lies_on_gpu(frame, "input");
  // Its components would be written by threads that know nothing of each other.
  if (result.on_gpu && result.format->bytes > 2)
    fail(Errc::Unsupported, "input frame: {} in the memory of the GPU", result.format->name);
  check_size("input frame", frame.width, frame.height);
  result.width = frame.width;
  result.height = frame.height;
  fill_planes(frame, "input", result);
  result.color = resolve_color(*result.format, frame.width, frame.height, frame.matrix, frame.range,
                               frame.chroma_location);
  return result;
}

Frame output_frame(const cdsr_frame& frame, const Frame& input, int scale) {
  Frame result;
  result.format = &known_format(frame, "output");
  result.on_gpu = lies_on_gpu(frame, "output");
  if (result.on_gpu != input.on_gpu)
    fail(Errc::InvalidArgument, "output frame: in the memory of the {}, the input in that of the {}",
         result.on_gpu ? "GPU" : "processor", input.on_gpu ? "GPU" : "processor");
  if (result.format != input.format) {
    fail(Errc::InvalidArgument, "output frame: format {} differs from the input's {}", result.format->name,
         input.format->name);
  }
  if (frame.width != input.width * scale || frame.height != input.height * scale) {
    fail(Errc::InvalidArgument, "output frame: {}x{}; must be {} times the input: {}x{}", frame.width,
         frame.height, scale, input.width * scale, input.height * scale);
  }
  result.width = frame.width;
  result.height = frame.height;
  fill_planes(frame, "output", result);
  result.color = input.color;
  return result;
}

}  // namespace cdsr
