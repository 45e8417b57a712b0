// What the steps of a frame do, and what stands around them: plans, options, the beginning and the end.
#include <utility>

#include "filter/format/frame_memory.h"
#include "filter/pipeline.h"
#include "filter/stopwatch.h"

namespace cdsr {

std::optional<FilmPlayer::Step> Pipeline::look_up(const Frame& in) {
  if (recorder_ != nullptr) recorder_->check(in.width, in.height);
  if (player_ == nullptr) return std::nullopt;
  return player_->next(in.width, in.height);
}

void Pipeline::find_shot(FramePath& path, const Frame& in, const Hints& hints,
                         const std::optional<FilmPlayer::Step>& known, Report& report) {
  if (known) {
    report.event = known->event;
    report.hit = known->known;
    return;
  }
  const Thumbnail* const thumbnail = uses_thumbnails_ ? &path.thumbnail() : nullptr;
  report.event = tracker_.next(thumbnail, hints);
  report.hit = embedder_.enter(report.event, thumbnail);
  if (recorder_ != nullptr) recorder_->enter(in.width, in.height, report.event, report.hit, hints.time);
}

void Pipeline::crop(FramePath& path, const Frame& in, const std::optional<FilmPlayer::Step>& known,
                    Method method, const Report& report) {
  if (background_ != nullptr) return;  // a live stream has no time to plan for another size
  const Barred found = path.crop(in, report.event.entered(), known ? known->bars : nullptr);
  if (recorder_ != nullptr) recorder_->crop(found);
  if (method == Method::Network) plan(found.picture.width, found.picture.height);
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
  sharpen(static_cast<float>(sharpness));
  sharpness_ = static_cast<float>(sharpness);
}

void Pipeline::sharpen(float sharpness) {
  if (sharpness == engine_->sharpness()) return;
  engine_->set_sharpness(sharpness);
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
