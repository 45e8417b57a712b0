#include "filter/session.h"

#include <utility>

#include "filter/option_table.h"
#include "model/error.h"
#include "model/registry.h"

namespace cdsr {
namespace {

Query query_of(int option, const Network& network) {
  if (option == CDSR_QUERY_MODEL) return network.config.query;
  return option == CDSR_QUERY_SHOT ? Query::Shot : Query::Frame;
}

/// The engine that looks at new shots beside the stream: one thread, so that the stream keeps the others.
std::unique_ptr<Engine> make_background(const Model& model, const SessionOptions& options) {
  if (options.values.live == 0) return nullptr;
  EngineOptions engine = options.engine;
  engine.query = query_of(options.values.query, *model.network);
  engine.threads = 1;
  return create_engine(model.network, engine, options.values.backend);
}

std::unique_ptr<Engine> make_engine(const Model& model, const SessionOptions& options) {
  EngineOptions engine = options.engine;
  engine.query = query_of(options.values.query, *model.network);
  const Log log(options.values.log, options.values.log_opaque);
  engine.log = [log](const std::string& line) { log(CDSR_LOG_INFO, "{}", line); };
  auto made = create_engine(model.network, engine, options.values.backend, engine.log);
  if (model.golden) check_parity(*made, model.network, *model.golden, engine, engine.log);
  return made;
}

Pipeline::Settings pipeline_settings(const Model& model, const SessionOptions& options, Query query) {
  Pipeline::Settings settings;
  settings.shots = options.shots;
  settings.shot_starts = options.shot_starts;
  const cdsr_options& o = options.values;
  settings.embedding = {o.embed_frames, o.refresh, o.shot_cache, query, o.fade, o.drift};
  settings.chroma = options.chroma;
  settings.reuse = o.reuse != 0;
  const Film empty = empty_film(model, query);
  if (o.pass == 1)
    settings.recorder =
        std::make_unique<FilmRecorder>(o.stats, empty, model.reader, Log(o.log, o.log_opaque));
  if (o.pass == 2)
    settings.player = std::make_unique<FilmPlayer>(read_film(o.stats), o.stats, empty, model.network->config);
  return settings;
}

}  // namespace

Session::Session(const std::shared_ptr<const Model>& model, const SessionOptions& options)
    : Session(model, make_engine(*model, options), options, make_background(*model, options)) {}

Session::Session(std::shared_ptr<const Model> model, std::unique_ptr<Engine> engine,
                 const SessionOptions& options, std::unique_ptr<Engine> background)
    : options_(options.values),
      pass_(options.values.pass),
      log_(options.values.log, options.values.log_opaque),
      model_(std::move(model)),
      query_(query_of(options.values.query, *model_->network)),
      pipeline_(std::move(engine), pipeline_settings(*model_, options, query_), std::move(background)) {
  const CdsrConfig& config = model_->network->config;
  if (config.scale != options.values.scale) {
    fail(Errc::InvalidArgument, "option scale = {}: the model upscales by {}", options.values.scale,
         config.scale);
  }
  if (config.colour == Colour::Luma && options.chroma == ChromaMode::Sr)
    fail(Errc::InvalidArgument,
         "option chroma = sr: the network of {} upscales luma alone; use auto or bicubic", model_->path);
  set_options(options.values);
  const EngineInfo& info = pipeline_.engine().info();
  log_(CDSR_LOG_INFO, "{} x{} from {}, {} ({}), {}, {} threads, query={}", config.name, config.scale,
       model_->path, info.backend, info.detail, to_string(info.precision), info.threads, to_string(query_));
}

Pipeline::Report Session::process(const cdsr_frame& in, cdsr_frame& out, const Hints& hints,
                                  Pipeline::Method method) {
  const Frame input = input_frame(in);
  const Frame output = output_frame(out, input, model_->network->config.scale);
  const Pipeline::Report report = pipeline_.process(input, output, hints, method);
  out.matrix = input.color.matrix;
  out.range = input.color.range;
  out.chroma_location = input.color.chroma_location;
  count(report);
  explain(input, report);
  return report;
}

void Session::prepare(int32_t format, int width, int height) {
  const PixelFormat* known = find_format(format);
  if (known == nullptr) fail(Errc::InvalidArgument, "no pixel format {}", format);
  check_size("frames", width, height);
  const int64_t redone = pipeline_.engine().info().redone;
  pipeline_.prepare(*known, width, height);
  redone_before_ += pipeline_.engine().info().redone - redone;  // trials are no frames
  log_(CDSR_LOG_INFO, "prepared for {}x{} {}: the network takes {:.1f} ms", width, height, known->name,
       pipeline_.predicted_ms());
}

void Session::set_options(const cdsr_options& options) {
  check_options(options, CDSR_OPTION_RUNTIME);
  if (pass_ != 0 && options.deadline > 0)
    fail(Errc::InvalidArgument, "option deadline = {}: must be 0 with pass = {}", options.deadline, pass_);
  pipeline_.set_strength(options.strength);
  pipeline_.set_sharpness(options.sharpness);
  pipeline_.set_shot_threshold(options.shot_threshold);
  pipeline_.set_refresh(options.refresh);
  pipeline_.set_deadline(options.deadline);
  options_ = options;
}

void Session::finish() { pipeline_.finish(); }

void Session::reset() {
  pipeline_.reset();
  stats_ = {};
  redone_before_ = pipeline_.engine().info().redone;
}

void Session::count(const Pipeline::Report& report) {
  ++(report.bicubic ? stats_.bicubic_frames : stats_.frames);
  if (report.late) ++stats_.late_frames;
  if (report.event.begins) ++stats_.shots;
  if (report.embedded) ++stats_.embeddings;
  if (report.hit) ++stats_.hits;
  stats_.shot_ms += report.shot_ms;
  stats_.embed_ms += report.embed_ms;
  stats_.upscale_ms += report.upscale_ms;
  stats_.total_ms += report.total_ms;
  stats_.color_ms += report.color_ms;
  stats_.reused += report.reused;
}

void Session::explain(const Frame& in, const Pipeline::Report& report) {
  if (in.color.guessed_matrix && !warned_of_guess_) {
    warned_of_guess_ = true;
    log_(CDSR_LOG_WARNING, "frames have no colour matrix tag: {}x{} is taken for {}", in.width, in.height,
         in.color.matrix == CDSR_MATRIX_BT709 ? "BT.709" : "BT.601");
  }
  if (in.width != told_width_ || in.height != told_height_) {
    told_width_ = in.width;
    told_height_ = in.height;
    const size_t planned = pipeline_.engine().info().planned_bytes;
    log_(CDSR_LOG_INFO, "frames of {}x{} {}, engine holds {} KiB, {:.1f} bytes a pixel", in.width, in.height,
         in.format->name, planned >> 10,
         static_cast<double>(planned) / (static_cast<double>(in.width) * in.height));
  }
  const EngineInfo& info = pipeline_.engine().info();
  if (info.redone > 0 && !warned_of_redone_) {
    warned_of_redone_ = true;
    log_(CDSR_LOG_WARNING,
         "{} does not hold what the network makes of some frames: they are upscaled again in fp32, which "
         "takes longer; precision = {} holds more",
         to_string(info.precision), info.precision == Precision::Bf16 ? "fp32" : "bf16 or fp32");
  }
  if (report.late) {
    log_(CDSR_LOG_DEBUG, "late: {:.1f} ms behind, the network takes {:.1f} ms", pipeline_.wait_ms(),
         pipeline_.predicted_ms());
  }
  const ShotEvent& event = report.event;
  if (event.entered()) {
    log_(CDSR_LOG_DEBUG, "shot {}{}{}, score {:.3f}, embedding {:.2f} ms", event.shot,
         event.returned ? " again (flash)" : "", report.hit ? " is known" : "", event.score, report.embed_ms);
  }
}

cdsr_stats Session::stats() const {
  const EngineInfo& info = pipeline_.engine().info();
  cdsr_stats stats = stats_;
  stats.precision = value_of(*find_option("precision"), to_string(info.precision));
  stats.threads = info.threads;
  stats.query = query_ == Query::Shot ? CDSR_QUERY_SHOT : CDSR_QUERY_FRAME;
  stats.backend = info.backend.c_str();
  stats.detail = info.detail.c_str();
  stats.planned_bytes = static_cast<int64_t>(info.planned_bytes);
  stats.redone = info.redone - redone_before_;
  return stats;
}

}  // namespace cdsr
