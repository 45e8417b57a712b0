#include "tools/film/ladder.h"

#include <algorithm>
#include <cmath>

#include "model/error.h"

namespace cdsr::film {

std::vector<size_t> look_like(Film& film, const Film& first) {
  constexpr double kSameTime = 0.05;
  if (film.weights != first.weights || film.query != first.query || film.scale != first.scale)
    fail(Errc::InvalidArgument, "made with {} x{} ({}, query {}), the first with {} x{} ({}, query {})",
         film.model, film.scale, film.weights, to_string(film.query), first.model, first.scale, first.weights,
         to_string(first.query));
  std::vector<size_t> alone;
  for (size_t i = 0; i < film.shots.size(); ++i) {
    FilmShot& shot = film.shots[i];
    const auto same =
        std::min_element(first.shots.begin(), first.shots.end(), [&](const FilmShot& a, const FilmShot& b) {
          return std::abs(a.time - shot.time) < std::abs(b.time - shot.time);
        });
    const FilmShot::Look* look =
        same == first.shots.end() ? nullptr : look_at(first, *same, same->frames.back().last);
    if (look == nullptr || std::abs(same->time - shot.time) > kSameTime) {
      alone.push_back(i);
      continue;
    }
    shot.looks = {{shot.frames.front().first, look->embedding, look->queries, look->reading}};
    shot.like.reset();
    shot.strength = same->strength;
    shot.sharpness = same->sharpness;
    shot.skip = same->skip;
    shot.lock = true;
  }
  return alone;
}

}  // namespace cdsr::film
