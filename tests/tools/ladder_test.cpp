// Renditions of one film, upscaled alike.
#include "tools/film/ladder.h"

#include <gtest/gtest.h>

#include "model/error.h"

namespace cdsr::film {
namespace {

/// Shots that begin at these times, each with an embedding of its own.
Film film_of(const std::vector<double>& times, float first) {
  Film film;
  film.weights = "0123456789abcdef";
  film.frames = static_cast<int64_t>(10 * times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    FilmShot shot;
    const auto at = static_cast<int64_t>(10 * i);
    shot.frames = {{at, at + 9}};
    shot.time = times[i];
    shot.looks = {{at, {first + static_cast<float>(i)}, {}}};
    film.shots.push_back(shot);
  }
  return film;
}

TEST(Ladder, EqualShotsGetEqualEmbeddings) {
  Film first = film_of({0, 2, 5, 9}, 1), other = film_of({0, 2.04, 4, 9.01}, 100);
  first.shots[1].strength = 0.5;
  first.shots[1].sharpness = 0.25;
  first.shots[3].like = 0;
  other.shots[1].like = 0;
  EXPECT_EQ(look_like(other, first), (std::vector<size_t>{2}));
  EXPECT_EQ(other.shots[0].looks.front().embedding, (std::vector<float>{1}));
  EXPECT_EQ(other.shots[1].looks.front().embedding, (std::vector<float>{2}));
  EXPECT_EQ(other.shots[1].looks.front().frame, 10);
  EXPECT_EQ(other.shots[1].strength, 0.5);
  EXPECT_EQ(other.shots[1].sharpness, 0.25);
  EXPECT_FALSE(other.shots[1].like);
  EXPECT_TRUE(other.shots[1].lock);
  EXPECT_EQ(other.shots[2].looks.front().embedding, (std::vector<float>{102}));
  EXPECT_FALSE(other.shots[2].lock);
  EXPECT_EQ(other.shots[3].looks.front().embedding, (std::vector<float>{1}));
  parse_film(film_text([&] {
               Film whole = other;
               whole.width = whole.height = 8;
               return whole;
             }()),
             "other");
}

TEST(Ladder, OtherWeightsAreRefused) {
  Film first = film_of({0}, 1), other = film_of({0}, 2);
  other.weights = "fedcba9876543210";
  try {
    look_like(other, first);
    FAIL() << "taken";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("fedcba9876543210"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cdsr::film
