// The C API as a host sees it: libcdsr.so, its header, and files.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "cdsr/cdsr.h"
#include "tests/filter/frame_buffer.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::test {
namespace {

const PixelFormat& yuv420p() { return *find_format(CDSR_FORMAT_YUV420P); }

class CApi : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cdsr_options_default(&options_, CDSR_API_VERSION), CDSR_OK);
    name_ = file_.name();
    options_.model = name_.c_str();
    options_.threads = 1;
  }
  void TearDown() override { cdsr_session_destroy(&session_); }

  void create() {
    ASSERT_EQ(cdsr_session_create(&session_, nullptr, &options_), CDSR_OK) << cdsr_last_error();
  }

  /// One frame through the session; checks nothing.
  int process(const FrameBuffer& in, FrameBuffer& out, cdsr_frame_info* info = nullptr) {
    const cdsr_frame input = in.frame();
    cdsr_frame output = out.frame();
    return cdsr_session_process(session_, &input, &output, nullptr, info);
  }

  TinyModelFile file_;
  std::string name_;
  cdsr_options options_;
  cdsr_session* session_ = nullptr;
};

TEST_F(CApi, UpscalesEveryFormat) {
  options_.backend = "reference";
  create();
  for (const PixelFormat& format : pixel_formats()) {
    FrameBuffer in(format, 18, 14);
    in.fill_random(1);
    FrameBuffer out(format, 36, 28, true);
    cdsr_frame_info info{};
    info.version = CDSR_API_VERSION;
    ASSERT_EQ(process(in, out, &info), CDSR_OK) << format.name << ": " << cdsr_session_error(session_);
    EXPECT_EQ(info.new_shot, 1) << format.name;
    EXPECT_EQ(info.embedded, 1);
    EXPECT_GT(info.total_ms, 0);
    EXPECT_TRUE(out.guards_intact());
    EXPECT_TRUE(out.unused_bits_clear());
  }
}

TEST_F(CApi, SameFrameTwiceGivesTheSameBits) {
  create();
  FrameBuffer in(yuv420p(), 33, 21);
  in.fill_random(2);
  FrameBuffer first(yuv420p(), 66, 42);
  FrameBuffer second(yuv420p(), 66, 42);
  ASSERT_EQ(process(in, first), CDSR_OK);
  ASSERT_EQ(process(in, second), CDSR_OK);
  EXPECT_TRUE(first == second);
}

TEST_F(CApi, TagsOfTheOutput) {
  create();
  const auto tags = [&](int32_t id, int width, Tags given) {
    const PixelFormat& format = *find_format(id);
    FrameBuffer in(format, width, 2, false, given);
    in.fill_random(3);
    FrameBuffer out(format, 2 * width, 4);
    const cdsr_frame input = in.frame();
    cdsr_frame output = out.frame();
    EXPECT_EQ(cdsr_session_bicubic(session_, &input, &output, nullptr, nullptr), CDSR_OK);
    return std::vector<int32_t>{output.matrix, output.range, output.chroma_location};
  };
  using List = std::vector<int32_t>;
  // Untagged: by the size of the INPUT.
  EXPECT_EQ(tags(CDSR_FORMAT_YUV420P, 1279, {}), (List{CDSR_MATRIX_SMPTE170M, CDSR_RANGE_LIMITED, 1}));
  EXPECT_EQ(tags(CDSR_FORMAT_YUV420P, 1280, {}), (List{CDSR_MATRIX_BT709, CDSR_RANGE_LIMITED, 1}));
  EXPECT_EQ(tags(CDSR_FORMAT_GBRP, 8, {}), (List{CDSR_MATRIX_RGB, CDSR_RANGE_FULL, 0}));
  EXPECT_EQ(tags(CDSR_FORMAT_GRAY8, 8, {}), (List{CDSR_MATRIX_UNSPECIFIED, CDSR_RANGE_FULL, 0}));
  // Tagged: as it is.
  const Tags given{CDSR_MATRIX_BT2020_NCL, CDSR_RANGE_FULL, CDSR_CHROMA_LOCATION_TOPLEFT};
  EXPECT_EQ(tags(CDSR_FORMAT_P010, 1920, given), (List{CDSR_MATRIX_BT2020_NCL, CDSR_RANGE_FULL, 3}));
}

TEST_F(CApi, SizesAndFormatsMayChange) {
  options_.backend = "reference";
  create();
  const std::pair<int, int> sizes[] = {{1, 1}, {11, 11}, {2, 64}, {512, 4}, {11, 11}};
  int64_t shot = 0;
  for (const auto& [width, height] : sizes) {
    for (const int32_t id : {CDSR_FORMAT_YUV420P, CDSR_FORMAT_RGB24}) {
      FrameBuffer in(*find_format(id), width, height);
      in.fill_random(4);
      FrameBuffer out(*find_format(id), 2 * width, 2 * height);
      cdsr_frame_info info{};
      info.version = CDSR_API_VERSION;
      ASSERT_EQ(process(in, out, &info), CDSR_OK) << width << "x" << height << cdsr_session_error(session_);
      EXPECT_EQ(info.new_shot, 1);
      EXPECT_EQ(info.shot, shot++);
    }
  }
}

TEST_F(CApi, BadFramesAreErrorsAndTheSessionGoesOn) {
  create();
  FrameBuffer in(yuv420p(), 8, 8);
  in.fill_random(5);
  FrameBuffer out(yuv420p(), 16, 16);
  const auto attempt = [&](auto change_in, auto change_out, int status, const std::string& message) {
    cdsr_frame input = in.frame();
    cdsr_frame output = out.frame();
    change_in(input);
    change_out(output);
    EXPECT_EQ(cdsr_session_process(session_, &input, &output, nullptr, nullptr), status) << message;
    EXPECT_NE(std::string(cdsr_session_error(session_)).find(message), std::string::npos)
        << cdsr_session_error(session_);
  };
  const auto same = [](cdsr_frame&) {};
  const int invalid = CDSR_ERROR_INVALID_ARGUMENT;
  attempt([](cdsr_frame& f) { f.width = 0; }, same, invalid, "0x8");
  attempt([](cdsr_frame& f) { f.height = -3; }, same, invalid, "8x-3");
  attempt([](cdsr_frame& f) { f.width = 65537; }, same, invalid, "65536");
  attempt([](cdsr_frame& f) { f.format = 999; }, same, invalid, "999");
  attempt([](cdsr_frame& f) { f.plane[1] = nullptr; }, same, invalid, "plane 1");
  attempt([](cdsr_frame& f) { f.stride[0] = 7; }, same, invalid, "stride 7");
  attempt([](cdsr_frame& f) { f.range = 3; }, same, invalid, "range 3");
  attempt([](cdsr_frame& f) { f.chroma_location = 9; }, same, invalid, "location 9");
  attempt([](cdsr_frame& f) { f.version = 0; }, same, invalid, "version 0");
  attempt([](cdsr_frame& f) { f.matrix = 14; }, same, CDSR_ERROR_UNSUPPORTED, "ICtCp");
  attempt([](cdsr_frame& f) { f.matrix = 8; }, same, CDSR_ERROR_UNSUPPORTED, "YCgCo");
  attempt([](cdsr_frame& f) { f.matrix = 0; }, same, CDSR_ERROR_UNSUPPORTED, "RGB");
  attempt([](cdsr_frame& f) { f.matrix = 77; }, same, CDSR_ERROR_UNSUPPORTED, "77");
  attempt(
      same, [](cdsr_frame& f) { f.width = 17; }, invalid, "16x16");
  attempt(
      same, [](cdsr_frame& f) { f.format = CDSR_FORMAT_NV12; }, invalid, "nv12");
  attempt(
      same, [](cdsr_frame& f) { f.plane[2] = nullptr; }, invalid, "output frame: plane 2");

  const cdsr_frame input = in.frame();
  EXPECT_EQ(cdsr_session_process(session_, &input, nullptr, nullptr, nullptr), invalid);
  EXPECT_EQ(cdsr_session_process(session_, nullptr, nullptr, nullptr, nullptr), invalid);
  EXPECT_EQ(cdsr_session_process(nullptr, &input, nullptr, nullptr, nullptr), invalid);
  EXPECT_EQ(process(in, out), CDSR_OK);
}

TEST_F(CApi, BadOptionsAreNamed) {
  const auto attempt = [&](auto change, int status, const std::string& message) {
    cdsr_options options = options_;
    change(options);
    EXPECT_EQ(cdsr_session_create(&session_, nullptr, &options), status) << message;
    EXPECT_EQ(session_, nullptr);
    EXPECT_NE(std::string(cdsr_last_error()).find(message), std::string::npos) << cdsr_last_error();
  };
  const int invalid = CDSR_ERROR_INVALID_ARGUMENT;
  attempt([](cdsr_options& o) { o.version = 0; }, invalid, "version 0");
  attempt([](cdsr_options& o) { o.version = 99; }, invalid, "version 99");
  attempt([](cdsr_options& o) { o.scale = 5; }, invalid, "scale = 5");
  attempt([](cdsr_options& o) { o.scale = 3; }, invalid, "upscales by 2, not by 3");
  attempt([](cdsr_options& o) { o.model = nullptr; }, invalid, "model");
  attempt([](cdsr_options& o) { o.model = "no-such-model"; }, invalid, "no-such-model");
  attempt([](cdsr_options& o) { o.model = "./no/such/file"; }, CDSR_ERROR_IO, "no/such/file");
  attempt([](cdsr_options& o) { o.backend = "abacus"; }, invalid, "abacus");
  attempt([](cdsr_options& o) { o.precision = 7; }, invalid, "precision = 7");
  attempt([](cdsr_options& o) { o.threads = 257; }, invalid, "threads = 257");
  attempt([](cdsr_options& o) { o.device = -1; }, invalid, "device = -1");
  attempt([](cdsr_options& o) { o.memory = -2; }, invalid, "memory = -2");
  attempt([](cdsr_options& o) { o.shots = 4; }, invalid, "shots = 4");
  attempt([](cdsr_options& o) { o.shots = CDSR_SHOTS_FILE; }, invalid, "shot_file");
  attempt([](cdsr_options& o) { o.shot_threshold = 1.5; }, invalid, "shot_threshold = 1.5");
  attempt([](cdsr_options& o) { o.refresh = -1; }, invalid, "refresh = -1");
  attempt([](cdsr_options& o) { o.embed_frames = 0; }, invalid, "embed_frames = 0");
  attempt([](cdsr_options& o) { o.shot_cache = 257; }, invalid, "shot_cache = 257");
  attempt([](cdsr_options& o) { o.query = 3; }, invalid, "query = 3");
  attempt([](cdsr_options& o) { o.strength = -0.1; }, invalid, "strength = -0.1");
  attempt([](cdsr_options& o) { o.strength = std::strtod("nan", nullptr); }, invalid, "strength = nan");
  attempt([](cdsr_options& o) { o.chroma = 3; }, invalid, "chroma = 3");
  EXPECT_EQ(cdsr_session_create(nullptr, nullptr, &options_), invalid);
}

TEST_F(CApi, DefaultsTouchOnlyTheirStruct) {
  // An old caller's struct must not be written beyond the members its version had: bytes after it keep their
  // value.
  struct Guarded {
    cdsr_options options;
    uint8_t after[32];
  } guarded;
  std::memset(&guarded, 0xCC, sizeof guarded);
  ASSERT_EQ(cdsr_options_default(&guarded.options, 1), CDSR_OK);
  EXPECT_EQ(guarded.options.version, 1U);
  EXPECT_EQ(guarded.options.scale, 2);
  EXPECT_STREQ(guarded.options.model, "cdsr-rt");
  EXPECT_STREQ(guarded.options.backend, "auto");
  EXPECT_EQ(guarded.options.memory, -1);
  EXPECT_EQ(guarded.options.shot_threshold, 0.5);
  EXPECT_EQ(guarded.options.shot_cache, 8);
  EXPECT_EQ(guarded.options.embed_frames, 1);
  EXPECT_EQ(guarded.options.strength, 1.0);
  EXPECT_EQ(guarded.options.log, nullptr);
  for (const uint8_t byte : guarded.after) EXPECT_EQ(byte, 0xCC);

  for (const uint32_t version : {0U, uint32_t{CDSR_API_VERSION} + 1}) {
    std::memset(&guarded, 0xCC, sizeof guarded);
    EXPECT_EQ(cdsr_options_default(&guarded.options, version), CDSR_ERROR_INVALID_ARGUMENT);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&guarded);
    for (size_t i = 0; i < sizeof guarded; ++i) ASSERT_EQ(bytes[i], 0xCC);
    cdsr_frame frame;
    std::memset(static_cast<void*>(&frame), 0xCC, sizeof frame);
    EXPECT_EQ(cdsr_frame_default(&frame, version), CDSR_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(frame.version, 0xCCCCCCCC);
  }
  EXPECT_EQ(cdsr_options_default(nullptr, 1), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_frame_default(nullptr, 1), CDSR_ERROR_INVALID_ARGUMENT);
}

TEST_F(CApi, SettersActAndCheck) {
  create();
  EXPECT_EQ(cdsr_session_set_strength(session_, 0.5), CDSR_OK);
  EXPECT_EQ(cdsr_session_set_strength(session_, 2), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_session_set_shot_threshold(session_, 0.2), CDSR_OK);
  EXPECT_EQ(cdsr_session_set_shot_threshold(session_, -1), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_session_set_refresh(session_, 10), CDSR_OK);
  EXPECT_EQ(cdsr_session_set_refresh(session_, -1), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_session_set_strength(nullptr, 1), CDSR_ERROR_INVALID_ARGUMENT);

  // No strength is bicubic interpolation, bit for bit.
  FrameBuffer in(yuv420p(), 20, 10);
  in.fill_random(6);
  FrameBuffer none(yuv420p(), 40, 20);
  FrameBuffer bicubic(yuv420p(), 40, 20);
  ASSERT_EQ(cdsr_session_set_strength(session_, 0), CDSR_OK);
  ASSERT_EQ(process(in, none), CDSR_OK);
  const cdsr_frame input = in.frame();
  cdsr_frame output = bicubic.frame();
  ASSERT_EQ(cdsr_session_bicubic(session_, &input, &output, nullptr, nullptr), CDSR_OK);
  EXPECT_TRUE(none == bicubic);
}

TEST_F(CApi, HintsBeginShots) {
  options_.shots = CDSR_SHOTS_METADATA;
  create();
  FrameBuffer in(yuv420p(), 16, 16);
  in.fill_random(7);
  FrameBuffer out(yuv420p(), 32, 32);
  const cdsr_frame input = in.frame();
  cdsr_frame output = out.frame();
  const auto shot = [&](int cut, int discontinuity) {
    const cdsr_hints hints{CDSR_API_VERSION, cut, discontinuity, 0};
    cdsr_frame_info info{};
    info.version = CDSR_API_VERSION;
    EXPECT_EQ(cdsr_session_process(session_, &input, &output, &hints, &info), CDSR_OK);
    return info.shot;
  };
  EXPECT_EQ(shot(0, 0), 0);
  EXPECT_EQ(shot(0, 0), 0);
  EXPECT_EQ(shot(1, 0), 1);
  EXPECT_EQ(shot(0, 0), 1);
  EXPECT_EQ(shot(0, 1), 2);
  ASSERT_EQ(cdsr_session_reset(session_), CDSR_OK);
  EXPECT_EQ(shot(0, 0), 0);
}

TEST_F(CApi, StatsCount) {
  options_.backend = "reference";
  create();
  FrameBuffer in(yuv420p(), 16, 16);
  in.fill_random(8);
  FrameBuffer out(yuv420p(), 32, 32);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(process(in, out), CDSR_OK);
  cdsr_stats stats{};
  stats.version = CDSR_API_VERSION;
  ASSERT_EQ(cdsr_session_get_stats(session_, &stats), CDSR_OK);
  EXPECT_EQ(stats.frames, 3);
  EXPECT_EQ(stats.bicubic_frames, 0);
  EXPECT_EQ(stats.shots, 1);
  EXPECT_EQ(stats.embeddings, 1);
  EXPECT_STREQ(stats.backend, "reference");
  EXPECT_EQ(stats.precision, CDSR_PRECISION_FP32);
  EXPECT_EQ(stats.query, CDSR_QUERY_SHOT);
  EXPECT_GT(stats.color_ms, 0);
  EXPECT_GE(stats.total_ms, stats.upscale_ms);
  stats.version = 0;
  EXPECT_EQ(cdsr_session_get_stats(session_, &stats), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_session_get_stats(session_, nullptr), CDSR_ERROR_INVALID_ARGUMENT);
  stats.version = CDSR_API_VERSION;
  EXPECT_EQ(cdsr_session_get_stats(nullptr, &stats), CDSR_ERROR_INVALID_ARGUMENT);
}

TEST_F(CApi, LogsWhatItChose) {
  std::vector<std::string> lines;
  options_.log = [](void* opaque, int32_t, const char* message) {
    static_cast<std::vector<std::string>*>(opaque)->emplace_back(message);
  };
  options_.log_opaque = &lines;
  create();
  ASSERT_FALSE(lines.empty());
  EXPECT_NE(lines.back().find(name_), std::string::npos) << lines.back();
  FrameBuffer in(yuv420p(), 16, 16);
  in.fill_random(9);
  FrameBuffer out(yuv420p(), 32, 32);
  ASSERT_EQ(process(in, out), CDSR_OK);
  const size_t before = lines.size();
  const auto guesses = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("taken for BT.601") != std::string::npos;
  });
  EXPECT_EQ(guesses, 1);
  ASSERT_EQ(process(in, out), CDSR_OK);
  EXPECT_EQ(lines.size(), before) << lines.back();  // nothing new on an ordinary frame
}

TEST_F(CApi, ModelsAreSharedAndReadAgainWhenTheyChange) {
  cdsr_model* first = nullptr;
  cdsr_model* second = nullptr;
  ASSERT_EQ(cdsr_model_open(&first, name_.c_str(), 2), CDSR_OK) << cdsr_last_error();
  ASSERT_EQ(cdsr_model_open(&second, name_.c_str(), 2), CDSR_OK);
  cdsr_model_info a{};
  cdsr_model_info b{};
  a.version = b.version = CDSR_API_VERSION;
  ASSERT_EQ(cdsr_model_get_info(first, &a), CDSR_OK);
  ASSERT_EQ(cdsr_model_get_info(second, &b), CDSR_OK);
  EXPECT_EQ(a.path, b.path);  // the very same object inside
  EXPECT_STREQ(a.path, name_.c_str());
  EXPECT_STREQ(a.name, "tiny");
  EXPECT_EQ(a.scale, 2);
  EXPECT_GT(a.parameters, 0);
  EXPECT_EQ(a.query, CDSR_QUERY_SHOT);
  EXPECT_STREQ(cdsr_model_metadata(first, "cdsr.recipe"), "none");
  EXPECT_EQ(cdsr_model_metadata(first, "no such key"), nullptr);
  EXPECT_EQ(cdsr_model_metadata(nullptr, "x"), nullptr);

  file_.write(3, 2);
  cdsr_model* third = nullptr;
  ASSERT_EQ(cdsr_model_open(&third, name_.c_str(), 3), CDSR_OK) << cdsr_last_error();

  // A session keeps the model that its creator drops.
  ASSERT_EQ(cdsr_session_create(&session_, first, &options_), CDSR_OK) << cdsr_last_error();
  cdsr_model* extra = cdsr_model_ref(first);
  cdsr_model_unref(&first);
  cdsr_model_unref(&extra);
  cdsr_model_unref(&second);
  cdsr_model_unref(&third);
  cdsr_model_unref(&third);
  cdsr_model_unref(nullptr);
  EXPECT_EQ(first, nullptr);
  FrameBuffer in(yuv420p(), 16, 16);
  in.fill_random(10);
  FrameBuffer out(yuv420p(), 32, 32);
  EXPECT_EQ(process(in, out), CDSR_OK);
}

TEST_F(CApi, SessionWithAModelOfAnotherScale) {
  TinyModelFile other(3);
  cdsr_model* model = nullptr;
  ASSERT_EQ(cdsr_model_open(&model, other.name().c_str(), 3), CDSR_OK);
  EXPECT_EQ(cdsr_session_create(&session_, model, &options_), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(cdsr_last_error()).find("scale = 2"), std::string::npos) << cdsr_last_error();
  options_.scale = 3;
  EXPECT_EQ(cdsr_session_create(&session_, model, &options_), CDSR_OK);
  cdsr_model_unref(&model);
}

TEST_F(CApi, DamagedModels) {
  std::ofstream(file_.path(), std::ios::binary | std::ios::trunc) << "no weights at all";
  EXPECT_EQ(cdsr_session_create(&session_, nullptr, &options_), CDSR_ERROR_BAD_WEIGHTS) << cdsr_last_error();
  EXPECT_NE(std::strlen(cdsr_last_error()), 0U);
  std::filesystem::remove(file_.path());
  EXPECT_EQ(cdsr_session_create(&session_, nullptr, &options_), CDSR_ERROR_IO) << cdsr_last_error();
}

TEST_F(CApi, ModelsAreFoundByName) {
  ASSERT_EQ(setenv("CDSR_MODEL_PATH", file_.folder().c_str(), 1), 0);
  cdsr_model* model = nullptr;
  EXPECT_EQ(cdsr_model_open(&model, "tiny", 2), CDSR_OK) << cdsr_last_error();
  cdsr_model_unref(&model);
  EXPECT_EQ(cdsr_model_open(&model, "tiny", 4), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(model, nullptr);
  unsetenv("CDSR_MODEL_PATH");
}

TEST(CApiTables, FormatsHaveFfmpegsNames) {
  std::set<std::string> names;
  for (int32_t n = -1; n < 400; ++n) {
    const int32_t id = n < 200 ? n : (n - 200) | CDSR_FORMAT_BIG_ENDIAN;
    const char* name = cdsr_format_name(id);
    if (name == nullptr) {
      EXPECT_EQ(cdsr_format_supported(id, CDSR_MATRIX_BT709), CDSR_ERROR_INVALID_ARGUMENT);
      continue;
    }
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(cdsr_format_from_name(name), id);
    EXPECT_EQ(cdsr_format_supported(id, CDSR_MATRIX_BT709), CDSR_OK);
  }
  EXPECT_EQ(names.size(), pixel_formats().size());
  EXPECT_EQ(cdsr_format_from_name("yuv420p10be"), CDSR_FORMAT_YUV420P10 | CDSR_FORMAT_BIG_ENDIAN);
  EXPECT_EQ(cdsr_format_name(CDSR_FORMAT_NV12 | CDSR_FORMAT_BIG_ENDIAN), nullptr);
  EXPECT_EQ(cdsr_format_from_name("0bgr"), CDSR_FORMAT_ABGR);
  EXPECT_EQ(cdsr_format_from_name("yuvj444p"), CDSR_FORMAT_YUV444P);
  EXPECT_EQ(cdsr_format_from_name("pal8"), CDSR_FORMAT_NONE);
  EXPECT_EQ(cdsr_format_from_name(nullptr), CDSR_FORMAT_NONE);
  EXPECT_EQ(cdsr_format_supported(CDSR_FORMAT_YUV420P, 10), CDSR_ERROR_UNSUPPORTED);
  EXPECT_EQ(cdsr_format_supported(CDSR_FORMAT_GBRP, 10), CDSR_OK);
}

TEST(CApiTables, SizesOfPlanes) {
  struct Case {
    const char* name;
    std::vector<std::pair<size_t, int>> planes;
  };
  for (const Case& c : {Case{"yuv420p", {{7, 3}, {4, 2}, {4, 2}, {0, 0}}},
                        Case{"yuva422p10le", {{14, 3}, {8, 3}, {8, 3}, {14, 3}}},
                        Case{"nv12", {{7, 3}, {8, 2}, {0, 0}, {0, 0}}}, Case{"yuyv422", {{16, 3}}},
                        Case{"y210le", {{32, 3}}}, Case{"rgb48be", {{42, 3}}}, Case{"xv30le", {{28, 3}}}}) {
    for (size_t p = 0; p < c.planes.size(); ++p) {
      size_t bytes = 1;
      int32_t rows = 1;
      EXPECT_EQ(cdsr_plane_size(cdsr_format_from_name(c.name), static_cast<int32_t>(p), 7, 3, &bytes, &rows),
                CDSR_OK);
      EXPECT_EQ(std::pair(bytes, int{rows}), c.planes[p]) << c.name << " plane " << p;
    }
  }
  size_t bytes = 0;
  int32_t rows = 0;
  EXPECT_EQ(cdsr_plane_size(-1, 0, 7, 3, &bytes, &rows), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_plane_size(CDSR_FORMAT_NV12, 4, 7, 3, &bytes, &rows), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_plane_size(CDSR_FORMAT_NV12, 0, 0, 3, &bytes, &rows), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_plane_size(CDSR_FORMAT_NV12, 0, 7, 262145, &bytes, &rows), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_plane_size(CDSR_FORMAT_NV12, 0, 7, 3, nullptr, &rows), CDSR_ERROR_INVALID_ARGUMENT);
}

TEST(CApiTables, StatusAndVersion) {
  std::set<std::string> texts;
  for (int status = CDSR_ERROR_INTERNAL; status <= CDSR_OK; ++status) texts.insert(cdsr_strerror(status));
  EXPECT_EQ(texts.size(), 7U);
  EXPECT_STREQ(cdsr_strerror(-1000), "unknown status");
  EXPECT_EQ(cdsr_api_version(), CDSR_API_VERSION);
  EXPECT_STREQ(cdsr_version(), CDSR_TEST_VERSION);
  EXPECT_STREQ(cdsr_session_error(nullptr), cdsr_last_error());
}

TEST_F(CApi, BackendsCanBeAskedFor) {
  EXPECT_EQ(cdsr_backend_available("reference"), CDSR_OK);
  EXPECT_EQ(cdsr_backend_available("warp"), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(cdsr_last_error()).find("warp"), std::string::npos);
  EXPECT_EQ(cdsr_backend_available(nullptr), CDSR_ERROR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace cdsr::test
