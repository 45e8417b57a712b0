// Picture files keep grey, depth, alpha and colour profile, or say what they cannot hold.
#include "tools/media/picture_file.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/display.h>
}

#include <fstream>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tests/tools/frames.h"
#include "tools/media/frame_to_rgb.h"

namespace cdsr::tools {
namespace {

using Lost = std::vector<std::string>;

constexpr AVPixelFormat kPngFormats[] = {AV_PIX_FMT_GRAY8,   AV_PIX_FMT_YA8,      AV_PIX_FMT_RGB24,
                                         AV_PIX_FMT_RGBA,    AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_YA16BE,
                                         AV_PIX_FMT_RGB48BE, AV_PIX_FMT_RGBA64BE};

TEST(PictureFile, PngKeepsGreyDepthAlphaAndProfile) {
  const TempFolder folder;
  const auto path = folder.path() / "a.png";
  for (const AVPixelFormat format : kPngFormats) {
    const auto frame = patterned_frame(format, 17, 9);
    const bool grey = format == AV_PIX_FMT_GRAY8 || format == AV_PIX_FMT_YA8 ||
                      format == AV_PIX_FMT_GRAY16BE || format == AV_PIX_FMT_YA16BE;
    set_profile(*frame, grey ? "GRAY" : "RGB ");
    EXPECT_EQ(write_picture_file(path, *frame), Lost{}) << av_get_pix_fmt_name(format);
    const PictureFile file = read_picture_file(path);
    EXPECT_STREQ(av_get_pix_fmt_name(static_cast<AVPixelFormat>(file.frame->format)),
                 av_get_pix_fmt_name(format));
    EXPECT_EQ(samples_of(*file.frame), samples_of(*frame)) << av_get_pix_fmt_name(format);
    EXPECT_EQ(profile_of(*file.frame), profile_of(*frame)) << av_get_pix_fmt_name(format);
    EXPECT_FALSE(file.has_more);
  }
}

TEST(PictureFile, DepthsBetweenBecomeSixteenBits) {
  const TempFolder folder;
  const auto frame = blank_frame(AV_PIX_FMT_GRAY10LE, 2, 1);
  reinterpret_cast<uint16_t*>(frame->data[0])[0] = 1023;
  reinterpret_cast<uint16_t*>(frame->data[0])[1] = 513;
  EXPECT_EQ(write_picture_file(folder.path() / "a.png", *frame), Lost{});
  const PictureFile file = read_picture_file(folder.path() / "a.png");
  ASSERT_EQ(file.frame->format, AV_PIX_FMT_GRAY16BE);
  EXPECT_EQ(samples_of(*file.frame), std::string("\xFF\xFF\x80\x60", 4));  // 513 * 65535 / 1023 = 32863.7
}

TEST(PictureFile, JpegSaysWhatItCannotHold) {
  const TempFolder folder;
  const auto path = folder.path() / "a.jpg";
  EXPECT_EQ(write_picture_file(path, *patterned_frame(AV_PIX_FMT_RGBA64BE, 16, 8)),
            (Lost{"transparency", "8 of 16 bits"}));
  const auto opaque = patterned_frame(AV_PIX_FMT_YA8, 16, 8);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 16; ++x) opaque->data[0][y * opaque->linesize[0] + 2 * x + 1] = 255;
  EXPECT_EQ(write_picture_file(path, *opaque), Lost{});
  const auto rgb = patterned_frame(AV_PIX_FMT_RGB24, 16, 8);
  set_profile(*rgb, "RGB ");
  EXPECT_EQ(write_picture_file(path, *rgb), Lost{});
  EXPECT_EQ(profile_of(*read_picture_file(path).frame), profile_of(*rgb));
}

TEST(PictureFile, AProfileOfOtherColoursIsLeftOutAndSaid) {
  const TempFolder folder;
  for (const auto& [name, colours] : {std::pair{"a.png", "CMYK"}, {"a.jpg", "GRAY"}}) {
    const auto frame = patterned_frame(AV_PIX_FMT_RGB24, 8, 8);
    set_profile(*frame, colours);
    const Lost lost = write_picture_file(folder.path() / name, *frame);
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].find("the colour profile"), 0U);
    EXPECT_EQ(profile_of(*read_picture_file(folder.path() / name).frame), "");
  }
}

// The planes of a JPEG go into a JPEG as they are, at their own chroma resolution.
TEST(PictureFile, JpegStaysWhatItIs) {
  const TempFolder folder;
  const auto frame = blank_frame(AV_PIX_FMT_YUVJ420P, 32, 16);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < (p == 0 ? 16 : 8); ++y)
      std::memset(frame->data[p] + static_cast<ptrdiff_t>(y) * frame->linesize[p], 90 + 30 * p,
                  p == 0 ? 32 : 16);
  frame->color_range = AVCOL_RANGE_JPEG;
  frame->colorspace = AVCOL_SPC_BT470BG;
  frame->chroma_location = AVCHROMA_LOC_CENTER;
  EXPECT_EQ(write_picture_file(folder.path() / "a.jpg", *frame), Lost{});
  const PictureFile file = read_picture_file(folder.path() / "a.jpg");
  EXPECT_EQ(file.frame->format, AV_PIX_FMT_YUVJ420P);
  EXPECT_EQ(samples_of(*file.frame), samples_of(*frame));
}

TEST(PictureFile, TurnsKeepDepthAndAlpha) {
  const auto frame = blank_frame(AV_PIX_FMT_YA16BE, 2, 1);
  std::memcpy(frame->data[0], "ABCDEFGH", 8);
  AVFrameSideData* side =
      av_frame_new_side_data(frame.get(), AV_FRAME_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
  av_display_rotation_set(reinterpret_cast<int32_t*>(side->data), 270);
  EXPECT_TRUE(is_rotated(*frame));
  const auto turned = apply_rotation(frame_to_samples(*frame, "t"));
  EXPECT_EQ(turned->width, 1);
  EXPECT_EQ(turned->height, 2);
  EXPECT_FALSE(is_rotated(*turned));
  EXPECT_EQ(samples_of(*turned), "EFGHABCD");
}

TEST(PictureFile, AnAnimationIsToldFromAPicture) {
  const TempFolder folder;
  const auto path = folder.path() / "a.gif";
  const std::string head("GIF89a\1\0\1\0\x80\0\0\xFF\0\0\0\0\xFF", 19);
  const std::string picture("\x2C\0\0\0\0\1\0\1\0\0\2\2\x44\1\0", 15);
  for (int pictures = 1; pictures <= 3; ++pictures) {
    std::ofstream file(path, std::ios::binary);
    file << head;
    for (int i = 0; i < pictures; ++i) file << picture;
    file << ';';
    file.close();
    EXPECT_EQ(read_picture_file(path).has_more, pictures > 1) << pictures;
  }
  std::ofstream(path, std::ios::binary)
      << std::string("RIFF\x40\0\0\0WEBPVP8X\x0A\0\0\0\2\0\0\0\0\0\0\0\0\0", 30);
  try {
    read_picture_file(path);
    FAIL() << "an animated WebP was read";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("animated WebP"), std::string::npos) << e.what();
  }
}

TEST(PictureFile, SizesAreCheckedBeforeTheWork) {
  EXPECT_NO_THROW(check_picture_size("a.png", 70000, 1));
  EXPECT_THROW(check_picture_size("a.jpg", 70000, 1), Error);
  EXPECT_THROW(check_picture_size("a.png", 0, 1), Error);
}

}  // namespace
}  // namespace cdsr::tools
