#include "filter/pipeline.h"

#include <chrono>
#include <utility>

namespace cdsr {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

Pipeline::Pipeline(std::unique_ptr<Engine> engine, Settings settings)
    : engine_(std::move(engine)),
      output_(settings.output),
      uses_thumbnails_(settings.shots != ShotMode::Off),
      tracker_(settings.shots, settings.shot_threshold, std::move(settings.shot_starts)),
      embedder_(*engine_, settings.embedding) {}

Pipeline::Report Pipeline::process(const Frame& in, const Frame& out, const Hints& hints, Method method) {
  Report report;
  const auto start = Clock::now();
  // A new size or format: everything is planned anew, and a shot begins.
  if (output_.strength <= 0) method = Method::Bicubic;
  adapt(in, method);

  // Colour: this frame's tags; the pixels are converted strip by strip while the engine reads and writes.
  source_.bind(in);
  sink_.bind(source_, out, engine_->network().config.scale, output_);

  // Shot: where in the stream are we?
  const auto bound = Clock::now();
  report.event = tracker_.next(in, hints);
  report.hit = embedder_.enter(report.event, uses_thumbnails_ ? &tracker_.thumbnail() : nullptr);
  const auto placed = Clock::now();

  auto ready = placed;
  if (method == Method::Network) {
    // Embedding: on a new shot LPE and CSC, else what is remembered.
    report.embedded = embedder_.prepare(source_);
    ready = Clock::now();
    // Super-resolution, and colour again on the way out.
    engine_->upscale(source_, sink_);
  } else {
    sink_.write_bicubic();
  }

  const auto done = Clock::now();
  report.shot_ms = milliseconds(placed - bound);
  if (report.embedded || report.event.entered()) report.embed_ms = milliseconds(ready - placed);
  report.upscale_ms = milliseconds(done - ready);
  report.total_ms = milliseconds(done - start);
  report.color_ms = static_cast<double>(source_.take_time() + sink_.take_time()) * 1e-6;
  return report;
}

void Pipeline::adapt(const Frame& in, Method method) {
  if (in.format != format_ || in.width != width_ || in.height != height_) {
    tracker_.plan(in.width);
    embedder_.clear();
    format_ = in.format;
    width_ = in.width;
    height_ = in.height;
  }
  if (method == Method::Network && (planned_width_ != in.width || planned_height_ != in.height)) {
    planned_width_ = planned_height_ = 0;  // a plan that fails leaves none
    engine_->plan(in.width, in.height);
    planned_width_ = in.width;
    planned_height_ = in.height;
  }
}

void Pipeline::reset() {
  tracker_.reset();
  embedder_.clear();
}

}  // namespace cdsr
