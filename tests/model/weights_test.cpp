// Reader and writer of safetensors: round trips, and every kind of damaged or hostile file.
#include "model/weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>

#include "model/error.h"
#include "model/half.h"
#include "tests/model/temp_folder.h"

namespace cdsr {
namespace {

namespace fs = std::filesystem;

std::string file_of(const std::string& header, size_t data_bytes) {
  std::string out(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(data_bytes, '\1');
}

WeightsFile parse(const std::string& bytes) {
  return WeightsFile::parse(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(),
                            "test.safetensors");
}

void expect_bad(const std::string& bytes, const std::string& part) {
  try {
    parse(bytes);
    ADD_FAILURE() << "accepted; expected a complaint with: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::BadWeights) << e.what();
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what() << "\n  lacks: " << part;
    EXPECT_EQ(std::string(e.what()).find("test.safetensors: "), 0U) << e.what();
  }
}

/// One F32 tensor "a" of two values with one member of its entry replaced.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                const std::string& more = "") {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + more + "}}";
}

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::vector<NamedTensor> kTensors = {
    {"first.weight", {2, 3}, {0.5F, -1.25F, 3.0F, 0.0F, -0.0F, 1e-3F}},
    {"scalar", {}, {7.0F}},
    {"empty", {0, 4}, {}},
    {"last", {2}, {65504.0F, -6.1e-5F}},
};
const std::map<std::string, std::string> kMetadata = {{"cdsr.format", "1"},
                                                      {"note", "a \"quoted\" \u00e9\n"}};

class Weights : public ::testing::Test {
 protected:
  TempFolder folder_;
  fs::path path_ = folder_.path() / "w.safetensors";
};

TEST_F(Weights, RoundTripF32IsExact) {
  write_weights(path_, kTensors, kMetadata, DType::F32);
  const WeightsFile file = WeightsFile::open(path_);
  EXPECT_EQ(file.metadata(), kMetadata);
  ASSERT_EQ(file.tensors().size(), kTensors.size());
  for (size_t i = 0; i < kTensors.size(); ++i) {
    EXPECT_EQ(file.tensors()[i].name, kTensors[i].name);
    EXPECT_EQ(file.tensors()[i].shape, kTensors[i].shape);
    EXPECT_EQ(file.tensors()[i].to_float(), kTensors[i].values);
  }
  EXPECT_EQ(file.find("scalar")->count(), 1);
  EXPECT_EQ(file.find("nothing"), nullptr);
}

TEST_F(Weights, HalvesAreRoundedToNearestEven) {
  const NamedTensor t{"t", {4}, {1.0F, 1.0F + 0x1p-11F, 1.0F + 0x3p-11F, 0.1F}};
  write_weights(path_, {t}, {}, DType::F16);
  EXPECT_EQ(WeightsFile::open(path_).find("t")->to_float(),
            (std::vector<float>{1.0F, 1.0F, 1.0F + 0x1p-9F, 0.0999755859375F}));
  write_weights(path_, {t}, {}, DType::BF16);
  EXPECT_EQ(WeightsFile::open(path_).find("t")->to_float(),
            (std::vector<float>{1.0F, 1.0F, 1.0F, 0.10009765625F}));
}

TEST_F(Weights, DataStartsAligned) {
  for (int n = 1; n <= 8; ++n) {
    write_weights(path_, {{std::string(static_cast<size_t>(n), 'x'), {1}, {1.0F}}}, {}, DType::F32);
    uint64_t length = 0;
    std::memcpy(&length, read_all(path_).data(), 8);
    EXPECT_EQ(length % 8, 0U);
  }
}

TEST_F(Weights, WriterRefusesWhatItCannotStore) {
  const auto write = [&](const std::vector<NamedTensor>& tensors, DType dtype) {
    write_weights(path_, tensors, {}, dtype);
  };
  EXPECT_THROW(write({{"a", {3}, {1.0F}}}, DType::F32), Error);
  EXPECT_THROW(write({{"a", {-1}, {1.0F}}}, DType::F32), Error);
  EXPECT_THROW(write({{"", {1}, {1.0F}}}, DType::F32), Error);
  EXPECT_THROW(write({{"__metadata__", {1}, {1.0F}}}, DType::F32), Error);
  EXPECT_THROW(write({{"a", {1}, {1.0F}}, {"a", {1}, {1.0F}}}, DType::F32), Error);
  EXPECT_THROW(write({{"a", {1}, {65520.0F}}}, DType::F16), Error);
  EXPECT_THROW(write({{"a", {1}, {3.4e38F}}}, DType::BF16), Error);
  EXPECT_THROW(write({{"\xff", {1}, {1.0F}}}, DType::F32), Error);
  EXPECT_TRUE(fs::is_empty(folder_.path())) << "a failed write left something behind";
}

TEST_F(Weights, FailedWriteKeepsTheOldFile) {
  write_weights(path_, kTensors, {}, DType::F32);
  const std::string before = read_all(path_);
  EXPECT_THROW(write_weights(path_, {{"a", {1}, {1e9F}}}, {}, DType::F16), Error);
  EXPECT_EQ(read_all(path_), before);
  try {
    write_weights(folder_.path() / "no such folder" / "w", kTensors, {}, DType::F32);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::Io);
  }
}

TEST_F(Weights, WhatIsNoRegularFileIsRefused) {
  const auto code = [](const fs::path& p) {
    try {
      WeightsFile::open(p);
    } catch (const Error& e) {
      return e.code();
    }
    return Errc::Internal;
  };
  EXPECT_EQ(code(folder_.path() / "absent"), Errc::Io);
  EXPECT_EQ(code(folder_.path()), Errc::Io);
  const fs::path fifo = folder_.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(code(fifo), Errc::Io);  // and does not hang
  std::ofstream(path_).close();
  EXPECT_EQ(code(path_), Errc::BadWeights);
}

TEST_F(Weights, EveryTruncationIsAnError) {
  write_weights(path_, kTensors, kMetadata, DType::F32);
  const std::string whole = read_all(path_);
  ASSERT_NO_THROW(parse(whole));
  for (size_t n = 0; n < whole.size(); ++n) {
    const std::string part = whole.substr(0, n);
    EXPECT_THROW(parse(part), Error) << n;
  }
  expect_bad(whole + '\0', "1 bytes after the last tensor");
}

// A flipped bit gives an error or a file that still reads consistently: never a crash (ASan runs this too).
TEST_F(Weights, EveryBitFlipIsHandled) {
  write_weights(path_, kTensors, kMetadata, DType::F16);
  const std::string whole = read_all(path_);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    try {
      const WeightsFile file = parse(damaged);
      for (const TensorView& t : file.tensors())
        EXPECT_EQ(t.to_float().size(), static_cast<size_t>(t.count()));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::BadWeights) << bit;
    }
  }
}

TEST(WeightsHeader, Lengths) {
  expect_bad("", "0 bytes");
  expect_bad(std::string(7, '\0'), "7 bytes");
  expect_bad(std::string(8, '\0'), "not JSON");
  expect_bad(std::string(8, '\xff'), "over the limit");
  std::string far = file_of("{}", 0);
  far[3] = 1;
  expect_bad(far, "truncated");
  std::string over = file_of("{}", 0);
  const uint64_t length = 100'000'001;
  std::memcpy(over.data(), &length, 8);
  expect_bad(over, "over the limit");
  EXPECT_TRUE(parse(file_of("{}", 0)).tensors().empty());
}

TEST(WeightsHeader, Form) {
  for (const char* text : {"", "{", "nonsense", "{}{}", "{\"a\"}", "{\"a\":}", "{}\x01", "\xef\xbb"})
    expect_bad(file_of(text, 0), "not JSON");
  expect_bad(file_of("{\"\xff\":{}}", 0), "not JSON");  // not UTF-8
  for (const char* text : {"[]", "null", "1", "true", "\"x\"", "-1", "1.5"})
    expect_bad(file_of(text, 0), "object");
  expect_bad(file_of(R"({"a":1})", 0), "'a': found 1, must be an object");
  expect_bad(file_of(R"({"a":[]})", 0), "'a'");
  expect_bad(file_of(R"({"":{}})", 0), "empty name");
  expect_bad(file_of(std::string(1'000'000, '['), 0), "must be an object");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  expect_bad(file_of(deep, 0), "unknown member");
}

TEST(WeightsHeader, Metadata) {
  EXPECT_EQ(parse(file_of(R"({"__metadata__":{"k":"v"}})", 0)).metadata().at("k"), "v");
  expect_bad(file_of(R"({"__metadata__":{"k":1}})", 0), "must be a string");
  expect_bad(file_of(R"({"__metadata__":{"k":null}})", 0), "must be a string");
  expect_bad(file_of(R"({"__metadata__":{"k":{}}})", 0), "must be a string");
  expect_bad(file_of(R"({"__metadata__":{"k":"v","k":"w"}})", 0), "twice");
  expect_bad(file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "twice");
  expect_bad(file_of(R"({"__metadata__":"v"})", 0), "must be an object");
}

TEST(WeightsHeader, Members) {
  const auto bad = [](const std::string& header, const char* part) { expect_bad(file_of(header, 8), part); };
  EXPECT_NO_THROW(parse(file_of(one("\"F32\"", "[2]", "[0,8]"), 8)));
  bad(one("\"F64\"", "[1]", "[0,8]"), "tensor 'a': dtype is 'F64', must be F32, F16 or BF16");
  bad(one("\"I64\"", "[1]", "[0,8]"), "tensor 'a': dtype is 'I64', must be F32, F16 or BF16");
  bad(one("32", "[2]", "[0,8]"), "tensor 'a': dtype is 32");
  bad(one("[]", "[2]", "[0,8]"), "dtype is an array");
  bad(one("\"F32\"", "2", "[0,8]"), "shape is 2");
  bad(one("\"F32\"", "\"2\"", "[0,8]"), "shape is");
  bad(one("\"F32\"", "[-2]", "[0,8]"), "shape holds -2");
  bad(one("\"F32\"", "[2.0]", "[0,8]"), "shape holds 2.0");
  bad(one("\"F32\"", "[2e0]", "[0,8]"), "shape holds");
  bad(one("\"F32\"", "[[2]]", "[0,8]"), "shape holds");
  bad(one("\"F32\"", "[9223372036854775808]", "[0,8]"), "shape holds 9223372036854775808");
  bad(one("\"F32\"", "[99999999999999999999]", "[0,8]"), "shape holds 99999999999999999999");
  bad(one("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), "dimensions");
  bad(one("\"F32\"", "[2]", "[0]"), "data_offsets has 1");
  bad(one("\"F32\"", "[2]", "[]"), "data_offsets has 0");
  bad(one("\"F32\"", "[2]", "[0,8,8]"), "more than 2");
  bad(one("\"F32\"", "[2]", "[0,true]"), "data_offsets holds true");
  bad(one("\"F32\"", "[2]", "[-0,8]"), "data_offsets holds");
  bad(one("\"F32\"", "[2]", "[0,8]", R"(,"x":1)"), "unknown member 'x'");
  bad(one("\"F32\"", "[2]", "[0,8]", R"(,"shape":[2])"), "twice");
  bad(R"({"a":{"dtype":"F32","shape":[2]}})", "'data_offsets' is missing");
  bad(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", "'dtype' is missing");
  bad(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", "'shape' is missing");
  bad(R"({"a\u001b[31m":{}})", R"('a\x1b[31m')");  // a name must not reach the terminal raw
}

TEST(WeightsHeader, Offsets) {
  const auto bad = [](const std::string& offsets, const char* part, const char* shape = "[2]") {
    expect_bad(file_of(one("\"F32\"", shape, offsets), 8), part);
  };
  bad("[0,4]", "needs 8 bytes, data_offsets [0, 4] have 4");
  bad("[4,12]", "begins at 4, expected 0");
  bad("[0,16]", "data ends at 16, but the file has 8", "[4]");
  bad("[0,18446744073709551615]", "data ends at");
  bad("[18446744073709551608,0]", "begins at");
  bad("[0,8]", "more than 2^64 bytes", "[4611686018427387904]");
  bad("[0,8]", "more than 2^64 bytes", "[4294967296,4294967296]");
  bad("[0,0]", "needs 8 bytes");
  const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":)";
  expect_bad(file_of("{\"a\":" + entry + "[0,4]},\"b\":" + entry + "[0,4]}}", 4),
             "'b': data begins at 0, expected 4");
  expect_bad(file_of("{\"a\":" + entry + "[0,4]},\"b\":" + entry + "[8,12]}}", 12), "gap");
  expect_bad(file_of("{\"a\":" + entry + "[0,4]},\"a\":" + entry + "[4,8]}}", 8),
             "tensor 'a' is there twice");
  // In the file's order, whatever the header's.
  const std::string reversed = file_of("{\"b\":" + entry + "[4,8]},\"a\":" + entry + "[0,4]}}", 8);
  EXPECT_EQ(parse(reversed).tensors()[0].name, "a");
}

TEST(Half, EveryF16SurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float wide = f16_to_f32(half);
    if (std::isnan(wide))
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(wide))));
    else
      EXPECT_EQ(f32_to_f16(wide), half);
    const float bf = bf16_to_f32(half);
    if (std::isnan(bf))
      EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(bf))));
    else
      EXPECT_EQ(f32_to_bf16(bf), half);
  }
}

// Between two neighbours: the nearer one, and the even one from the middle.
TEST(Half, F16RoundsToNearestEven) {
  for (uint16_t half = 0; half < 0x7BFF; ++half) {
    const float low = f16_to_f32(half), high = f16_to_f32(static_cast<uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;  // exact
    const uint16_t even = half % 2 == 0 ? half : static_cast<uint16_t>(half + 1);
    ASSERT_EQ(f32_to_f16(middle), even) << half;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0F)), half);
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 1e9F)), half + 1);
    ASSERT_EQ(f32_to_f16(-middle), even | 0x8000);
  }
  EXPECT_EQ(f32_to_f16(65520.0F), 0x7C00);
  EXPECT_EQ(f32_to_f16(65519.99F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(1e-30F), 0);
}

}  // namespace
}  // namespace cdsr
