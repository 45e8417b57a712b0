// Two passes over a film: the file, what a second pass makes of it, and what a person may change in it.
#include "filter/film/film.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "filter/film/player.h"
#include "filter/film/recorder.h"
#include "filter/option_table.h"
#include "filter/session.h"
#include "model/error.h"
#include "tests/filter/clip.h"
#include "tests/filter/tiny_model.h"
#include "tests/model/plain_reader.h"

namespace cdsr::test {
namespace {

constexpr int kWidth = 48, kHeight = 36;

const PixelFormat& gray() { return *find_format(CDSR_FORMAT_GRAY8); }

/// Three scenes, a flash of one frame in the first of them, and the first scene once more.
const std::vector<Shown>& clip() {
  static const std::vector<Shown> frames = [] {
    std::vector<Shown> list;
    for (int i = 0; i < 5; ++i) list.push_back({i == 2 ? 9 : 1, i});
    for (int i = 0; i < 4; ++i) list.push_back({2, i});
    for (int i = 0; i < 4; ++i) list.push_back({3, i});
    for (int i = 0; i < 4; ++i) list.push_back({1, i});
    return list;
  }();
  return frames;
}

/// What came of the frames of a run.
struct Outcome {
  std::vector<FrameBuffer> pictures;
  std::vector<Pipeline::Report> reports;
  std::vector<std::vector<float>> embeddings;
};

class FilmTest : public testing::Test {
 protected:
  FilmTest() : path_((folder_.path() / "film.json").string()), options_(default_options()) {
    options_.backend = "reference";
    options_.threads = 1;
  }

  cdsr_options pass(int number) const {
    cdsr_options options = options_;
    options.pass = number;
    options.stats = path_.c_str();
    return options;
  }

  /// Frames `first` to `last` - 1 of the clip; finish: the film ends there.
  Outcome run(const cdsr_options& options, size_t first = 0, size_t last = clip().size(),
              bool finish = true) {
    std::vector<FrameBuffer> frames;
    for (size_t i = first; i < last; ++i) {
      frames.emplace_back(gray(), kWidth, kHeight);
      draw(frames.back(), clip()[i]);
    }
    return run(options, frames, first, finish);
  }

  /// Frames of a film, that of number `first` and those that follow.
  Outcome run(const cdsr_options& options, const std::vector<FrameBuffer>& frames, size_t first = 0,
              bool finish = true) {
    Session session(model_, session_options(options));
    Outcome outcome;
    for (size_t i = first; i < first + frames.size(); ++i) {
      const FrameBuffer& in = frames[i - first];
      outcome.pictures.emplace_back(in.format(), 2 * in.width(), 2 * in.height());
      const cdsr_frame input = in.frame();
      cdsr_frame output = outcome.pictures.back().frame();
      Hints hints;
      hints.time = static_cast<int64_t>(i) * 40000000;
      outcome.reports.push_back(session.process(input, output, hints, Pipeline::Method::Network));
      outcome.embeddings.emplace_back(session.embedding().begin(), session.embedding().end());
    }
    if (finish) session.finish();
    return outcome;
  }

  /// Changes the file.
  void edit(const std::function<void(Film&)>& change) {
    Film film = read_film(path_);
    change(film);
    write_film(path_, film);
  }

  /// The message of what fails with InvalidArgument.
  static std::string refusal(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::InvalidArgument) << e.what();
      return e.what();
    }
    return "nothing failed";
  }

  TempFolder folder_;
  std::string path_;
  std::shared_ptr<const Model> model_ = tiny_model();
  cdsr_options options_;
};

#define EXPECT_SAYS(action, part) EXPECT_NE(refusal(action).find(part), std::string::npos) << refusal(action)

// ------------------------------------------------------------------ passes

TEST_F(FilmTest, TheFileSaysWhatTheFirstPassSaw) {
  const Outcome first = run(pass(1));
  const Film film = read_film(path_);
  EXPECT_EQ(film.model, "tiny");
  EXPECT_EQ(film.frames, 17);
  EXPECT_EQ(film.width, kWidth);
  EXPECT_EQ(film.height, kHeight);
  ASSERT_EQ(film.shots.size(), 5U);
  using Stretches = std::vector<FilmShot::Stretch>;
  EXPECT_EQ(film.shots[0].frames, (Stretches{{0, 1}, {3, 4}}));
  EXPECT_EQ(film.shots[1].frames, (Stretches{{2, 2}}));
  EXPECT_EQ(film.shots[4].frames, (Stretches{{13, 16}}));
  EXPECT_DOUBLE_EQ(film.shots[2].time, 0.2);
  EXPECT_NEAR(film.shots[2].score, first.reports[5].event.score, 1e-6);
  EXPECT_TRUE(film.shots[4].known);
  EXPECT_EQ(film.shots[4].looks.front().embedding, film.shots[0].looks.front().embedding);
  EXPECT_EQ(film.shots[2].looks.front().embedding, first.embeddings[5]);
}

TEST_F(FilmTest, TheFileSaysWhatTheModelReadsOffItsEmbeddings) {
  run(pass(1));
  EXPECT_FALSE(read_film(path_).shots[0].looks[0].reading);  // a model without a reader says nothing
  const std::vector<FrameBuffer> one = run(options_).pictures;
  auto model = std::make_shared<Model>(*model_);
  model->reader = plain_reader(model->network->config);
  model_ = model;
  run(pass(1));
  const Film film = read_film(path_);
  for (const FilmShot& shot : film.shots)
    EXPECT_EQ(shot.looks[0].reading, model->reader->read(shot.looks[0].embedding));
  std::ifstream file(path_);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find(describe(*film.shots[1].looks[0].reading)), std::string::npos) << text;
  // It is for people alone: what somebody writes there changes nothing.
  edit([](Film& f) {
    for (FilmShot& shot : f.shots) shot.looks[0].reading->noise = 90;
  });
  EXPECT_EQ(run(pass(2)).pictures, one);
}

TEST_F(FilmTest, TheFirstPassInterpolates) {
  const Outcome first = run(pass(1));
  options_.strength = 0;
  const Outcome bicubic = run(options_);
  EXPECT_EQ(first.pictures, bicubic.pictures);
  for (const Pipeline::Report& report : first.reports) EXPECT_TRUE(report.bicubic);
}

TEST_F(FilmTest, TheSecondPassGivesTheBitsOfOne) {
  for (const int32_t query : {CDSR_QUERY_SHOT, CDSR_QUERY_FRAME}) {
    for (const auto& [embed_frames, refresh] : {std::pair{1, 0}, {3, 0}, {1, 2}}) {
      SCOPED_TRACE(testing::Message()
                   << "query " << query << ", embed_frames " << embed_frames << ", refresh " << refresh);
      options_.query = query;
      options_.embed_frames = embed_frames;
      options_.refresh = refresh;
      const Outcome one = run(options_);
      run(pass(1));
      const Outcome two = run(pass(2));
      EXPECT_EQ(two.pictures, one.pictures);
      EXPECT_EQ(two.embeddings, one.embeddings);
      for (size_t i = 0; i < one.reports.size(); ++i) {
        EXPECT_EQ(two.reports[i].event.shot, one.reports[i].event.shot) << i;
        EXPECT_EQ(two.reports[i].event.entered(), one.reports[i].event.entered()) << i;
        EXPECT_EQ(two.reports[i].hit, one.reports[i].hit) << i;
        EXPECT_FALSE(two.reports[i].embedded) << i;
      }
    }
  }
}

TEST_F(FilmTest, APieceOfAFilmHasTheBitsOfTheWhole) {
  options_.embed_frames = 3;
  const Outcome one = run(options_);
  run(pass(1));
  const Film film = read_film(path_);
  for (const auto& [first, count] : {std::pair{0, 17}, {0, 3}, {2, 5}, {6, 9}, {16, 1}}) {
    write_film(path_, cut_film(film, first, count));
    const auto from = static_cast<size_t>(first), to = from + static_cast<size_t>(count);
    const Outcome piece = run(pass(2), from, to);
    for (size_t i = 0; i < piece.pictures.size(); ++i)
      EXPECT_TRUE(piece.pictures[i] == one.pictures[from + i]) << "frame " << from + i << " from " << first;
  }
  EXPECT_SAYS([&] { cut_film(film, 10, 8); }, "frames 10..17: the film has 17");
}

/// A letterboxed shot; in frame 2 something shows in its bars, frame 5 begins one without bars.
std::vector<FrameBuffer> letterboxed(const PixelFormat& format) {
  constexpr int kBar = 6, kRows = 64 + 2 * kBar;
  std::vector<FrameBuffer> frames;
  for (int i = 0; i < 6; ++i) {
    FrameBuffer frame(format, 64, kRows);
    for (int c = 1; c < 3 && format.has(c); ++c) frame.fill(c, 128 << (format.bits - 8));
    for (int y = 0; y < kRows; ++y)
      for (int x = 0; x < 64; ++x) {
        const bool in_bar = i < 5 && (y < kBar || y >= kRows - kBar);
        const int subtitle = i == 2 && y == kRows - 2 && x > 40 ? 200 : 17;
        const int luma = in_bar ? subtitle : 40 + scene_luma(i < 5 ? 3 : 5, x + i, y) / 2;
        frame.set(0, x, y, luma << (format.bits - 8));
      }
    frames.push_back(std::move(frame));
  }
  return frames;
}

TEST_F(FilmTest, APieceThatBeginsInsideAShotKeepsItsBars) {
  const std::vector<FrameBuffer> frames = letterboxed(*find_format("yuv420p10le"));
  const Outcome one = run(options_, frames);
  run(pass(1), frames);
  const Film film = read_film(path_);
  ASSERT_EQ(film.shots.size(), 2U);
  ASSERT_EQ(film.shots[0].bars.size(), 2U);
  EXPECT_EQ(film.shots[0].bars[0].frame, 0);
  EXPECT_EQ(film.shots[0].bars[0].barred.picture, (Area{0, 6, 64, 64}));
  EXPECT_EQ(film.shots[0].bars[1].frame, 2);
  EXPECT_EQ(film.shots[0].bars[1].barred.picture, (Area{0, 0, 64, 76}));
  EXPECT_TRUE(film.shots[1].bars.empty());
  for (const size_t first : {1, 3}) {
    write_film(path_, cut_film(film, static_cast<int64_t>(first), 3));
    const Outcome piece = run(pass(2), {frames.begin() + first, frames.begin() + first + 3}, first);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_TRUE(piece.pictures[i] == one.pictures[first + i]) << "frame " << first + i;
  }
}

TEST_F(FilmTest, AFileThatSaysNothingOfBarsHasThemLookedForAgain) {
  std::vector<FrameBuffer> frames = letterboxed(gray());
  frames.erase(frames.begin() + 2, frames.end());
  const Outcome one = run(options_, frames);
  run(pass(1), frames);
  edit([](Film& film) {
    film.bars_known = false;
    for (FilmShot& shot : film.shots) shot.bars.clear();
  });
  EXPECT_EQ(run(pass(2), frames).pictures, one.pictures);
  edit([](Film& film) { film.bars_known = true; });
  EXPECT_FALSE(run(pass(2), frames).pictures == one.pictures);
}

TEST_F(FilmTest, BarsOffTheGridOfChromaAreNamed) {
  std::vector<FrameBuffer> frames = letterboxed(*find_format("yuv420p"));
  frames.erase(frames.begin() + 1, frames.end());
  run(pass(1), frames);
  edit([](Film& film) { film.shots[0].bars[0].barred.picture = {0, 5, 64, 65}; });
  EXPECT_SAYS([&] { run(pass(2), frames); }, "picture 64x65 at 0,5: must lie within 64x76 yuv420p");
}

TEST_F(FilmTest, ResetBeginsAgain) {
  run(pass(1));
  Session session(model_, session_options(pass(2)));
  FrameBuffer in(gray(), kWidth, kHeight), out(gray(), 2 * kWidth, 2 * kHeight);
  draw(in, clip()[0]);
  const cdsr_frame input = in.frame();
  cdsr_frame output = out.frame();
  for (int i = 0; i < 20; ++i) {
    session.process(input, output, {}, Pipeline::Method::Network);
    session.reset();
  }
  EXPECT_SAYS([&] { session.finish(); }, "the film ended after 0 frames");
}

// ------------------------------------------------------------------- edits

/// Frames that differ between two runs.
std::vector<size_t> changed(const Outcome& a, const Outcome& b) {
  std::vector<size_t> frames;
  for (size_t i = 0; i < a.pictures.size(); ++i)
    if (!(a.pictures[i] == b.pictures[i])) frames.push_back(i);
  return frames;
}

TEST_F(FilmTest, StrengthActsOnItsShotAlone) {
  run(pass(1));
  const Outcome before = run(pass(2));
  edit([](Film& film) { film.shots[2].strength = 0.25; });
  const Outcome after = run(pass(2));
  EXPECT_EQ(changed(before, after), (std::vector<size_t>{5, 6, 7, 8}));
  options_.strength = 0.25;
  const Outcome all = run(options_);
  for (const size_t i : {5, 6, 7, 8}) EXPECT_TRUE(after.pictures[i] == all.pictures[i]) << i;
  // In place of the option, that of other shots stays.
  options_.strength = 0;
  const Outcome rest = run(pass(2));
  EXPECT_TRUE(rest.pictures[5] == all.pictures[5]);
  EXPECT_TRUE(rest.reports[0].bicubic);
}

TEST_F(FilmTest, SharpnessActsOnItsShotAlone) {
  model_ = tiny_model(2, Query::Shot, Body::Stack);
  run(pass(1));
  const Outcome before = run(pass(2));
  edit([](Film& film) { film.shots[2].sharpness = 1; });
  const Outcome after = run(pass(2));
  EXPECT_EQ(changed(before, after), (std::vector<size_t>{5, 6, 7, 8}));
  options_.sharpness = 1;
  const Outcome all = run(options_);
  for (const size_t i : {5, 6, 7, 8}) EXPECT_TRUE(after.pictures[i] == all.pictures[i]) << i;
  // In place of the option, that of other shots stays.
  edit([](Film& film) { film.shots[2].sharpness = 0; });
  const Outcome rest = run(pass(2));
  EXPECT_TRUE(rest.pictures[5] == before.pictures[5]);
  EXPECT_TRUE(rest.pictures[9] == all.pictures[9]);
}

TEST_F(FilmTest, SharpnessNeedsAModelThatHasIt) {
  run(pass(1));
  edit([](Film& film) { film.shots[1].sharpness = 0; });
  run(pass(2));
  edit([](Film& film) { film.shots[1].sharpness = 0.5; });
  EXPECT_SAYS([&] { run(pass(2)); }, path_ + ": shot 1: sharpness = 0.5: must be 0");
}

TEST_F(FilmTest, SkipInterpolatesItsShotAlone) {
  run(pass(1));
  const Outcome before = run(pass(2));
  edit([](Film& film) { film.shots[0].skip = true; });
  const Outcome after = run(pass(2));
  EXPECT_EQ(changed(before, after), (std::vector<size_t>{0, 1, 3, 4}));
  options_.strength = 0;
  EXPECT_TRUE(after.pictures[3] == run(options_).pictures[3]);
}

TEST_F(FilmTest, LikeTakesTheEmbeddingOfAnotherShot) {
  run(pass(1));
  const Outcome before = run(pass(2));
  edit([](Film& film) { film.shots[3].like = 2; });
  const Outcome after = run(pass(2));
  for (size_t i = 0; i < clip().size(); ++i) {
    const bool edited = i >= 9 && i < 13;
    EXPECT_EQ(after.embeddings[i], before.embeddings[edited ? 5 : i]) << i;
    if (!edited) {
      EXPECT_TRUE(after.pictures[i] == before.pictures[i]) << i;
    }
  }
  EXPECT_NE(before.embeddings[9], before.embeddings[5]);
}

TEST_F(FilmTest, ALockedShotOutlivesAnotherFirstPass) {
  run(pass(1));
  const Film old = read_film(path_);
  edit([](Film& film) {
    film.shots[2].strength = 0.5;
    film.shots[2].sharpness = 0;
    film.shots[2].like = 0;
    film.shots[2].lock = true;
    film.shots[3].strength = 0.5;
  });
  run(pass(1));
  const Film film = read_film(path_);
  EXPECT_EQ(film.shots[2].strength, 0.5);
  EXPECT_EQ(film.shots[2].sharpness, 0);
  EXPECT_TRUE(film.shots[2].lock);
  EXPECT_EQ(film.shots[2].looks.front().embedding, old.shots[0].looks.front().embedding);
  EXPECT_EQ(film.shots[3], old.shots[3]);
  run(pass(2));
}

// ------------------------------------------------------------------- errors

TEST_F(FilmTest, AnotherFilmIsNamed) {
  run(pass(1), 0, 10);
  EXPECT_SAYS([&] { run(pass(2)); }, "frame 10: " + path_ + " is of 10 frames");
  EXPECT_SAYS([&] { run(pass(2), 0, 9); }, "the film ended after 9 frames, " + path_ + " is of 10");
  edit([](Film& film) { film.width = 50; });
  EXPECT_SAYS([&] { run(pass(2)); }, "frame 0 is 48x36, " + path_ + " is of 50x36");
}

TEST_F(FilmTest, AnotherModelIsNamed) {
  run(pass(1));
  edit([](Film& film) { film.weights = "0123456789abcdef"; });
  EXPECT_SAYS([&] { run(pass(2)); }, "made with model tiny x2 (weights 0123456789abcdef)");
  run(pass(1));
  options_.query = CDSR_QUERY_FRAME;
  EXPECT_SAYS([&] { run(pass(2)); }, "made with query = shot: this is frame");
  options_.query = CDSR_QUERY_SHOT;
  edit([](Film& film) { film.shots[1].looks[0].embedding.pop_back(); });
  EXPECT_SAYS([&] { run(pass(2)); }, "shot 1: embedding of 15 values");
}

TEST_F(FilmTest, AWeightsFileHasAnIdentity) {
  TinyModelFile file(2, 1);
  const std::string first = open_model(file.name(), 2)->hash;
  EXPECT_EQ(first.size(), 16U);
  file.write(2, 2);
  EXPECT_NE(open_model(file.name(), 2)->hash, first);
}

TEST_F(FilmTest, AShotWithoutEmbeddingIsNamed) {
  run(pass(1));
  edit([](Film& film) { film.shots[3].looks.clear(); });
  EXPECT_SAYS([&] { run(pass(2)); }, "shot 3 has no embedding");
  edit([](Film& film) { film.shots[3].like = 2; });
  run(pass(2));
}

TEST_F(FilmTest, OptionsThatDoNotGoTogether) {
  cdsr_options options = pass(1);
  options.stats = nullptr;
  EXPECT_SAYS([&] { session_options(options); }, "option stats: must not be empty with pass = 1");
  options = pass(2);
  options.live = 1;
  EXPECT_SAYS([&] { session_options(options); }, "option live = 1: must be 0 with pass = 2");
  options = pass(1);
  options.deadline = 40;
  EXPECT_SAYS([&] { Session(model_, session_options(options)); },
              "option deadline = 40: must be 0 with pass = 1");
}

TEST_F(FilmTest, OneFilmHasOneSize) {
  Session session(model_, session_options(pass(1)));
  const auto process = [&](int width) {
    FrameBuffer in(gray(), width, kHeight), out(gray(), 2 * width, 2 * kHeight);
    in.fill_random(1);
    const cdsr_frame input = in.frame();
    cdsr_frame output = out.frame();
    session.process(input, output, {}, Pipeline::Method::Network);
  };
  process(kWidth);
  EXPECT_SAYS([&] { process(50); }, "frame 1 is 50x36");
}

TEST_F(FilmTest, NoOtherFileIsOverwritten) {
  std::ofstream(path_) << "a letter";
  EXPECT_SAYS([&] { run(pass(1)); }, "no film file");
  std::ifstream file(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "a letter");
}

TEST_F(FilmTest, NothingIsWrittenBeforeTheEnd) {
  run(pass(1), 0, 5, false);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_SAYS([&] { run(pass(1), 0, 0); }, "the film has no frame");
  path_ = (folder_.path() / "none" / "film.json").string();
  try {
    run(pass(1));
    FAIL() << "written to a folder that is not there";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::Io);
  }
}

// --------------------------------------------------------------------- file

Film small_film() {
  Film film;
  film.model = "a \"name\"";
  film.weights = "00";
  film.width = 3;
  film.height = 2;
  film.frames = 6;
  FilmShot a, b;
  a.frames = {{0, 1}, {3, 4}};
  a.looks = {{0, {0.1F, -0.F, -1e-42F, 3.4028235e38F, 16777217.F / 3}, {1.F / 3}}, {3, {1, 2, 3, 4, 5}, {5}}};
  a.score = 0.25;
  a.bars = {{0, {{0, 1, 3, 1}, {16.F / 255, 0.5F, 0.5F, 1}}}, {4, {{0, 0, 3, 2}, {}}}};
  b.frames = {{2, 2}, {5, 5}};
  b.time = 0.08;
  b.known = b.skip = b.lock = true;
  b.strength = 1.0 / 3;
  b.sharpness = 1.0 / 7;
  b.like = 0;
  film.shots = {a, b};
  return film;
}

TEST(FilmFile, ComesBackBitForBit) {
  const Film film = small_film();
  const Film again = parse_film(film_text(film), "film");
  EXPECT_EQ(again, film);
  EXPECT_TRUE(std::signbit(again.shots[0].looks[0].embedding[1]));
}

TEST(FilmFile, LooksAreThoseOfTheFrame) {
  const Film film = small_film();
  EXPECT_EQ(look_at(film, film.shots[0], 2), &film.shots[0].looks[0]);
  EXPECT_EQ(look_at(film, film.shots[0], 3), &film.shots[0].looks[1]);
  EXPECT_EQ(look_at(film, film.shots[1], 2), &film.shots[0].looks[1]);
}

TEST(FilmFile, HostileFilesAreNamed) {
  const std::string good = film_text(small_film());
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& message) {
    std::string text = good;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    try {
      parse_film(text, "f.json");
      ADD_FAILURE() << "accepted: " << to;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::InvalidArgument) << e.what();
      EXPECT_NE(std::string(e.what()).find("f.json: " + message), std::string::npos) << e.what();
    }
  };
  refused("{", "", "no film file: JSON");
  refused("\"cdsr-film\"", "\"other\"", "format must be");
  refused("\"version\": 2", "\"version\": 3", "version = 3: this library knows 1 and 2");
  refused("\"version\": 2", "\"version\": 1", "shot 0: bars are of version 2, this file is of 1");
  refused("\"version\": 2", "\"version\": 1.5", "version = 1.5: must be a whole number");
  refused("\"query\": \"shot\"", "\"query\": \"all\"", "query = \"all\": must be shot or frame");
  refused("\"width\": 3", "\"width\": 0", "width = 0: must be a whole number, 1..65536");
  refused("\"width\": 3", "\"width\": 99999999999999999999", "width = ");
  refused("\"width\": 3", "\"width\": 18446744073709551615", "width = 18446744073709551615: must be");
  refused("\"frames\": 6", "\"frames\": 7", "frames 6..6 are in no shot");
  refused("\"frames\": 6", "\"frames\": 5", "shot 1: frames has [5, 5]: must be pairs");
  refused("\"frames\": 6", "\"pictures\": 6", "no member is named \"pictures\"");
  refused("[2, 2]", "[2, 3]", "shot 0: frame 3 is in another shot too");
  refused("[2, 2],", "", "frames 2..2 are in no shot");
  refused("\"width\": 3", "\"width\": 1e999", "no film file: a number is beyond 64 bits");
  refused("[3, 4]", "[4, 3]", "shot 0: frames has [4, 3]");
  refused("[3, 4]", "[3, -4]", "shot 0: frames has [3, -4]");
  refused("[3, 4]", "\"x\"", "shot 0: frames has \"x\"");
  refused("[[0, 1],[3, 4]]", "[]", "shot 0: frames is empty");
  refused("\"shot\": 1", "\"shot\": 4", "shot 1: shot = 4: must be its place");
  refused("\"skip\": true", "\"skip\": 1", "shot 1: skip = 1: must be true or false");
  refused("\"skip\": true", "\"skipp\": true", "shot 1: no member is named \"skipp\"");
  refused("\"like\": 0", "\"like\": 2", "shot 1: like = 2: must be a whole number, 0..1");
  refused("\"like\": 0", "\"like\": 1", "shot 1: like = 1: that shot has no embedding");
  refused("\"strength\": 0.3", "\"strength\": 7.3", "shot 1: strength = 7.3");
  refused("\"sharpness\": 0.1", "\"sharpness\": 1.1", "shot 1: sharpness = 1.1");
  refused("\"score\": 0.25", "\"score\": null", "shot 0: score = null: must be a number, 0..1");
  refused("\"embedding\": [1,2", "\"embedding\": [1e39,2", "shot 0: look 1: embedding[0] = 1e+39");
  refused("\"embedding\": [1,2", "\"embedding\": [[[[1]]],2", "shot 0: look 1: embedding[0] = a list of 1");
  refused("{\"frame\": 3", "{\"frame\": 0", "shot 0: look at frame 0 follows that at frame 0");
  refused("\"embedding\": [1", "\"embeddings\": [1", "shot 0: look 1: no member is named");
  refused("[0, 1, 3, 1]", "[0, 1, 3, 2]", "shot 0: bars 0: picture = [0,1,3,2]: must be x, y, width");
  refused("[0, 1, 3, 1]", "[0, 1, 0, 1]", "shot 0: bars 0: picture = [0,1,0,1]: must be");
  refused("[0, 1, 3, 1]", "[0, 1, 4294967297, 1]", "shot 0: bars 0: picture = ");
  refused("[0, 1, 3, 1]", "[0, 1, \"x\", 1]", "shot 0: bars 0: picture = ");
  refused("0.5,0.5,1]", "0.5,1.5,1]", "shot 0: bars 0: colour must be four shares, 0..1");
  refused("0.5,0.5,1]", "0.5,1]", "shot 0: bars 0: colour must be four shares, 0..1");
  refused("{\"frame\": 4, \"picture\"", "{\"frame\": 0, \"picture\"", "shot 0: bars at frame 0 follow");
  refused("\"shots\": [", "\"shots\": [[[[[", "no film file");
  refused("\"weights\": \"00\"", "\"weights\": \"\xff\"", "no film file");
}

TEST(FilmFile, NestingDoesNotExhaustTheStack) {
  const std::string deep(2'000'000, '[');
  EXPECT_THROW(parse_film(deep, "f"), Error);
  EXPECT_THROW(parse_film(deep + std::string(deep.size(), ']'), "f"), Error);
}

}  // namespace
}  // namespace cdsr::test
