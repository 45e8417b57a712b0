#include "filter/film/player.h"

#include <algorithm>
#include <utility>

#include "filter/embed/shot_state.h"
#include "model/error.h"

namespace cdsr {
namespace {

void check_model(const Film& film, const std::string& name, const Film& expected) {
  if (film.model != expected.model || film.scale != expected.scale || film.weights != expected.weights) {
    fail(Errc::InvalidArgument, "{}: made with model {} x{} (weights {}): this is {} x{} ({})", name,
         film.model, film.scale, film.weights, expected.model, expected.scale, expected.weights);
  }
  if (film.query != expected.query)
    fail(Errc::InvalidArgument, "{}: made with query = {}: this is {}", name, to_string(film.query),
         to_string(expected.query));
}

void check_looks(const Film& film, const std::string& name, const CdsrConfig& config) {
  ShotState sizes;
  sizes.resize(config, film.query);
  for (size_t i = 0; i < film.shots.size(); ++i) {
    for (const FilmShot::Look& look : film.shots[i].looks) {
      if (look.embedding.size() != sizes.embedding.size() || look.queries.size() != sizes.queries.size()) {
        fail(Errc::InvalidArgument,
             "{}: shot {}: embedding of {} values and queries of {}: model {} has {} and {}", name, i,
             look.embedding.size(), look.queries.size(), config.name, sizes.embedding.size(),
             sizes.queries.size());
      }
    }
  }
}

void check_sharpness(const Film& film, const std::string& name, const CdsrConfig& config) {
  if (config.sharp) return;
  for (size_t i = 0; i < film.shots.size(); ++i) {
    const double sharpness = film.shots[i].sharpness.value_or(0);
    if (sharpness > 0)
      fail(Errc::InvalidArgument,
           "{}: shot {}: sharpness = {}: must be 0, this {} x{} was not trained for another", name, i,
           sharpness, config.name, config.scale);
  }
}

}  // namespace

FilmPlayer::FilmPlayer(Film film, std::string name, const Film& expected, const CdsrConfig& config)
    : film_(std::move(film)), name_(std::move(name)), whole_{{0, 0, film_.width, film_.height}, {}} {
  check_model(film_, name_, expected);
  check_looks(film_, name_, config);
  check_sharpness(film_, name_, config);
  for (size_t i = 0; i < film_.shots.size(); ++i) {
    for (const FilmShot::Stretch& s : film_.shots[i].frames)
      entries_.push_back({s, i, s.first == film_.shots[i].frames.front().first});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.frames.first < b.frames.first; });
}

FilmPlayer::Step FilmPlayer::next(int width, int height) {
  if (width != film_.width || height != film_.height) {
    fail(Errc::InvalidArgument, "frame {} is {}x{}, {} is of {}x{}: another film's file", frame_, width,
         height, name_, film_.width, film_.height);
  }
  if (frame_ >= film_.frames) {
    fail(Errc::InvalidArgument, "frame {}: {} is of {} frames: another film's file", frame_, name_,
         film_.frames);
  }
  const Entry& entry = entries_[entry_];
  const FilmShot& shot = film_.shots[entry.shot];
  Step step;
  step.event.shot = static_cast<int64_t>(entry.shot);
  if (frame_ == entry.frames.first) {
    step.event.begins = entry.begins;
    step.event.returned = !entry.begins;
    step.event.score = entry.begins ? shot.score : 0;
    step.known = entry.begins && shot.known;
  }
  if (shot.strength) step.strength = static_cast<float>(*shot.strength);
  if (shot.sharpness) step.sharpness = static_cast<float>(*shot.sharpness);
  step.skip = shot.skip;
  if (film_.bars_known) step.bars = bars_at(shot, frame_, whole_);
  shot_ = entry.shot;
  look_ = look_at(film_, shot, frame_);
  if (++frame_ > entry.frames.last) ++entry_;
  return step;
}

void FilmPlayer::install(Engine& engine) {
  if (look_ == nullptr)
    fail(Errc::InvalidArgument, "{}: shot {} has no embedding: the first pass left its frames out", name_,
         shot_);
  if (look_ == installed_) return;
  installed_ = nullptr;
  cdsr::install(engine, film_.query, look_->embedding, look_->queries);
  installed_ = look_;
}

std::span<const float> FilmPlayer::embedding() const {
  if (look_ == nullptr) return {};
  return look_->embedding;
}

void FilmPlayer::finish() const {
  if (frame_ < film_.frames) {
    fail(Errc::InvalidArgument, "the film ended after {} frames, {} is of {}: frames are missing", frame_,
         name_, film_.frames);
  }
}

void FilmPlayer::reset() {
  entry_ = 0;
  frame_ = 0;
  look_ = nullptr;
}

}  // namespace cdsr
