#include "filter/pipeline.h"

#include <chrono>
#include <utility>

#include "filter/format/frame_memory.h"

namespace cdsr {
namespace {

/// Milliseconds since it was made, or since the last lap().
class Stopwatch {
 public:
  double lap() {
    const auto now = Clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(start_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

Pipeline::Report Pipeline::process(const Frame& in, const Frame& out, const Hints& hints, Method method) {
  Report report;
  Stopwatch total, stage;
  if (hints.discontinuity) deadline_.reset();
  // A film's second pass knows all that the first has found, and what a person has set for the shot.
  const std::optional<FilmPlayer::Step> known = look_up(in);
  const float strength = known && known->strength ? *known->strength : strength_;
  report.late = deadline_.misses(hints.time) && method == Method::Network && strength > 0;
  if (report.late || strength <= 0 || (known && known->skip)) method = Method::Bicubic;
  FramePath& path = paths_.of(in);
  // A new size or format: everything is planned anew, and a shot begins.
  adapt(*in.format, in.width, in.height, method);

  // Colour: this frame's tags; the pixels are converted strip by strip while the engine reads and writes.
  path.bind(in);

  // Shot: where in the stream are we?
  stage.lap();
  if (known) {
    report.event = known->event;
    report.hit = known->known;
  } else {
    find_shot(path, in, hints, report);
  }
  report.shot_ms = stage.lap();

  // Bars: the picture between them is all that the network sees. A live stream has no time to plan for it.
  if (background_ == nullptr) {
    const Barred found = path.crop(in, report.event.entered(), known ? known->bars : nullptr);
    if (recorder_ != nullptr) recorder_->crop(found);
    if (method == Method::Network) plan(found.picture.width, found.picture.height);
  }

  // Embedding: on a new shot LPE and CSC, else what is remembered.
  FrameSink::Settings output = output_settings(*in.format, strength);
  output.strength *= embed(path, in, method, report);
  const double embed_ms = stage.lap();
  if (method == Method::Network && (report.embedded || report.event.entered())) report.embed_ms = embed_ms;

  // Super-resolution, and colour again on the way out.
  report.bicubic = method == Method::Bicubic || output.strength <= 0 || recorder_ != nullptr;
  if (report.bicubic)
    path.interpolate(out, output);
  else
    report.reused = path.upscale(out, output);
  report.upscale_ms = stage.lap();

  report.total_ms = total.lap();
  report.color_ms = path.take_color_ms();
  // A frame of which parts were copied says little of what the next will take.
  deadline_.took(report.total_ms, !report.bicubic && report.reused == 0);
  return report;
}

std::optional<FilmPlayer::Step> Pipeline::look_up(const Frame& in) {
  if (recorder_ != nullptr) recorder_->check(in.width, in.height);
  if (player_ == nullptr) return std::nullopt;
  return player_->next(in.width, in.height);
}

void Pipeline::find_shot(FramePath& path, const Frame& in, const Hints& hints, Report& report) {
  const Thumbnail* const thumbnail = uses_thumbnails_ ? &path.thumbnail() : nullptr;
  report.event = tracker_.next(thumbnail, hints);
  report.hit = embedder_.enter(report.event, thumbnail);
  if (recorder_ != nullptr) recorder_->enter(in.width, in.height, report.event, report.hit, hints.time);
}

FrameSink::Settings Pipeline::output_settings(const PixelFormat& format, float strength) const {
  const Colour colour = engine_->network().config.colour;
  return {strength, colour == Colour::Luma || interpolates(chroma_, format), colour};
}

float Pipeline::embed(const FramePath& path, const Frame& in, Method method, Report& report) {
  const bool live = background_ != nullptr && !path.embeds_at_once();
  if (method == Method::Bicubic) {
    // The look does not wait for the first frame in time.
    if (live && report.late) report.embedded = embedder_.follow(in);
    return 1;
  }
  if (player_ != nullptr) {
    player_->install(*engine_);
    return 1;
  }
  // A live stream takes the last embedding meanwhile.
  const ShotEmbedder::Ready state = live ? embedder_.prepare_live(in) : embedder_.prepare(path.source());
  report.embedded = state.embedded;
  report.pending = state.pending;
  if (recorder_ != nullptr) recorder_->learn(embedder_.embedding(), embedder_.queries());
  return state.share;
}

void Pipeline::adapt(const PixelFormat& format, int width, int height, Method method) {
  if (&format != format_ || width != width_ || height != height_) {
    tracker_.restart();
    embedder_.clear();
    format_ = nullptr;  // a plan that fails leaves none
    if (background_ != nullptr) background_->plan(format, width, height);
    format_ = &format;
    width_ = width;
    height_ = height;
  }
  if (method == Method::Network && (known_width_ != width || known_height_ != height)) {
    known_width_ = known_height_ = 0;
    plan(width, height);
    known_width_ = width;
    known_height_ = height;
  }
}

void Pipeline::plan(int width, int height) {
  if (planned_width_ == width && planned_height_ == height) return;
  planned_width_ = planned_height_ = 0;
  engine_->plan(width, height);
  planned_width_ = width;
  planned_height_ = height;
}

void Pipeline::prepare(const PixelFormat& format, int width, int height) {
  adapt(format, width, height, Method::Network);
  plan(width, height);
  // A trial: the first use of everything happens here, and the second tells how long a frame takes.
  const CdsrConfig& config = engine_->network().config;
  FrameMemory in(format, width, height), out(format, width * config.scale, height * config.scale);
  ShotState nothing;
  nothing.resize(config, embedder_.query());
  reinstall();
  install(*engine_, embedder_.query(), nothing.embedding, nothing.queries);
  FramePath& path = paths_.host();
  path.bind(in.frame());
  for (int n = 0; n < 2; ++n) {
    path.forget();
    Stopwatch frame;
    path.upscale(out.frame(), output_settings(format, 1));
    deadline_.expect(frame.lap());
  }
  path.take_color_ms();
  paths_.warm_gpu(format, width, height, output_settings(format, 1));
}

Pipeline::Pipeline(std::unique_ptr<Engine> engine, Settings settings, std::unique_ptr<Engine> background)
    : engine_(std::move(engine)),
      background_(background == nullptr ? nullptr
                                        : std::make_unique<BackgroundEmbedder>(std::move(background),
                                                                               settings.embedding.query)),
      strength_(static_cast<float>(settings.strength)),
      chroma_(settings.chroma),
      uses_thumbnails_(settings.shots != ShotMode::Off),
      tracker_(settings.shots, settings.shot_threshold, std::move(settings.shot_starts)),
      embedder_(*engine_, settings.embedding, background_.get()),
      paths_(*engine_, settings.reuse),
      recorder_(std::move(settings.recorder)),
      player_(std::move(settings.player)) {
  deadline_.set_limit(settings.deadline_ms);
}

void Pipeline::set_sharpness(double sharpness) {
  if (sharpness == sharpness_) return;
  engine_->set_sharpness(static_cast<float>(sharpness));
  sharpness_ = sharpness;
  reinstall();
}

void Pipeline::reinstall() {
  embedder_.reinstall();
  if (player_ != nullptr) player_->reinstall();
}

void Pipeline::finish() const {
  if (recorder_ != nullptr) recorder_->write();
  if (player_ != nullptr) player_->finish();
}

void Pipeline::reset() {
  if (recorder_ != nullptr) recorder_->reset();
  if (player_ != nullptr) player_->reset();
  tracker_.reset();
  embedder_.forget();
  paths_.host().forget();
  deadline_.reset();
}

}  // namespace cdsr
