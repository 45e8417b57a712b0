// Fuzz target: any bytes must give a film, every frame of which can be placed, or an Error of category
// InvalidArgument, nothing else. Linked with libFuzzer (clang) or with the deterministic driver of
// film_fuzz_driver.cpp.
#include "tests/fuzz/film_fuzz.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "filter/film/film.h"
#include "model/error.h"

namespace cdsr {

int64_t films_parsed = 0;

}  // namespace cdsr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cdsr;
  try {
    const Film film = parse_film({reinterpret_cast<const char*>(data), size}, "fuzz");
    ++films_parsed;
    if (parse_film(film_text(film), "again") != film) std::abort();
    int64_t frames = 0;
    for (const FilmShot& shot : film.shots) {
      for (const FilmShot::Stretch& s : shot.frames) {
        frames += s.last - s.first + 1;
        look_at(film, shot, s.last);
        bars_at(shot, s.last, {});
      }
    }
    if (frames != film.frames) std::abort();
    if (film.frames > 2 &&
        parse_film(film_text(cut_film(film, 1, film.frames - 2)), "cut").frames != film.frames - 2)
      std::abort();
  } catch (const Error& e) {
    if (e.code() != Errc::InvalidArgument) {
      std::fprintf(stderr, "not InvalidArgument: %s\n", e.what());
      std::abort();
    }
  }
  return 0;
}
