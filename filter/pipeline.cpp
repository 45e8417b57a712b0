#include "filter/pipeline.h"

#include <chrono>
#include <utility>

#include "filter/format/frame_memory.h"
#include "model/error.h"

namespace cdsr {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

Pipeline::Pipeline(std::unique_ptr<Engine> engine, Settings settings, std::unique_ptr<Engine> background)
    : engine_(std::move(engine)),
      background_(background == nullptr
                      ? nullptr
                      : std::make_unique<BackgroundLook>(std::move(background), settings.embedding.query)),
      strength_(static_cast<float>(settings.strength)),
      chroma_(settings.chroma),
      uses_thumbnails_(settings.shots != ShotMode::Off),
      tracker_(settings.shots, settings.shot_threshold, std::move(settings.shot_starts)),
      embedder_(*engine_, settings.embedding, background_.get()) {
  deadline_.set_limit(settings.deadline_ms);
}

Pipeline::Report Pipeline::process(const Frame& in, const Frame& out, const Hints& hints, Method method) {
  Report report;
  const auto start = Clock::now();
  if (hints.discontinuity) deadline_.reset();
  report.late = deadline_.misses(hints.time) && method == Method::Network && strength_ > 0;
  if (report.late || strength_ <= 0) method = Method::Bicubic;
  DeviceFrames* const on_gpu = in.on_gpu ? &gpu() : nullptr;
  // A new size or format: everything is planned anew, and a shot begins.
  adapt(*in.format, in.width, in.height, method);

  // Colour: this frame's tags; the pixels are converted strip by strip while the engine reads and writes.
  if (in.on_gpu)
    gpu_source_.bind(in);
  else
    source_.bind(in);

  // Shot: where in the stream are we?
  const auto bound = Clock::now();
  report.event = tracker_.next(in, hints, on_gpu);
  report.hit = embedder_.enter(report.event, uses_thumbnails_ ? &tracker_.thumbnail() : nullptr);
  const auto placed = Clock::now();
  report.shot_ms = milliseconds(placed - bound);

  upscale(in, out, method, report);
  report.total_ms = milliseconds(Clock::now() - start);
  report.color_ms = static_cast<double>(source_.take_time() + sink_.take_time()) * 1e-6;
  deadline_.took(report.total_ms, !report.bicubic);
  return report;
}

void Pipeline::upscale(const Frame& in, const Frame& out, Method method, Report& report) {
  const auto start = Clock::now();
  auto ready = start;
  FrameSink::Settings output{strength_, interpolates(chroma_, *in.format)};
  const bool live = background_ != nullptr && !in.on_gpu;
  if (method == Method::Network) {
    // Embedding: on a new shot LPE and CSC, else what is remembered. A live stream takes the last one
    // meanwhile. (A GPU is so quick at it that a copy of the frame would be no gain.)
    const RowSource& source = in.on_gpu ? static_cast<const RowSource&>(gpu_source_) : source_;
    const ShotEmbedder::Ready state = live ? embedder_.prepare_live(in) : embedder_.prepare(source);
    ready = Clock::now();
    report.embedded = state.embedded;
    report.pending = state.pending;
    output.strength *= state.share;
    if (state.embedded || report.event.entered()) report.embed_ms = milliseconds(ready - start);
  } else if (live && report.late) {
    // The look does not wait for the first frame in time.
    report.embedded = embedder_.follow(in);
    ready = Clock::now();
  }

  // Super-resolution, and colour again on the way out.
  report.bicubic = method == Method::Bicubic || output.strength <= 0;
  const int scale = engine_->network().config.scale;
  if (in.on_gpu) {
    gpu_sink_.bind(out, scale, output);
    if (report.bicubic)
      gpu().bicubic(*gpu_source_.device(), *gpu_sink_.device());
    else
      engine_->upscale(gpu_source_, gpu_sink_);
    report.upscale_ms = milliseconds(Clock::now() - ready);
    return;
  }
  sink_.bind(source_, out, scale, output);
  if (report.bicubic) {
    sink_.write_bicubic();
  } else {
    engine_->upscale(source_, sink_);
  }
  report.upscale_ms = milliseconds(Clock::now() - ready);
}

DeviceFrames& Pipeline::gpu() {
  if (DeviceFrames* const frames = engine_->device_frames()) return *frames;
  fail(Errc::Unsupported, "frames in a GPU's memory need backend cuda, this session runs {}: {}",
       engine_->info().backend, engine_->info().detail);
}

void Pipeline::adapt(const PixelFormat& format, int width, int height, Method method) {
  if (&format != format_ || width != width_ || height != height_) {
    tracker_.plan(width);
    embedder_.clear();
    format_ = nullptr;  // a plan that fails leaves none
    if (background_ != nullptr) background_->plan(format, width, height);
    format_ = &format;
    width_ = width;
    height_ = height;
  }
  if (method == Method::Network && (planned_width_ != width || planned_height_ != height)) {
    planned_width_ = planned_height_ = 0;
    engine_->plan(width, height);
    planned_width_ = width;
    planned_height_ = height;
  }
}

void Pipeline::prepare(const PixelFormat& format, int width, int height) {
  adapt(format, width, height, Method::Network);
  // A trial: the first use of everything happens here, and the second tells how long a frame takes.
  const CdsrConfig& config = engine_->network().config;
  FrameMemory in(format, width, height), out(format, width * config.scale, height * config.scale);
  Knowledge nothing;
  nothing.resize(config, embedder_.query());
  embedder_.reinstall();
  install(*engine_, embedder_.query(), nothing.embedding, nothing.queries);
  source_.bind(in.frame());
  sink_.bind(source_, out.frame(), config.scale, {1, interpolates(chroma_, format)});
  for (int n = 0; n < 2; ++n) {
    const auto start = Clock::now();
    engine_->upscale(source_, sink_);
    deadline_.expect(milliseconds(Clock::now() - start));
  }
  source_.take_time();
  sink_.take_time();
}

void Pipeline::reset() {
  tracker_.reset();
  embedder_.forget();
  deadline_.reset();
}

}  // namespace cdsr
