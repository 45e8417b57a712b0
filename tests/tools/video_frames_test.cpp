// Frames of video files, from a file that the test writes itself.
#include "tools/media/video_frames.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "model/error.h"
#include "tests/model/temp_folder.h"

namespace cdsr::tools {
namespace {

/// Ten frames of 64 x 48, frame i with luma 20 i + 16, in limited range.
void write_y4m(const std::filesystem::path& path, size_t bytes_less = 0) {
  std::string data = "YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420mpeg2\n";
  for (int i = 0; i < 10; ++i) {
    data += "FRAME\n";
    data += std::string(size_t{64} * 48, static_cast<char>(20 * i + 16)) +
            std::string(size_t{2} * 32 * 24, static_cast<char>(128));
  }
  data.resize(data.size() - bytes_less);
  std::ofstream(path, std::ios::binary) << data;
}

int frame_number(const Picture& p) {
  EXPECT_EQ(p.width, 64);
  EXPECT_EQ(p.height, 48);
  return static_cast<int>(std::lround(p.rgb[size_t{3} * (64 * 20 + 30)] * 219 / 255.0 / 20));
}

TEST(VideoFrames, AreSpreadOverTheFile) {
  TempFolder folder;
  write_y4m(folder.path() / "a.y4m");
  std::vector<int> seen;
  seen.reserve(5);
  for (const Picture& p : read_video_frames(folder.path() / "a.y4m", 5)) seen.push_back(frame_number(p));
  EXPECT_EQ(seen, (std::vector<int>{1, 3, 5, 7, 9}));
}

TEST(VideoFrames, AreNoMoreThanThereAre) {
  TempFolder folder;
  write_y4m(folder.path() / "a.y4m", 100);  // the last frame is cut short
  const auto frames = read_video_frames(folder.path() / "a.y4m", 60);
  std::vector<int> seen;
  seen.reserve(frames.size());
  for (const Picture& p : frames) seen.push_back(frame_number(p));
  std::vector<int> expected(seen.size());
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen, expected);
  EXPECT_GE(seen.size(), 9U);
}

TEST(VideoFrames, WhatIsNoVideoIsSaid) {
  TempFolder folder;
  std::ofstream(folder.path() / "text.mp4") << "not a video";
  EXPECT_THROW(read_video_frames(folder.path() / "text.mp4", 3), Error);
  EXPECT_THROW(read_video_frames(folder.path() / "none.mp4", 3), Error);
  EXPECT_TRUE(has_video_name("A.MKV"));
  EXPECT_FALSE(has_video_name("a.png"));
}

}  // namespace
}  // namespace cdsr::tools
