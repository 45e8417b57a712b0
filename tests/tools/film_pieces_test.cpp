// Pieces of a film, FFmpeg's list of frames, and the folder that a film is made in.
#include <gtest/gtest.h>

#include <fstream>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tools/film/driver.h"
#include "tools/film/job.h"
#include "tools/film/pieces.h"

namespace cdsr::film {
namespace {

/// A film whose shots begin at these frames.
Film film_of(int64_t frames, const std::vector<int64_t>& starts) {
  Film film;
  film.width = film.height = 8;
  film.frames = frames;
  for (size_t i = 0; i < starts.size(); ++i) {
    FilmShot shot;
    shot.frames = {{starts[i], (i + 1 < starts.size() ? starts[i + 1] : frames) - 1}};
    shot.looks = {{starts[i], {static_cast<float>(i)}, {}}};
    film.shots.push_back(shot);
  }
  return film;
}

using Pieces = std::vector<Piece>;

TEST(FilmPieces, BeginWhereShotsDo) {
  EXPECT_EQ(plan_pieces(film_of(100, {0, 30, 45, 80}), 50), (Pieces{{0, 45}, {45, 35}, {80, 20}}));
  EXPECT_EQ(plan_pieces(film_of(100, {0, 30, 45, 80}), 1000), (Pieces{{0, 100}}));
  EXPECT_EQ(plan_pieces(film_of(1, {0}), 1), (Pieces{{0, 1}}));
}

TEST(FilmPieces, FfmpegIsFoundFromAnyFolder) {
  EXPECT_EQ(find_ffmpeg("build/ffmpeg"), (std::filesystem::current_path() / "build/ffmpeg").string());
  EXPECT_EQ(find_ffmpeg("/opt/ffmpeg"), "/opt/ffmpeg");
  EXPECT_EQ(find_ffmpeg("ffmpeg-9"), "ffmpeg-9");
}

TEST(FilmPieces, LongShotsAreCutEvenly) {
  EXPECT_EQ(plan_pieces(film_of(100, {0, 10}), 40), (Pieces{{0, 10}, {10, 30}, {40, 30}, {70, 30}}));
  EXPECT_EQ(plan_pieces(film_of(7, {0}), 3), (Pieces{{0, 2}, {2, 2}, {4, 3}}));
}

TEST(FilmPieces, HaveEveryFrameOnce) {
  for (const int64_t longest : {1, 2, 3, 7, 20}) {
    int64_t next = 0;
    for (const Piece& piece : plan_pieces(film_of(53, {0, 1, 2, 20, 21, 50}), longest)) {
      EXPECT_EQ(piece.first, next);
      EXPECT_LE(piece.count, longest);
      next += piece.count;
    }
    EXPECT_EQ(next, 53);
  }
}

constexpr char kList[] =
    "#software: Lavf59\n#tb 0: 1/25\n#media_type 0: video\n"
    "0,          0,          0,        1,     4608, 0x0000000a\n"
    "0,          1,          1,        1,     4608, 0x0000000b, S=1, 8, 0x1\n"
    "0,          3,          3,        2,     4608, 0x0000000c\n";

TEST(FilmFrames, AreReadFromFramecrc) {
  const FrameList list = parse_framecrc(kList, "f.crc");
  ASSERT_EQ(list.marks.size(), 3U);
  EXPECT_EQ(list.denominator, 25);
  EXPECT_EQ(list.marks[2].pts, 3);
  EXPECT_EQ(list.marks[1].crc, "0x0000000b");
  EXPECT_EQ(seek_time(list, 0), 0);
  EXPECT_DOUBLE_EQ(seek_time(list, 2), 0.08);
  EXPECT_DOUBLE_EQ(duration(list, {0, 2}), 0.12);
  EXPECT_DOUBLE_EQ(duration(list, {2, 1}), 0.08);
  FrameList part = list;
  part.marks.erase(part.marks.begin());
  EXPECT_TRUE(are_frames_of(part, list, {1, 2}));
  EXPECT_FALSE(are_frames_of(part, list, {0, 2}));
  EXPECT_FALSE(are_frames_of(part, list, {1, 1}));
  for (const char* bad : {"#tb 0: 1/0\n", "#tb 0: x\n", "0, 1, 2\n", "0, 1, x, 1, 1, 0x1\n", "hello\n"})
    EXPECT_THROW(parse_framecrc(bad, "f.crc"), Error) << bad;
}

TEST(FilmJob, GoesOnAsItWasBegun) {
  const TempFolder temp;
  const JobFolder folder(temp.path() / "a" / "b");
  EXPECT_THROW(folder.job(), Error);
  const Job job{"/in.mkv", 7, "0.1.0", "ffmpeg", "scale=2", {"-c:v", "ffv1"}, 50};
  folder.open(job);
  folder.open(job);
  EXPECT_EQ(folder.job(), job);
  Job other = job;
  other.longest = 60;
  try {
    folder.open(other);
    FAIL() << "another job was let in";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("begun with longest_piece = 50, now 60"), std::string::npos)
        << e.what();
  }
  std::ofstream(folder.path() / "job.json") << "{\"input\": 3}";
  EXPECT_THROW(folder.job(), Error);
}

TEST(FilmJob, APieceIsDoneWhenItsFileIsWhatItWas) {
  const TempFolder temp;
  const JobFolder folder(temp.path());
  Film film = film_of(20, {0, 10});
  const Piece piece{10, 10};
  EXPECT_FALSE(folder.done(3, piece, film));
  write_text(folder.piece(3, "mkv"), "pictures");
  EXPECT_FALSE(folder.done(3, piece, film));
  folder.write_done(3, {piece, 8, file_hash(folder.piece(3, "mkv")), film_hash(film, piece)});
  EXPECT_TRUE(folder.done(3, piece, film));
  EXPECT_FALSE(folder.done(3, {10, 9}, film));
  film.shots[0].skip = true;
  EXPECT_TRUE(folder.done(3, piece, film)) << "an edit of another piece's shot";
  film.shots[1].skip = true;
  EXPECT_FALSE(folder.done(3, piece, film)) << "an edit of its own";
  film.shots[1].skip = false;
  write_text(folder.piece(3, "mkv"), "pictureS");
  EXPECT_FALSE(folder.done(3, piece, film));
}

}  // namespace
}  // namespace cdsr::film
