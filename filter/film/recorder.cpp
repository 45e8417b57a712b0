#include "filter/film/recorder.h"

#include <algorithm>
#include <utility>

#include "model/error.h"

namespace cdsr {
namespace {

bool equal(const std::vector<float>& a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

Film locked_film(const std::filesystem::path& path, const Film& empty) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size == 0) return empty;
  Film film = read_film(path);
  const bool locked =
      std::any_of(film.shots.begin(), film.shots.end(), [](const FilmShot& shot) { return shot.lock; });
  if (!locked) return empty;
  if (film.weights != empty.weights || film.query != empty.query) {
    fail(Errc::InvalidArgument,
         "{}: has locked shots of model {} ({}, query {}): this is {} ({}, query {}); give another file",
         path.string(), film.model, film.weights, to_string(film.query), empty.model, empty.weights,
         to_string(empty.query));
  }
  return film;
}

}  // namespace

Film empty_film(const Model& model, Query query) {
  const CdsrConfig& config = model.network->config;
  Film film;
  film.model = config.name;
  film.weights = model.hash;
  film.scale = config.scale;
  film.query = query;
  return film;
}

FilmRecorder::FilmRecorder(std::filesystem::path path, Film empty, std::optional<DegradationReader> reader,
                           Log log)
    : path_(std::move(path)),
      empty_(std::move(empty)),
      reader_(std::move(reader)),
      log_(log),
      before_(locked_film(path_, empty_)),
      film_(empty_) {}

void FilmRecorder::check(int width, int height) const {
  const Film& known = film_.frames > 0 ? film_ : before_;
  if (known.width != 0 && (width != known.width || height != known.height)) {
    fail(Errc::InvalidArgument, "frame {} is {}x{}, {} is of {}x{}: a film has one size", film_.frames, width,
         height, path_.string(), known.width, known.height);
  }
}

void FilmRecorder::enter(int width, int height, const ShotEvent& event, bool known, int64_t time) {
  const int64_t frame = film_.frames++;
  film_.width = width;
  film_.height = height;
  if (event.begins) {
    FilmShot shot;
    shot.time = static_cast<double>(time) * 1e-9;
    shot.score = event.score;
    shot.known = known;
    film_.shots.push_back(std::move(shot));
  }
  shot_ = static_cast<size_t>(event.shot);
  FilmShot& shot = film_.shots[shot_];
  if (event.entered())
    shot.frames.push_back({frame, frame});
  else
    shot.frames.back().last = frame;
}

void FilmRecorder::crop(const Barred& found) {
  FilmShot& shot = film_.shots[shot_];
  const Barred whole{{0, 0, film_.width, film_.height}, {}};
  const int64_t frame = film_.frames - 1;
  if (*bars_at(shot, frame, whole) != found) shot.bars.push_back({frame, found});
}

void FilmRecorder::learn(std::span<const float> embedding, std::span<const float> queries) {
  FilmShot& shot = film_.shots[shot_];
  if (!shot.looks.empty() && equal(shot.looks.back().embedding, embedding) &&
      equal(shot.looks.back().queries, queries))
    return;
  shot.looks.push_back({film_.frames - 1,
                        {embedding.begin(), embedding.end()},
                        {queries.begin(), queries.end()},
                        reader_ ? std::optional(reader_->read(embedding)) : std::nullopt});
}

void FilmRecorder::keep_locked(Film& film) const {
  for (const FilmShot& old : before_.shots) {
    if (!old.lock) continue;
    const auto same = std::find_if(film.shots.begin(), film.shots.end(), [&](const FilmShot& shot) {
      return shot.frames.front().first == old.frames.front().first;
    });
    if (same == film.shots.end()) {
      log_(CDSR_LOG_WARNING, "{}: no shot begins at frame {} any more: that lock is gone", path_.string(),
           old.frames.front().first);
      continue;
    }
    const FilmShot::Stretch first = same->frames.front(), last = same->frames.back();
    const FilmShot::Look* begin = look_at(before_, old, first.first);
    same->looks.clear();
    // Its looks stay, or that of the shot that it was to be like.
    for (const FilmShot::Look& look : old.looks)
      if (!old.like && look.frame <= last.last) same->looks.push_back(look);
    if (same->looks.empty() && begin != nullptr)
      same->looks.push_back({first.first, begin->embedding, begin->queries, begin->reading});
    same->known = old.known;
    same->strength = old.strength;
    same->sharpness = old.sharpness;
    same->skip = old.skip;
    same->lock = true;
  }
}

void FilmRecorder::write() const {
  if (film_.frames == 0) fail(Errc::InvalidArgument, "{}: the film has no frame", path_.string());
  Film film = film_;
  keep_locked(film);
  write_film(path_, film);
  log_(CDSR_LOG_INFO, "{}: {} frames, {} shots", path_.string(), film.frames, film.shots.size());
}

void FilmRecorder::reset() { film_ = empty_; }

}  // namespace cdsr
