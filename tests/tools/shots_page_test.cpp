// The page of a film's shots.
#include "tools/film/shots_page.h"

#include <gtest/gtest.h>

namespace cdsr::film {
namespace {

Film three_shots() {
  Film film;
  film.model = "a <model>";
  film.weights = "0123456789abcdef";
  film.width = 64;
  film.height = 48;
  film.frames = 100;
  FilmShot first, flash, last;
  first.frames = {{0, 9}, {11, 19}};
  first.looks = {{0, {1, 0, 0}, {}}};
  flash.frames = {{10, 10}};
  flash.looks = {{10, {0, 1, 0}, {}}};
  last.frames = {{20, 99}};
  last.time = 3723.5;
  last.score = 0.875;
  last.looks = {{20, {1, 0.25F, 0}, {}}};
  last.strength = 0.5;
  last.sharpness = 0.25;
  last.like = 0;
  film.shots = {first, flash, last};
  return film;
}

TEST(ShotsPage, HasARowForEachShot) {
  const std::string html = shots_page(three_shots(), "a & b.json");
  const auto has = [&](const std::string& part) {
    EXPECT_NE(html.find(part), std::string::npos) << part << " is not in\n" << html;
  };
  has("<h1>a &amp; b.json</h1>");
  has("100 frames of 64×48, 3 shots; model a &lt;model&gt; ×2");
  has("<td>0–9, 11–19</td><td class=\"n\">19</td>");
  has("<td>10</td><td class=\"n\">1</td>");
  has("1:02:03.500");
  has("<td class=\"n\">0.875</td>");
  has("<a href=\"#s0\">0</a> at 0.030");
  has("class=\"marked\"");
  has("strength 0.5, sharpness 0.25, like <a href=\"#s0\">0</a>");
  EXPECT_EQ(html.find("http"), std::string::npos);  // no network
}

TEST(ShotsPage, SaysWhatIsReadOffAShot) {
  Film film = three_shots();
  DegradationReading reading;
  reading.codec = "h264";
  reading.codec_confidence = 0.75F;
  reading.qp = 30;
  reading.blur_confidence = 0.5F;
  film.shots[1].looks.front().reading = reading;
  const std::string html = shots_page(film, "f");
  EXPECT_NE(html.find("<td><span title=\"confidence: blur 50 %, noise 0 %, QP 0 %\">" + describe(reading)),
            std::string::npos)
      << html;
}

TEST(ShotsPage, ShowsPicturesOfShots) {
  const std::string html = shots_page(three_shots(), "f", {"<img alt=\"0\">", "<img alt=\"1\">", ""});
  EXPECT_NE(html.find("<th>its middle</th></tr>"), std::string::npos);
  EXPECT_NE(html.find("<td><img alt=\"1\"></td></tr>"), std::string::npos);
  EXPECT_EQ(shots_page(three_shots(), "f").find("<img"), std::string::npos);
}

TEST(ShotsPage, DoesWithoutEmbeddings) {
  Film film = three_shots();
  film.shots[2].looks.clear();
  film.shots[1].looks.front().embedding = {0, 0, 0};
  EXPECT_NE(shots_page(film, "f").find("no embedding"), std::string::npos);
  film.shots.resize(1);
  EXPECT_NE(shots_page(film, "f").find("1 shots"), std::string::npos);
}

TEST(ShotsPage, DistanceIsThatOfDirections) {
  EXPECT_DOUBLE_EQ(embedding_distance({1, 2}, {2, 4}), 0);
  EXPECT_DOUBLE_EQ(embedding_distance({1, 0}, {0, 3}), 1);
  EXPECT_DOUBLE_EQ(embedding_distance({1, 0}, {-2, 0}), 2);
  EXPECT_EQ(embedding_distance({0, 0}, {0, 0}), 0);
  EXPECT_EQ(embedding_distance({0, 0}, {1, 0}), 1);
}

}  // namespace
}  // namespace cdsr::film
