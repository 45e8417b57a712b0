// The report: a page of its own, whatever the log has been through.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tools/report/chart.h"
#include "tools/report/page.h"

namespace cdsr::report {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Chart, DrawsEachSeriesAndItsEnds) {
  const std::string s = svg({"Loss", "dB", {{"a", {{0, 1}, {10, 3}}}, {"b", {{5, 2}}}}});
  EXPECT_EQ(count(s, "<path class=\"line"), 2U);
  EXPECT_NE(s.find("M56.0 232.0L708.0 12.0"), std::string::npos) << s;  // lower left to upper right
  EXPECT_NE(s.find(">a</span>"), std::string::npos);
  EXPECT_LE(count(s, "class=\"y\""), 7U);
}

TEST(Chart, LeavesOutWhatIsNoNumberAndThinsWhatIsLong) {
  Series s{"a", {{0, NAN}, {1, INFINITY}}};
  EXPECT_NE(svg({"t", "", {s}}).find("Nothing to show"), std::string::npos);
  for (int i = 0; i < 100'000; ++i) s.points.emplace_back(i + 2, i);
  EXPECT_LT(svg({"t", "", {s}}).size(), 20'000U);
  EXPECT_EQ(svg({"t", "", {{"level", {{0, 5}, {9, 5}}}}}).find("nan"), std::string::npos);
}

TEST(Chart, StandsAsAFileOfItsOwn) {
  Chart c{"a < b", "", {{"one", {{0, 0}, {1, 2}}}, {"two", {{3, 4}}}}};
  c.scatter = true;
  const std::string points = svg_file(c);
  EXPECT_NE(points.find("a &lt; b"), std::string::npos);
  EXPECT_NE(points.find(">two<"), std::string::npos);
  EXPECT_EQ(count(points, "<circle"), 3U + 2U);  // points and legend
  EXPECT_EQ(count(points, "<path"), 0U);
  EXPECT_EQ(count(points, "{stroke:hsl("), 2U);
  const std::string curve = svg_file({"t", "dB", {{"flat", {{1, 5}, {2, 5}}}}, "width"});
  EXPECT_EQ(curve.find("nan"), std::string::npos);
  EXPECT_EQ(count(curve, "<path class=\"line s0"), 1U);
  EXPECT_NE(curve.find(">t, dB<"), std::string::npos);
  EXPECT_NE(curve.find(">width<"), std::string::npos);
}

TEST(Page, NeedsNothingBesideIt) {
  TempFolder folder;
  const auto run = folder.path() / "run <1>";
  std::filesystem::create_directories(run / "crops");
  for (const char* what : {"lr", "sr", "hr"})
    std::ofstream(run / "crops" / (std::string("0-") + what + ".png")) << "Man?";
  std::ofstream(run / "log.jsonl") << R"({"event":"start","step":0,"recipe":"a & b"})"
                                   << "\n"
                                   << R"({"event":"bicubic","step":0,"psnr":30.5})"
                                   << "\n"
                                   << R"({"event":"train","step":100,"l1":4.5,"accuracy":0.5,"images_s":70})"
                                   << "\n"
                                   << R"({"event":"validation","step":100,"psnr":31.25})"
                                   << "\n"
                                   << R"({"event":"train","step":200,"l1":3.)";  // cut short
  const std::string html = page({run / "log.jsonl"});
  EXPECT_NE(html.find("run &lt;1&gt;"), std::string::npos);
  EXPECT_NE(html.find("a &amp; b"), std::string::npos);
  EXPECT_NE(html.find("31.250 dB"), std::string::npos);
  EXPECT_NE(html.find("bicubic"), std::string::npos);
  EXPECT_EQ(count(html, "base64,TWFuPw=="), 3U);  // "Man?"
  EXPECT_EQ(count(html, "http"), 0U);             // no network
  EXPECT_EQ(count(html, "<figure>"), 8U);
}

TEST(Page, RefusesWhatIsNoLog) {
  TempFolder folder;
  EXPECT_THROW(page({folder.path() / "none.jsonl"}), Error);
  std::ofstream(folder.path() / "empty.jsonl") << "hello\n";
  EXPECT_THROW(page({folder.path() / "empty.jsonl"}), Error);
}

}  // namespace
}  // namespace cdsr::report
