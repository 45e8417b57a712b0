#include "tools/media/frame_upscaler.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <cstdio>
#include <string_view>

#include "filter/format/pixel_format.h"
#include "filter/model_cache.h"
#include "filter/option_table.h"
#include "model/error.h"
#include "model/weights.h"
#include "tools/media/frame_to_rgb.h"

namespace cdsr::tools {
namespace {

void print(void*, int32_t level, const char* line) {
  if (level <= CDSR_LOG_INFO) std::fprintf(stderr, "cdsr: %s\n", line);
}

const PixelFormat* format_of(const AVFrame& frame) {
  const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame.format));
  return name == nullptr ? nullptr : find_format(std::string_view(name));
}

/// libcdsr numbers the tags as FFmpeg does.
cdsr_frame wrap(AVFrame& frame) {
  cdsr_frame out{};
  out.version = CDSR_API_VERSION;
  out.format = format_of(frame)->id;
  out.width = frame.width;
  out.height = frame.height;
  for (int i = 0; i < 4; ++i) {
    out.plane[i] = frame.data[i];
    out.stride[i] = frame.linesize[i];
  }
  const bool jpeg =
      std::string_view(av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame.format))).starts_with("yuvj");
  out.matrix = frame.colorspace;
  out.range = jpeg ? static_cast<int32_t>(CDSR_RANGE_FULL) : static_cast<int32_t>(frame.color_range);
  out.chroma_location = frame.chroma_location;
  return out;
}

}  // namespace

FrameUpscaler::FrameUpscaler(const std::string& model, int scale, const EngineArguments& a)
    : scale_(scale != 0 ? scale : load_network(WeightsFile::open(model))->config.scale) {
  cdsr_options options = default_options();
  options.scale = scale_;
  options.backend = a.backend.c_str();
  options.precision = value_of(*find_option("precision"), a.precision);
  options.query = value_of(*find_option("query"), a.query);
  options.threads = a.threads;
  options.memory = a.memory;
  options.shots = CDSR_SHOTS_OFF;
  options.reuse = 0;
  if (a.verbose) options.log = print;
  session_ = std::make_unique<Session>(open_model(model, scale_), session_options(options));
}

AvPtr<AVFrame> FrameUpscaler::operator()(const AVFrame& frame, const std::string& name,
                                         const RowsDone& done) {
  AvPtr<AVFrame> in(format_of(frame) != nullptr ? av_frame_clone(&frame)
                                                : frame_to_samples(frame, name).release());
  AvPtr<AVFrame> out(av_frame_alloc());
  if (!in || !out) fail(Errc::OutOfMemory, "{}: no memory for a picture", name);
  out->format = in->format;
  out->width = in->width * scale();
  out->height = in->height * scale();
  if (av_frame_get_buffer(out.get(), 0) < 0 || av_frame_copy_props(out.get(), in.get()) < 0)
    fail(Errc::OutOfMemory, "{}: no memory for a picture of {}x{}", name, out->width, out->height);
  cdsr_frame to = wrap(*out);
  session_->pipeline().set_progress(done);
  session_->reset();
  session_->process(wrap(*in), to, Hints{}, Pipeline::Method::Network);
  if (format_of(*out)->model == ColorModel::Yuv) {
    out->colorspace = static_cast<AVColorSpace>(to.matrix);
    out->color_range = static_cast<AVColorRange>(to.range);
    out->chroma_location = static_cast<AVChromaLocation>(to.chroma_location);
  }
  return out;
}

}  // namespace cdsr::tools
