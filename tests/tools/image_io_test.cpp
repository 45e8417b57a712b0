// Image files, and the conversion of every kind of pixel format to RGB.
#include "tools/media/image_io.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tools/media/frame_to_rgb.h"

namespace cdsr::tools {
namespace {

namespace fs = std::filesystem;

AvPtr<AVFrame> new_frame(AVPixelFormat format, int width, int height) {
  AvPtr<AVFrame> f(av_frame_alloc());
  f->format = format;
  f->width = width;
  f->height = height;
  if (av_frame_get_buffer(f.get(), 0) < 0) std::abort();
  return f;
}

/// Fills plane p with value(x, y), 8 or 16 bit little endian.
template <typename T>
void fill(AVFrame& f, int p, int width, int height, const std::function<int(int, int)>& value) {
  for (int y = 0; y < height; ++y) {
    auto* row = reinterpret_cast<T*>(f.data[p] + static_cast<ptrdiff_t>(y) * f.linesize[p]);
    for (int x = 0; x < width; ++x) row[x] = static_cast<T>(value(x, y));
  }
}

std::vector<int> pixel(const Picture& p, int x, int y) {
  const uint8_t* rgb = p.rgb.data() + 3 * (static_cast<size_t>(y) * p.width + x);
  return {rgb[0], rgb[1], rgb[2]};
}

Picture pattern(int width, int height) {
  Picture p{width, height, std::vector<uint8_t>(3 * static_cast<size_t>(width) * height)};
  uint32_t state = 1;
  for (uint8_t& v : p.rgb) v = static_cast<uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
  return p;
}

Errc code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.code();
  }
  return Errc::Internal;
}

TEST(ImageFile, PngIsLossless) {
  const TempFolder folder;
  for (const auto& [w, h] : {std::pair{1, 1}, {7, 3}, {64, 65}}) {
    const Picture p = pattern(w, h);
    const fs::path path = folder.path() / "50%d a.PNG";  // no pattern, whatever FFmpeg makes of '%'
    write_picture(path, p);
    const Picture q = read_picture(path);
    EXPECT_EQ(q.width, w);
    EXPECT_EQ(q.height, h);
    EXPECT_EQ(q.rgb, p.rgb);
  }
}

// Told by content: the name may lie.
TEST(ImageFile, ContentDecides) {
  const TempFolder folder;
  write_picture(folder.path() / "a.png", pattern(9, 9));
  fs::rename(folder.path() / "a.png", folder.path() / "a.jpg");
  EXPECT_EQ(read_picture(folder.path() / "a.jpg").rgb, pattern(9, 9).rgb);
}

TEST(ImageFile, JpegKeepsColoursAndRange) {
  const TempFolder folder;
  const uint8_t colours[][3] = {{255, 255, 255}, {0, 0, 0},   {255, 0, 0},
                                {0, 255, 0},     {0, 0, 255}, {128, 64, 200}};
  for (const auto& colour : colours) {
    Picture p{16, 16, {}};
    for (int i = 0; i < 256; ++i) p.rgb.insert(p.rgb.end(), colour, colour + 3);
    write_picture(folder.path() / "c.jpg", p);
    const std::vector<int> got = pixel(read_picture(folder.path() / "c.jpg"), 7, 9);
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(got[c], colour[c], 2) << c;
  }
}

TEST(ImageFile, Errors) {
  const TempFolder folder;
  const fs::path bad = folder.path() / "bad.png";
  EXPECT_EQ(code_of([&] { read_picture(folder.path() / "none.png"); }), Errc::Io);
  EXPECT_EQ(code_of([&] { read_picture(folder.path()); }), Errc::Io);
  std::ofstream(bad).close();
  EXPECT_EQ(code_of([&] { read_picture(bad); }), Errc::Io);
  std::ofstream(bad) << "this is no picture, only words in a file";
  EXPECT_EQ(code_of([&] { read_picture(bad); }), Errc::Unsupported);
  std::ofstream(bad) << "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/hostname\n";
  EXPECT_EQ(code_of([&] { read_picture(bad); }), Errc::Unsupported);
  EXPECT_EQ(code_of([&] { write_picture(folder.path() / "a.gif", pattern(2, 2)); }), Errc::InvalidArgument);
  EXPECT_EQ(code_of([&] { write_picture(folder.path() / "none" / "a.png", pattern(2, 2)); }), Errc::Io);
  EXPECT_EQ(code_of([&] { write_picture(folder.path() / "a.png", Picture{}); }), Errc::InvalidArgument);
}

TEST(ImageFile, TruncatedPicturesAreErrors) {
  const TempFolder folder;
  for (const char* name : {"a.png", "a.jpg"}) {
    const fs::path path = folder.path() / name;
    write_picture(path, pattern(50, 40));
    const auto whole = fs::file_size(path);
    for (uintmax_t part : {whole / 2, whole / 10, uintmax_t{9}}) {
      fs::resize_file(path, part);
      EXPECT_THROW(read_picture(path), Error) << name << ' ' << part << " of " << whole;
    }
  }
}

/// The frame as a PNG of its own depth.
void write_png(const fs::path& path, const AVFrame& frame) {
  const AvPtr<AVCodecContext> context(avcodec_alloc_context3(avcodec_find_encoder(AV_CODEC_ID_PNG)));
  context->width = frame.width;
  context->height = frame.height;
  context->time_base = {1, 25};
  context->pix_fmt = static_cast<AVPixelFormat>(frame.format);
  const AvPtr<AVPacket> packet(av_packet_alloc());
  if (avcodec_open2(context.get(), nullptr, nullptr) < 0 || avcodec_send_frame(context.get(), &frame) < 0 ||
      avcodec_send_frame(context.get(), nullptr) < 0 ||
      avcodec_receive_packet(context.get(), packet.get()) < 0)
    std::abort();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(packet->data), packet->size);
}

TEST(ImageFile, SixteenBitPngsAreRounded) {
  const TempFolder folder;
  const fs::path path = folder.path() / "deep.png";
  const auto rgb = new_frame(AV_PIX_FMT_RGB48BE, 2, 1);
  const uint8_t bytes[12] = {0x80, 0x80, 0x80, 0x7f, 0x01, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0x81};
  std::copy_n(bytes, 12, rgb->data[0]);
  write_png(path, *rgb);
  EXPECT_EQ(read_picture(path).rgb, (std::vector<uint8_t>{128, 128, 1, 255, 0, 1}));
  const auto grey = new_frame(AV_PIX_FMT_GRAY16BE, 2, 1);
  std::copy_n(bytes, 4, grey->data[0]);
  write_png(path, *grey);
  EXPECT_EQ(read_picture(path).rgb, (std::vector<uint8_t>(6, 128)));
}

/// A 16 x 8 JPEG of one colour: four components of equal size, as printers' programs write them. `transform`
/// is Adobe's: 0 CMYK, 2 YCCK, both with inverted inks; -1 leaves its marker out.
std::string four_inks(const std::array<int, 4>& colour, int transform) {
  std::string out = "\xFF\xD8";
  const auto segment = [&](char marker, const std::string& body) {
    const auto size = body.size() + 2;
    out += std::string{'\xFF', marker, static_cast<char>(size >> 8), static_cast<char>(size)} + body;
  };
  if (transform >= 0) segment('\xEE', std::string("Adobe\0\x64\0\0\0\0", 11) + static_cast<char>(transform));
  segment('\xDB', '\0' + std::string(64, '\x08'));  // quantized by 8: a flat block's only value is v - 128
  segment('\xC0', std::string("\x08\0\x08\0\x10\x04\x01\x11\0\x02\x11\0\x03\x11\0\x04\x11\0", 18));
  // Lengths of 0 to 8 bits, each coded by four; of the other values only "end of block", coded by one.
  segment('\xC4', std::string("\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08", 26));
  segment('\xC4', '\x10' + std::string(1, '\x01') + std::string(16, '\0'));
  segment('\xDA', std::string("\x04\x01\0\x02\0\x03\0\x04\0\0\x3F\0", 12));
  std::string bits;
  const auto put = [&](int value, int count) {
    for (int b = count - 1; b >= 0; --b) bits += static_cast<char>('0' + (value >> b & 1));
  };
  for (const bool first : {true, false})  // two blocks of each component; the second differs by 0
    for (const int v : colour) {
      const int difference = first ? v - 128 : 0;
      int length = 0;
      while (std::abs(difference) >> length != 0) ++length;
      put(length, 4);
      put(difference >= 0 ? difference : difference + (1 << length) - 1, length);
      put(0, 1);
    }
  bits.append((8 - bits.size() % 8) % 8, '1');
  for (size_t i = 0; i < bits.size(); i += 8) {
    out += static_cast<char>(std::stoi(bits.substr(i, 8), nullptr, 2));
    if (out.back() == '\xFF') out += '\0';
  }
  return out + "\xFF\xD9";
}

TEST(ImageFile, InksOfPrintersBecomeTheColoursTheyShow) {
  const TempFolder folder;
  const fs::path path = folder.path() / "inks.jpg";
  struct Case {
    std::array<int, 4> stored;
    int transform;
    std::vector<int> rgb;
  };
  const Case cases[] = {
      {{255, 0, 0, 255}, 0, {255, 0, 0}},  // magenta and yellow: red
      {{255, 0, 0, 128}, 0, {128, 0, 0}},  // under half of black
      {{200, 100, 50, 255}, 0, {200, 100, 50}}, {{255, 255, 255, 0}, 0, {0, 0, 0}},  // black alone
      {{0, 128, 128, 255}, 2, {255, 255, 255}},                                      // YCCK: Y is of the inks
      {{255, 128, 128, 255}, 2, {0, 0, 0}},     {{179, 171, 1, 255}, 2, {254, 0, 0}}};
  for (const Case& c : cases) {
    std::ofstream(path, std::ios::binary) << four_inks(c.stored, c.transform);
    const Picture p = read_picture(path);
    ASSERT_EQ(p.width, 16);
    ASSERT_EQ(p.height, 8);
    for (int i = 0; i < 3; ++i)
      EXPECT_NEAR(pixel(p, 13, 5)[i], c.rgb[i], 2) << c.transform << ' ' << c.stored[0] << ' ' << i;
  }
  // Without Adobe's marker nothing says what the components are.
  std::ofstream(path, std::ios::binary) << four_inks({255, 0, 0, 255}, -1);
  EXPECT_EQ(code_of([&] { read_picture(path); }), Errc::Unsupported);
}

TEST(FrameToRgb, RgbOfAnyOrderAndDepthIsExact) {
  const Picture p = pattern(5, 3);
  const auto at = [&](int x, int y, int c) { return pixel(p, x, y)[c]; };
  const auto bgra = new_frame(AV_PIX_FMT_BGRA, 5, 3);
  fill<uint8_t>(*bgra, 0, 20, 3, [&](int i, int y) { return i % 4 == 3 ? 9 : at(i / 4, y, 2 - i % 4); });
  EXPECT_EQ(frame_to_rgb(*bgra, "t").rgb, p.rgb);
  const auto planar = new_frame(AV_PIX_FMT_GBRP16LE, 5, 3);
  for (int c = 0; c < 3; ++c)  // planes G, B, R; 257 v is v at 16 bit
    fill<uint16_t>(*planar, c, 5, 3, [&](int x, int y) { return 257 * at(x, y, (c + 1) % 3); });
  EXPECT_EQ(frame_to_rgb(*planar, "t").rgb, p.rgb);
  const auto rgb48 = new_frame(AV_PIX_FMT_RGB48BE, 2, 1);
  const uint8_t bytes[12] = {0x80, 0x80, 0x80, 0x7f, 0x01, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0x81};
  std::copy_n(bytes, 12, rgb48->data[0]);
  EXPECT_EQ(frame_to_rgb(*rgb48, "t").rgb, (std::vector<uint8_t>{128, 128, 1, 255, 0, 1}));
}

TEST(FrameToRgb, GreyPaletteAndOneBit) {
  const auto grey = new_frame(AV_PIX_FMT_GRAY8, 256, 1);
  fill<uint8_t>(*grey, 0, 256, 1, [](int x, int) { return x; });
  const Picture g = frame_to_rgb(*grey, "t");
  for (int v = 0; v < 256; ++v) EXPECT_EQ(pixel(g, v, 0), (std::vector<int>{v, v, v}));
  const auto grey16 = new_frame(AV_PIX_FMT_GRAY16LE, 3, 1);
  fill<uint16_t>(*grey16, 0, 3, 1, [](int x, int) { return x * 32767; });
  EXPECT_EQ(pixel(frame_to_rgb(*grey16, "t"), 2, 0)[0], 255);
  const auto pal = new_frame(AV_PIX_FMT_PAL8, 2, 1);
  reinterpret_cast<uint32_t*>(pal->data[1])[3] = 0xFF102030;
  reinterpret_cast<uint32_t*>(pal->data[1])[7] = 0x00FEDCBA;
  pal->data[0][0] = 3;
  pal->data[0][1] = 7;
  EXPECT_EQ(frame_to_rgb(*pal, "t").rgb, (std::vector<uint8_t>{0x10, 0x20, 0x30, 0xFE, 0xDC, 0xBA}));
  const auto mono = new_frame(AV_PIX_FMT_MONOWHITE, 8, 1);
  mono->data[0][0] = 0x80;  // the first pixel is black
  EXPECT_EQ(pixel(frame_to_rgb(*mono, "t"), 0, 0)[0], 0);
  EXPECT_EQ(pixel(frame_to_rgb(*mono, "t"), 1, 0)[0], 255);
}

// BT.601 red: limited 81, 90, 240; full 76, 85, 255. BT.709 limited: 63, 102, 240.
TEST(FrameToRgb, MatrixAndRange) {
  struct Case {
    AVPixelFormat format;
    AVColorRange range;
    AVColorSpace space;
    int y, u, v;
  };
  const Case cases[] = {
      {AV_PIX_FMT_YUV420P, AVCOL_RANGE_UNSPECIFIED, AVCOL_SPC_UNSPECIFIED, 81, 90, 240},
      {AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, AVCOL_SPC_BT470BG, 81, 90, 240},
      {AV_PIX_FMT_YUVJ420P, AVCOL_RANGE_UNSPECIFIED, AVCOL_SPC_UNSPECIFIED, 76, 85, 255},
      {AV_PIX_FMT_YUV444P, AVCOL_RANGE_JPEG, AVCOL_SPC_SMPTE170M, 76, 85, 255},
      {AV_PIX_FMT_YUV422P, AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, 63, 102, 240},
      {AV_PIX_FMT_YUV410P, AVCOL_RANGE_MPEG, AVCOL_SPC_UNSPECIFIED, 81, 90, 240},
  };
  for (const Case& k : cases) {
    const auto f = new_frame(k.format, 9, 7);
    f->color_range = k.range;
    f->colorspace = k.space;
    const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(k.format);
    for (int c = 0; c < 3; ++c) {
      const int w = c == 0 ? 9 : AV_CEIL_RSHIFT(9, d->log2_chroma_w),
                h = c == 0 ? 7 : AV_CEIL_RSHIFT(7, d->log2_chroma_h);
      fill<uint8_t>(*f, c, w, h, [&](int, int) { return c == 0 ? k.y : c == 1 ? k.u : k.v; });
    }
    const std::vector<int> got = pixel(frame_to_rgb(*f, "t"), 8, 6);
    EXPECT_NEAR(got[0], 255, 1) << d->name;
    EXPECT_NEAR(got[1], 0, 1) << d->name;
    EXPECT_NEAR(got[2], 0, 1) << d->name;
  }
}

TEST(FrameToRgb, TenBits) {
  const auto f = new_frame(AV_PIX_FMT_YUV422P10LE, 4, 2);
  f->color_range = AVCOL_RANGE_MPEG;
  fill<uint16_t>(*f, 0, 4, 2, [](int x, int) { return x < 2 ? 64 : 940; });
  for (int c : {1, 2}) fill<uint16_t>(*f, c, 2, 2, [](int, int) { return 512; });
  const Picture p = frame_to_rgb(*f, "t");
  EXPECT_EQ(pixel(p, 0, 0), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(pixel(p, 3, 1), (std::vector<int>{255, 255, 255}));
}

// Chroma samples lie between luma samples (at 0.5, 2.5, ...): a chroma ramp becomes a ramp, 3 : 1 between
// neighbours.
TEST(FrameToRgb, ChromaIsInterpolatedWhereItLies) {
  const auto f = new_frame(AV_PIX_FMT_YUVJ420P, 8, 8);
  fill<uint8_t>(*f, 0, 8, 8, [](int, int) { return 100; });
  fill<uint8_t>(*f, 1, 4, 4, [](int, int) { return 128; });
  fill<uint8_t>(*f, 2, 4, 4, [](int x, int y) { return 128 + 8 * x + 4 * y; });
  const Picture p = frame_to_rgb(*f, "t");
  for (int y = 1; y < 7; ++y)
    for (int x = 1; x < 7; ++x) {
      const double cr = 8 * ((x + 0.5) / 2 - 0.5) + 4 * ((y + 0.5) / 2 - 0.5);
      EXPECT_NEAR(pixel(p, x, y)[0], 100 + 1.402 * cr, 0.51) << x << ' ' << y;
    }
  EXPECT_EQ(pixel(p, 0, 0)[0], 100);  // the edge repeats its sample
}

TEST(FrameToRgb, RefusesWhatItCannotRead) {
  for (AVPixelFormat format : {AV_PIX_FMT_GRAYF32LE, AV_PIX_FMT_BAYER_RGGB8, AV_PIX_FMT_XYZ12LE})
    EXPECT_EQ(code_of([&] { frame_to_rgb(*new_frame(format, 4, 4), "t"); }), Errc::Unsupported);
}

// 2 x 1 picture "A B": A is 1, B is 2.
TEST(Rotation, IsAppliedAsStored) {
  const auto turned = [](double clockwise, bool mirrored) {
    const auto f = new_frame(AV_PIX_FMT_GRAY8, 2, 1);
    AVFrameSideData* side = av_frame_new_side_data(f.get(), AV_FRAME_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
    auto* matrix = reinterpret_cast<int32_t*>(side->data);
    av_display_rotation_set(matrix, clockwise);
    av_display_matrix_flip(matrix, mirrored ? 1 : 0, 0);
    f->data[0][0] = 1;
    f->data[0][1] = 2;
    const Picture p = apply_rotation(frame_to_rgb(*f, "t"), *f);
    return std::vector<int>{p.width, p.height, p.rgb[0], p.rgb[3]};
  };
  EXPECT_EQ(turned(0, false), (std::vector<int>{2, 1, 1, 2}));
  EXPECT_EQ(turned(90, false), (std::vector<int>{1, 2, 1, 2}));
  EXPECT_EQ(turned(180, false), (std::vector<int>{2, 1, 2, 1}));
  EXPECT_EQ(turned(270, false), (std::vector<int>{1, 2, 2, 1}));
  EXPECT_EQ(turned(0, true), (std::vector<int>{2, 1, 2, 1}));
}

}  // namespace
}  // namespace cdsr::tools
