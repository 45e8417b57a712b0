#include "filter/film/film.h"

#include <algorithm>

#include "model/error.h"

namespace cdsr {

const FilmShot::Look* look_at(const Film& film, const FilmShot& shot, int64_t frame) {
  const std::vector<FilmShot::Look>& looks =
      shot.like ? film.shots[static_cast<size_t>(*shot.like)].looks : shot.looks;
  if (looks.empty()) return nullptr;
  if (shot.like) return &looks.back();
  // Frames before the first look went without the network in the first pass.
  const auto after = std::find_if(looks.begin() + 1, looks.end(),
                                  [frame](const FilmShot::Look& look) { return look.frame > frame; });
  return &*(after - 1);
}

const Barred* bars_at(const FilmShot& shot, int64_t frame, const Barred& whole) {
  const auto after = std::find_if(shot.bars.begin(), shot.bars.end(),
                                  [frame](const FilmShot::Bars& bars) { return bars.frame > frame; });
  return after == shot.bars.begin() ? &whole : &(after - 1)->barred;
}

Film cut_film(const Film& film, int64_t first, int64_t count) {
  if (first < 0 || count < 1 || first > film.frames - count)
    fail(Errc::InvalidArgument, "frames {}..{}: the film has {}", first, first + count - 1, film.frames);
  Film cut = film;
  cut.frames = count;
  cut.shots.clear();
  const int64_t last = first + count - 1;
  for (const FilmShot& shot : film.shots) {
    FilmShot part = shot;
    part.frames.clear();
    for (const FilmShot::Stretch& s : shot.frames) {
      if (s.last >= first && s.first <= last)
        part.frames.push_back({std::max(s.first, first) - first, std::min(s.last, last) - first});
    }
    if (part.frames.empty()) continue;
    part.like.reset();
    part.bars.clear();
    part.looks.clear();
    // The look and the bars that are in force where the part begins, and those that follow.
    const int64_t begins = part.frames.front().first + first;
    if (const FilmShot::Look* look = look_at(film, shot, begins)) {
      part.looks.push_back(*look);
      part.looks.back().frame = begins - first;
    }
    const Barred whole{{0, 0, film.width, film.height}, {}};
    const Barred* const barred = bars_at(shot, begins, whole);
    if (*barred != whole) part.bars.push_back({begins - first, *barred});
    for (const FilmShot::Bars& bars : shot.bars)
      if (bars.frame > begins && bars.frame <= last) part.bars.push_back({bars.frame - first, bars.barred});
    for (const FilmShot::Look& look : shot.looks) {
      if (shot.like || look.frame <= begins || look.frame > last) continue;
      part.looks.push_back(look);
      part.looks.back().frame -= first;
    }
    cut.shots.push_back(std::move(part));
  }
  std::sort(cut.shots.begin(), cut.shots.end(), [](const FilmShot& a, const FilmShot& b) {
    return a.frames.front().first < b.frames.front().first;
  });
  return cut;
}

}  // namespace cdsr
