// Thumbnails, the detector on synthetic clips (with a text golden), shot lists and the numbering of shots.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "filter/shot/detector.h"
#include "filter/shot/shot_list.h"
#include "filter/shot/tracker.h"
#include "model/error.h"
#include "tests/filter/clip.h"
#include "tests/model/temp_folder.h"

namespace cdsr::test {
namespace {

const PixelFormat& gray() { return *find_format(CDSR_FORMAT_GRAY8); }

Thumbnail thumbnail_of(const FrameBuffer& frame, const RowKernels& kernels = row_kernels()) {
  Thumbnailer thumbnailer(kernels);
  thumbnailer.plan(frame.width());
  Thumbnail result;
  thumbnailer.make(frame.input(), result);
  return result;
}

/// Rounded mean of a cell, straight from its definition.
uint16_t cell_mean(const FrameBuffer& frame, int cx, int cy, int columns, int rows) {
  const auto edge = [](int i, int n, int size) { return i * size / n; };
  const PixelFormat& format = frame.format();
  uint64_t sum = 0;
  uint64_t samples = 0;
  for (int y = edge(cy, rows, frame.height()); y < edge(cy + 1, rows, frame.height()); ++y) {
    for (int x = edge(cx, columns, frame.width()); x < edge(cx + 1, columns, frame.width()); ++x) {
      if (format.model == ColorModel::Rgb) {
        sum += frame.get(0, x, y) + 2 * frame.get(1, x, y) + frame.get(2, x, y);
        samples += 4;
      } else {
        sum += frame.get(0, x, y);
        samples += 1;
      }
    }
  }
  return static_cast<uint16_t>(((sum << (16 - format.bits)) + samples / 2) / samples);
}

TEST(Thumbnail, IsExactForEveryFormat) {
  for (const PixelFormat& format : pixel_formats()) {
    for (const auto& [width, height] : {std::pair{1, 1}, {79, 44}, {80, 45}, {333, 101}}) {
      FrameBuffer frame(format, width, height, true);
      frame.fill_random(11);
      for (const RowKernels* kernels : all_row_kernels()) {
        const Thumbnail got = thumbnail_of(frame, *kernels);
        ASSERT_EQ(got.width, std::min(width, 80));
        ASSERT_EQ(got.height, std::min(height, 45));
        for (int cy = 0; cy < got.height; ++cy) {
          for (int cx = 0; cx < got.width; ++cx) {
            ASSERT_EQ(got.cell[cy * got.width + cx], cell_mean(frame, cx, cy, got.width, got.height))
                << format.name << " " << width << "x" << height << " cell " << cx << "," << cy;
          }
        }
      }
    }
  }
}

TEST(Thumbnail, DepthDoesNotChangeTheStatistics) {
  FrameBuffer eight(gray(), 200, 100);
  draw(eight, {});
  const Thumbnail base = thumbnail_of(eight);
  for (const int32_t id : std::initializer_list<int32_t>{
           CDSR_FORMAT_GRAY10, CDSR_FORMAT_GRAY12, CDSR_FORMAT_GRAY16, CDSR_FORMAT_P010,
           CDSR_FORMAT_YUV420P14, CDSR_FORMAT_GBRP10, CDSR_FORMAT_BGRA, CDSR_FORMAT_UYVY422, CDSR_FORMAT_XV30,
           CDSR_FORMAT_RGBA64 | CDSR_FORMAT_BIG_ENDIAN}) {
    FrameBuffer frame(*find_format(id), 200, 100);
    draw(frame, {});
    const Thumbnail other = thumbnail_of(frame);
    EXPECT_EQ(0, std::memcmp(base.cell, other.cell, sizeof base.cell)) << frame.format().name;
  }
}

TEST(Thumbnail, SimilarityByHand) {
  Thumbnail a;
  a.width = 2;
  a.height = 1;
  Thumbnail b = a;
  a.cell[0] = 0;
  a.cell[1] = 200 * 256;
  b.cell[0] = 100 * 256;
  b.cell[1] = 0;
  // Opposite slopes; the constant that guards flat frames hardly counts.
  EXPECT_NEAR(compare(a, b).zncc, -1, 1e-3);
  EXPECT_EQ(compare(a, b).difference, 150);
  EXPECT_NEAR(compare(a, a).zncc, 1, 1e-12);
  EXPECT_EQ(deviation(a), 100);
  // Two flat frames are alike, a flat one and a structured one are not.
  Thumbnail black = a;
  black.cell[1] = 0;
  EXPECT_EQ(compare(black, black).zncc, 1);
  EXPECT_LT(compare(black, a).zncc, 0.02);
}

/// A clip: what is shown at each frame.
struct Clip {
  const char* name;
  int frames;
  std::function<Shown(int)> at;
};

Shown white() { return {0, 0, 0, 255}; }
Shown black() { return {0, 0, 0, 0}; }

std::vector<Clip> clips() {
  return {
      {"still", 6, [](int) { return Shown{}; }},
      {"cut", 12, [](int i) { return Shown{i < 6 ? 0 : 1}; }},
      {"slow motion", 12,
       [](int i) {
         return Shown{2, 2 * i};
       }},
      {"fast motion", 12,
       [](int i) {
         return Shown{2, 11 * i};
       }},
      {"cut while moving", 12,
       [](int i) {
         return Shown{i < 6 ? 2 : 3, 3 * i};
       }},
      {"white flash", 10,
       [](int i) {
         return i == 5 ? white() : Shown{0, i};
       }},
      {"exposure flash", 10,
       [](int i) {
         return Shown{0, i, i == 5 ? 160 : 256, i == 5 ? 95 : 0};
       }},
      {"flash of another picture", 12,
       [](int i) {
         return Shown{i == 5 || i == 6 ? 4 : 0, i};
       }},
      {"cut on a white flash", 12, [](int i) { return i == 5 ? white() : Shown{i < 5 ? 0 : 1}; }},
      {"fade out and in", 40,
       [](int i) {
         return Shown{0, i, 256 * std::clamp(std::abs(i - 20) - 3, 0, 15) / 15};
       }},
      {"fade to another scene", 40,
       [](int i) {
         return Shown{i < 20 ? 0 : 1, i, 256 * std::clamp(std::abs(i - 20) - 3, 0, 15) / 15};
       }},
      {"black before", 8, [](int i) { return i < 3 ? black() : Shown{}; }},
      {"brightness ramp", 12,
       [](int i) {
         return Shown{0, 0, 200, 6 * i};
       }},
      {"A-B-A-B", 16,
       [](int i) {
         return Shown{i / 4 % 2 == 0 ? 0 : 5, i};
       }},
      {"every frame another scene", 10, [](int i) { return Shown{i}; }},
  };
}

const char* text_of(const ShotEvent& event) {
  return event.returned ? "return" : event.begins ? "cut" : "same";
}

std::string run_clips() {
  std::ostringstream out;
  out << "# clip; then for each frame that begins or resumes a shot: frame, shot, what, score\n";
  char line[80];
  for (const Clip& clip : clips()) {
    out << clip.name << "\n";
    ShotTracker tracker(ShotMode::Auto, ShotDetector::kDefaultThreshold, {});
    FrameBuffer frame(gray(), kClipWidth, kClipHeight);
    double quiet = 0;
    for (int i = 0; i < clip.frames; ++i) {
      draw(frame, clip.at(i));
      const Thumbnail thumbnail = thumbnail_of(frame);
      const ShotEvent event = tracker.next(&thumbnail, {});
      if (!event.entered()) {
        quiet = std::max(quiet, event.score);
        continue;
      }
      std::snprintf(line, sizeof line, "  %2d  %d  %-6s  %.3f\n", i, static_cast<int>(event.shot),
                    text_of(event), event.score);
      out << line;
    }
    std::snprintf(line, sizeof line, "  highest score elsewhere %.3f\n", quiet);
    out << line;
  }
  return out.str();
}

TEST(ShotDetector, GoldenClips) {
  const std::string path = CDSR_TEST_DATA "/shots.txt";
  const std::string got = run_clips();
  if (std::getenv("CDSR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << got;
  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(got, golden.str()) << "CDSR_UPDATE_GOLDEN=1 rewrites " << path;
}

TEST(ShotDetector, ThresholdMovesTheDecision) {
  for (const auto& [threshold, cuts] : {std::pair{0.0, 2}, {0.5, 2}, {1.0, 1}}) {
    ShotDetector detector;
    detector.set_threshold(threshold);
    FrameBuffer frame(gray(), kClipWidth, kClipHeight);
    int count = 0;
    for (const int scene : {0, 0, 0, 1, 1}) {
      draw(frame, {scene});
      count += detector.next(thumbnail_of(frame)).verdict == ShotDetector::Verdict::Cut ? 1 : 0;
    }
    EXPECT_EQ(count, cuts) << threshold;
  }
}

TEST(ShotList, ReadsNumbersAndComments) {
  EXPECT_EQ(parse_shot_list("0\n 12 # a comment\r\n\n#only\n40", "f"), (std::vector<int64_t>{0, 12, 40}));
  EXPECT_TRUE(parse_shot_list("", "f").empty());
  EXPECT_TRUE(parse_shot_list("\n\n", "f").empty());
  EXPECT_EQ(parse_shot_list("\xEF\xBB\xBF"
                            "0\r\n12\r\n",
                            "f"),
            (std::vector<int64_t>{0, 12}));
}

TEST(ShotList, NamesTheLineThatIsWrong) {
  const auto message = [](const char* text) -> std::string {
    try {
      parse_shot_list(text, "shots.txt");
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::InvalidArgument);
      return e.what();
    }
    return "no error";
  };
  EXPECT_NE(message("1\n2x\n").find("shots.txt:2: \"2x\""), std::string::npos);
  EXPECT_NE(message("-1").find("shots.txt:1"), std::string::npos);
  EXPECT_NE(message("+1").find("shots.txt:1"), std::string::npos);
  EXPECT_NE(message("1.5").find("shots.txt:1"), std::string::npos);
  EXPECT_NE(message("3 4").find("shots.txt:1"), std::string::npos);
  EXPECT_NE(message("99999999999999999999").find("shots.txt:1"), std::string::npos);
  EXPECT_NE(message("5\n5").find("frame 5 does not come after frame 5"), std::string::npos);
  EXPECT_NE(message("5\n\n4").find("shots.txt:3"), std::string::npos);
  EXPECT_NE(message(std::string("1\0", 2).c_str()), "");
  EXPECT_THROW(read_shot_list("/no/such/file"), Error);
}

// Whatever the bytes are: ascending frame numbers, or an error that names the line.
TEST(ShotList, SurvivesAnyBytes) {
  std::mt19937 random(1);
  const std::string likely = "0123456789# \t\r\n\n-+.ex";
  int read = 0, refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 24, ' ');
    for (char& c : text)
      c = random() % 16 == 0 ? static_cast<char>(random() % 256) : likely[random() % likely.size()];
    try {
      const auto shots = parse_shot_list(text, "shots.txt");
      for (size_t i = 0; i < shots.size(); ++i) EXPECT_GT(shots[i], i == 0 ? -1 : shots[i - 1]) << text;
      ++read;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::InvalidArgument);
      EXPECT_EQ(std::string(e.what()).substr(0, 10), "shots.txt:");
      ++refused;
    }
  }
  EXPECT_GT(read, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(ShotList, ReadsFiles) {
  const TempFolder folder;
  const auto path = folder.path() / "shots.txt";
  std::ofstream(path) << "3\n7\n";
  EXPECT_EQ(read_shot_list(path), (std::vector<int64_t>{3, 7}));
  try {
    read_shot_list(folder.path());
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::Io);
    EXPECT_NE(std::string(e.what()).find("a directory, must be a text file"), std::string::npos) << e.what();
  }
}

class Tracker : public testing::Test {
 protected:
  Tracker() : frame_(gray(), 64, 32) { frame_.fill_random(1); }

  /// Shots of `frames` frames; all show noise, so no picture decides.
  std::vector<int64_t> run(ShotTracker& tracker, int frames, const std::vector<int>& cuts,
                           const std::vector<int>& discontinuities = {}) {
    const auto has = [](const std::vector<int>& list, int i) {
      return std::find(list.begin(), list.end(), i) != list.end();
    };
    std::vector<int64_t> shots;
    shots.reserve(frames);
    const Thumbnail thumbnail = thumbnail_of(frame_);
    for (int i = 0; i < frames; ++i)
      shots.push_back(tracker.next(&thumbnail, {has(cuts, i), has(discontinuities, i)}).shot);
    return shots;
  }

  FrameBuffer frame_;
};

using Shots = std::vector<int64_t>;

TEST_F(Tracker, MetadataFollowsTheHost) {
  ShotTracker tracker(ShotMode::Metadata, 0.4, {});
  EXPECT_EQ(run(tracker, 6, {2, 4}), (Shots{0, 0, 1, 1, 2, 2}));
}

TEST_F(Tracker, AutoAndOffDoNot) {
  for (const ShotMode mode : {ShotMode::Auto, ShotMode::Off}) {
    ShotTracker tracker(mode, 0.4, {});
    EXPECT_EQ(run(tracker, 5, {2, 3}), (Shots{0, 0, 0, 0, 0}));
  }
}

TEST_F(Tracker, FileSaysWhere) {
  ShotTracker tracker(ShotMode::File, 0.4, {2, 3, 90});
  EXPECT_EQ(run(tracker, 6, {1}), (Shots{0, 0, 1, 2, 2, 2}));
  tracker.reset();
  EXPECT_EQ(run(tracker, 4, {}), (Shots{0, 0, 1, 2}));
  ShotTracker from_zero(ShotMode::File, 0.4, {0, 2});
  EXPECT_EQ(run(from_zero, 4, {}), (Shots{0, 0, 1, 1}));
}

TEST_F(Tracker, DiscontinuityAndRestartBeginShotsInEveryMode) {
  for (const ShotMode mode : {ShotMode::Auto, ShotMode::Metadata, ShotMode::File, ShotMode::Off}) {
    ShotTracker tracker(mode, 0.4, {});
    EXPECT_EQ(run(tracker, 4, {}, {2}), (Shots{0, 0, 1, 1}));
    tracker.restart();
    EXPECT_EQ(run(tracker, 2, {}), (Shots{2, 2}));
  }
}

}  // namespace
}  // namespace cdsr::test
