// TIFFs that FFmpeg refuses, written by libtiff.
#include "tools/media/tiff_file.h"

#include <gtest/gtest.h>
#include <tiffio.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tools/media/image_io.h"
#include "tools/media/picture_file.h"

namespace cdsr::tools {
namespace {

constexpr int kWidth = 48, kHeight = 32;

/// `pages` pictures of one colour.
void write_tiff(const std::filesystem::path& path, uint16_t compression, uint16_t photometric,
                int subsampling, int pages = 1) {
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  ASSERT_NE(tiff, nullptr);
  for (int page = 0; page < pages; ++page) {
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, kWidth);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, kHeight);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kHeight);
    if (photometric == PHOTOMETRIC_YCBCR)
      TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, subsampling, subsampling);
    const char profile[] = "a colour profile";
    TIFFSetField(tiff, TIFFTAG_ICCPROFILE, sizeof profile, profile);
    // BT.601 of (200, 100, 50): Y 124, Cb 86, Cr 182.
    const bool ycc = photometric == PHOTOMETRIC_YCBCR;
    const int unit = ycc ? subsampling * subsampling : 1;  // luma samples beside a pair of chroma
    std::string data;
    for (int i = 0; i < kWidth * kHeight / unit; ++i)
      data += ycc ? std::string(static_cast<size_t>(unit), 124) + "\x56\xB6" : std::string("\xC8\x64\x32");
    ASSERT_GT(TIFFWriteEncodedStrip(tiff, 0, data.data(), static_cast<tmsize_t>(data.size())), 0);
    TIFFWriteDirectory(tiff);
  }
  TIFFClose(tiff);
}

TEST(TiffFile, JpegAndYcbcrInsideAreRead) {
  const TempFolder folder;
  const auto path = folder.path() / "a.tif";
  struct Case {
    uint16_t compression, photometric;
    int subsampling;
  };
  for (const Case& c :
       {Case{COMPRESSION_JPEG, PHOTOMETRIC_RGB, 1}, Case{COMPRESSION_JPEG, PHOTOMETRIC_YCBCR, 1},
        Case{COMPRESSION_JPEG, PHOTOMETRIC_YCBCR, 2}, Case{COMPRESSION_NONE, PHOTOMETRIC_YCBCR, 2},
        Case{COMPRESSION_LZW, PHOTOMETRIC_YCBCR, 1}, Case{COMPRESSION_NONE, PHOTOMETRIC_RGB, 1}}) {
    write_tiff(path, c.compression, c.photometric, c.subsampling);
    const Picture p = read_picture(path);
    ASSERT_EQ(p.width, kWidth);
    ASSERT_EQ(p.height, kHeight);
    for (const size_t at : {size_t{0}, p.rgb.size() / 2 / 3 * 3, p.rgb.size() - 3}) {
      EXPECT_NEAR(p.rgb[at], 200, 4) << c.compression << ' ' << c.photometric << ' ' << c.subsampling;
      EXPECT_NEAR(p.rgb[at + 1], 100, 4) << c.compression << ' ' << c.photometric << ' ' << c.subsampling;
      EXPECT_NEAR(p.rgb[at + 2], 50, 4) << c.compression << ' ' << c.photometric << ' ' << c.subsampling;
    }
  }
}

TEST(TiffFile, ProfileAndPagesAreSeen) {
  const TempFolder folder;
  for (int pages = 1; pages <= 2; ++pages) {
    write_tiff(folder.path() / "a.tif", COMPRESSION_JPEG, PHOTOMETRIC_YCBCR, 2, pages);
    const PictureFile file = read_picture_file(folder.path() / "a.tif");
    EXPECT_EQ(file.has_more, pages > 1);
    const AVFrameSideData* side = av_frame_get_side_data(file.frame.get(), AV_FRAME_DATA_ICC_PROFILE);
    ASSERT_NE(side, nullptr);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(side->data)), "a colour profile");
  }
}

TEST(TiffFile, ADamagedOneIsAnError) {
  const TempFolder folder;
  const auto path = folder.path() / "a.tif";
  write_tiff(path, COMPRESSION_JPEG, PHOTOMETRIC_YCBCR, 2);
  const auto whole = std::filesystem::file_size(path);
  for (const uintmax_t part : {whole / 2, whole / 4, uintmax_t{9}}) {
    std::filesystem::resize_file(path, part);
    EXPECT_THROW(read_picture(path), Error) << part << " of " << whole;
  }
}

}  // namespace
}  // namespace cdsr::tools
