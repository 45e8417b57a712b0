// An upscaled film against its input: what holds, and what is found of what does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tools/film/check.h"

namespace cdsr::film {
namespace {

constexpr int kWidth = 64, kHeight = 48, kFrames = 20;

/// 8-bit 4:4:4, so that every pixel has a colour of its own.
struct Yuv {
  int width, height;
  std::vector<uint8_t> plane[3];
};

double scene(int shot, int c, double x, double y, double t) {
  if (shot == 1) std::swap(x, y);
  const double a = std::sin(0.35 * x + 0.2 * t + 2 * shot), b = std::cos(0.27 * y - 0.1 * x);
  if (c == 0) return 120 + 55 * a + 35 * b * (shot == 0 ? 1 : -1);
  return 128 + 40 * std::sin(0.1 * x + c) * (shot == 0 ? 1 : -1);
}

/// Frame `n` at `scale` times the size, sampled where the pixels lie: two shots of ten frames.
Yuv frame(int n, int scale) {
  Yuv f{kWidth * scale, kHeight * scale, {}};
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < f.height; ++y)
      for (int x = 0; x < f.width; ++x)
        f.plane[c].push_back(static_cast<uint8_t>(
            std::lround(scene(n / 10, c, (x + 0.5) / scale, (y + 0.5) / scale, n % 10))));
  return f;
}

class FilmCheckTest : public testing::Test {
 protected:
  using Change = std::function<Yuv(int)>;
  static void write(const std::filesystem::path& path, int scale, int frames, const Change& of) {
    std::ofstream out(path, std::ios::binary);
    out << "YUV4MPEG2 W" << kWidth * scale << " H" << kHeight * scale << " F25:1 Ip A1:1 C444\n";
    for (int n = 0; n < frames; ++n) {
      out << "FRAME\n";
      for (const auto& plane : of(n).plane)
        out.write(reinterpret_cast<const char*>(plane.data()), static_cast<std::streamsize>(plane.size()));
    }
  }
  FilmCheck check(const Change& out, int frames = kFrames, const Film* film = nullptr) {
    write(in_, 1, kFrames, [](int n) { return frame(n, 1); });
    write(out_, 2, frames, out);
    return check_film(in_, out_, film, 4, {});
  }
  /// What is found in the two shots, the second being changed.
  std::string found(const std::function<void(Yuv&, int)>& change) {
    const FilmCheck result = check([&](int n) {
      Yuv f = frame(n, 2);
      if (n >= 10) change(f, n);
      return f;
    });
    if (result.shots.size() != 2) return "other shots";
    EXPECT_TRUE(result.shots[0].findings.empty()) << result.shots[0].findings[0];
    std::string all;
    for (const std::string& finding : result.shots[1].findings) all += finding + '\n';
    return all;
  }

  TempFolder folder_;
  std::filesystem::path in_ = folder_.path() / "in.y4m", out_ = folder_.path() / "out.y4m";
};

#define EXPECT_FINDS(change, part) EXPECT_NE(found(change).find(part), std::string::npos) << found(change)

TEST_F(FilmCheckTest, WhatIsRightHolds) {
  const FilmCheck result = check([](int n) { return frame(n, 2); });
  EXPECT_EQ(result.scale, 2);
  EXPECT_EQ(result.frames, kFrames);
  ASSERT_EQ(result.shots.size(), 2U);
  EXPECT_EQ(result.failed(), 0U);
  EXPECT_EQ(result.shots[1].first, 10);
  EXPECT_DOUBLE_EQ(result.shots[1].time, 0.4);
  EXPECT_EQ(result.shots[1].looked_at, 6);
  EXPECT_GT(result.shots[0].psnr, 40);
  EXPECT_GT(result.shots[0].ssim, 0.99);
  EXPECT_LT(result.shots[0].colour, 1);
  EXPECT_LT(result.shots[0].temporal, 1);
}

TEST_F(FilmCheckTest, WhatIsWrongIsNamed) {
  const auto moved = [](Yuv& f, int) {
    for (auto& plane : f.plane) std::rotate(plane.begin(), plane.end() - f.width - 1, plane.end());
  };
  EXPECT_FINDS(moved, "the picture has moved by 1,1 pixels");
  const auto tinted = [](Yuv& f, int) {
    for (uint8_t& v : f.plane[1]) v = static_cast<uint8_t>(v + 12);
  };
  EXPECT_FINDS(tinted, "colours are off by");
  const auto stuck = [](Yuv& f, int n) { f = frame(n - n % 2 * 1, 2); };
  EXPECT_FINDS(stuck, "frames move unlike the input's");
  const auto sharpened = [](Yuv& f, int) {
    const std::vector<uint8_t> y = f.plane[0];
    for (size_t i = 1; i + 1 < y.size(); ++i)
      f.plane[0][i] = static_cast<uint8_t>(
          std::clamp(y[i] + (i % 2 == 0 ? 1 : -1) * 25 + 2 * (2 * y[i] - y[i - 1] - y[i + 1]), 16, 235));
  };
  EXPECT_FINDS(sharpened, "too sharp");
  const auto other = [](Yuv& f, int n) { f = frame((n + 10) % 20, 2); };
  EXPECT_FINDS(other, "does not know such material");
}

TEST_F(FilmCheckTest, StillAreasThatPulseAreNamed) {
  write(in_, 1, 8, [](int) { return frame(0, 1); });
  write(out_, 2, 8, [](int n) {
    Yuv f = frame(0, 2);
    for (size_t i = 0; i < f.plane[0].size(); ++i)
      f.plane[0][i] = static_cast<uint8_t>(f.plane[0][i] + ((i + n) % 2 == 0 ? 3 : -3));
    return f;
  });
  const FilmCheck result = check_film(in_, out_, nullptr, 4, {});
  ASSERT_EQ(result.shots.size(), 1U);
  EXPECT_NEAR(result.shots[0].flicker, 6 * 255.0 / 219, 0.5);
  ASSERT_FALSE(result.shots[0].findings.empty());
  EXPECT_NE(result.shots[0].findings[0].find("areas that stand still pulse"), std::string::npos);
}

TEST_F(FilmCheckTest, ShotsMayBeThoseOfAFile) {
  Film film;
  film.frames = kFrames;
  film.shots.resize(3);
  film.shots[0].frames = {{0, 4}, {7, 9}};
  film.shots[1].frames = {{5, 6}};
  film.shots[2].frames = {{10, 19}};
  const FilmCheck result = check([](int n) { return frame(n, 2); }, kFrames, &film);
  ASSERT_EQ(result.shots.size(), 3U);
  EXPECT_EQ(result.shots[0].frames, 8);
  EXPECT_EQ(result.shots[1].frames, 2);
  film.frames = 21;
  film.shots[2].frames = {{10, 20}};
  EXPECT_THROW(check([](int n) { return frame(n, 2); }, kFrames, &film), Error);
  film.frames = 15;
  film.shots[2].frames = {{10, 14}};
  EXPECT_THROW(check([](int n) { return frame(n, 2); }, kFrames, &film), Error);
}

TEST_F(FilmCheckTest, WhatDoesNotFitIsSaid) {
  const auto says = [&](const std::function<void()>& action, const std::string& part) {
    try {
      action();
      ADD_FAILURE() << "checked";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  says([&] { check([](int n) { return frame(n, 2); }, kFrames - 1); }, "out.y4m ends after 19 frames");
  write(in_, 1, 2, [](int n) { return frame(n, 1); });
  says([&] { check_film(in_, in_, nullptr, 2, {}); }, "64x48: must be 2, 3 or 4 times the input's 64x48");
}

TEST_F(FilmCheckTest, ThreeReportsSayTheSame) {
  FilmCheck result = check([](int n) { return frame(n, 2); });
  result.shots[1].findings = {"a <finding>"};
  const auto json = nlohmann::json::parse(check_json(result));
  EXPECT_EQ(json["format"], "cdsr-check");
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["shots"][1]["first"], 10);
  EXPECT_NE(check_table(result).find("fails: a <finding>"), std::string::npos);
  const std::string page = check_page(result, "out & in", {});
  EXPECT_NE(page.find("<h1>out &amp; in</h1>"), std::string::npos);
  EXPECT_NE(page.find("a &lt;finding&gt;"), std::string::npos);
  EXPECT_NE(page.find("<tr id=\"s1\" class=\"marked\">"), std::string::npos);
}

}  // namespace
}  // namespace cdsr::film
