// From a weights file to a Network: folding against the unfolded layers, and every way a file can fail to
// fit.
#include "model/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>

#include "model/error.h"
#include "model/find_model.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

using Metadata = std::map<std::string, std::string>;

class NetworkTest : public ::testing::TestWithParam<Body> {
 protected:
  std::shared_ptr<const Network> load(const std::vector<NamedTensor>& tensors, const Metadata& metadata) {
    const auto path = folder_.path() / "n.safetensors";
    write_weights(path, tensors, metadata, DType::F32);
    return load_network(WeightsFile::open(path));
  }

  void expect_bad(const std::function<void(std::vector<NamedTensor>&, Metadata&)>& damage,
                  const std::string& part) {
    std::vector<NamedTensor> tensors = random_tensors(config_, 1);
    Metadata metadata = metadata_;
    damage(tensors, metadata);
    try {
      load(tensors, metadata);
      ADD_FAILURE() << "accepted; expected a complaint with: " << part;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::BadWeights) << e.what();
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what() << "\n  lacks: " << part;
    }
  }

  static NamedTensor& named(std::vector<NamedTensor>& tensors, const std::string& name) {
    for (NamedTensor& t : tensors)
      if (t.name == name) return t;
    throw std::out_of_range(name);
  }

  CdsrConfig config_ = tiny_config(GetParam(), 2);
  Metadata metadata_ = {{"cdsr.format", "1"}, {"cdsr.config", to_json(config_)}};
  TempFolder folder_;
};

TEST_P(NetworkTest, FileAndMemoryGiveTheSameNetwork) {
  const auto a = random_network(config_, 7);
  const auto b = load(random_tensors(config_, 7), metadata_);
  EXPECT_EQ(b->config, config_);
  EXPECT_EQ(a->head.weight, b->head.weight);
  EXPECT_EQ(a->encoder.pixel[4].weight, b->encoder.pixel[4].weight);
  EXPECT_EQ(a->encoder.keys.weight, b->encoder.keys.weight);
  EXPECT_EQ(a->blocks.back().dqa[0].kernel1.weight, b->blocks.back().dqa[0].kernel1.weight);
  EXPECT_EQ(a->experts.size(), b->experts.size());
  for (size_t i = 0; i < a->experts.size(); ++i) {
    EXPECT_EQ(a->experts[i].weight, b->experts[i].weight);
    EXPECT_EQ(a->experts[i].mixing.weight, b->experts[i].mixing.weight);
  }
  EXPECT_EQ(a->tail.bias, b->tail.bias);
  EXPECT_EQ(a->blocks.size(), static_cast<size_t>(config_.blocks));
}

TEST_P(NetworkTest, ContrastiveHeadMayBeMissing) {
  std::vector<NamedTensor> tensors = random_tensors(config_, 1);
  std::erase_if(tensors, [](const NamedTensor& t) { return t.name.starts_with("head."); });
  EXPECT_NO_THROW(load(tensors, metadata_));
}

TEST_P(NetworkTest, ErrorsNameTensorExpectedAndFound) {
  expect_bad([](auto& t, auto&) { std::erase_if(t, [](auto& x) { return x.name == "sr.tail.bias"; }); },
             "tensor 'sr.tail.bias' is missing; expected shape [12]");
  expect_bad(
      [](auto& t, auto&) {
        named(t, "sr.head.bias").shape = {2, 4};
      },
      "tensor 'sr.head.bias': expected shape [8], found [2, 4]");
  expect_bad(
      [](auto& t, auto&) {
        t.push_back({"sr.extra", {1}, {0}});
      },
      "tensor 'sr.extra' [1] does not belong");
  expect_bad([](auto& t, auto&) { named(t, "sr.head.weight").values[5] = std::nanf(""); },
             "tensor 'sr.head.weight': value 5 is nan, must be finite");
  expect_bad(
      [](auto& t, auto&) { named(t, "head.0.bias").values[0] = -std::numeric_limits<float>::infinity(); },
      "tensor 'head.0.bias': value 0 is -inf");
  expect_bad([](auto& t, auto&) { named(t, "lpe.pixel.2.bn.running_var").values[1] = -0.5F; },
             "tensor 'lpe.pixel.2.bn.running_var': value 1 is -0.5, must be 0 or more");
  expect_bad(
      [](auto& t, auto&) {
        named(t, "lpe.patch.0.bn.weight").values[0] = 1e38F;
        named(t, "lpe.patch.0.conv.weight").values[0] = 1e10F;
      },
      "lpe.patch.0.conv.weight after folding");
  expect_bad([](auto& t, auto&) { named(t, "csc.key.weight").values[0] = 3e38F; }, "keys folded");
}

TEST_P(NetworkTest, MetadataMustFit) {
  expect_bad([](auto&, auto& m) { m.erase("cdsr.format"); }, "no cdsr.format");
  expect_bad([](auto&, auto& m) { m["cdsr.format"] = "2"; }, "cdsr.format is '2', this version reads '1'");
  expect_bad([](auto&, auto& m) { m.erase("cdsr.config"); }, "no cdsr.config");
  expect_bad([](auto&, auto& m) { m["cdsr.config"] = "{"; }, "cdsr.config: ");
  expect_bad(
      [this](auto&, auto& m) {
        CdsrConfig other = config_;
        other.scale = 3;
        m["cdsr.config"] = to_json(other);
      },
      "tensor 'sr.tail.weight': expected shape [27, 8, 3, 3], found [12, 8, 3, 3]");
}

// The folded convolution must be convolution then batch-norm, worked out here in long double from its
// definition.
TEST_P(NetworkTest, BatchNormIsFolded) {
  std::vector<NamedTensor> tensors = random_tensors(config_, 3);
  const auto net = random_network(config_, 3);
  const Conv& folded = net->encoder.pixel[2];
  EXPECT_EQ(folded.stride, 2);
  EXPECT_EQ(folded.padding, 1);
  const auto& w = named(tensors, "lpe.pixel.2.conv.weight");
  const size_t row = w.values.size() / static_cast<size_t>(w.shape[0]);
  for (size_t o = 0; o < static_cast<size_t>(w.shape[0]); ++o) {
    long double plain = named(tensors, "lpe.pixel.2.conv.bias").values[o], got = folded.bias[o];
    for (size_t i = 0; i < row; ++i) {
      const long double x = std::sin(static_cast<long double>(i) + 1);
      plain += x * w.values[o * row + i];
      got += x * folded.weight[o * row + i];
    }
    const long double var = named(tensors, "lpe.pixel.2.bn.running_var").values[o];
    const long double expected = (plain - named(tensors, "lpe.pixel.2.bn.running_mean").values[o]) /
                                     std::sqrt(var + 1e-5L) *
                                     named(tensors, "lpe.pixel.2.bn.weight").values[o] +
                                 named(tensors, "lpe.pixel.2.bn.bias").values[o];
    EXPECT_NEAR(static_cast<double>(got), static_cast<double>(expected), 2e-6);
  }
}

TEST_P(NetworkTest, KeysAreFolded) {
  std::vector<NamedTensor> tensors = random_tensors(config_, 3);
  const auto net = random_network(config_, 3);
  const Linear& keys = net->encoder.keys;
  const auto& codebook = named(tensors, "csc.codebook").values;
  const auto& weight = named(tensors, "csc.key.weight").values;
  const auto& bias = named(tensors, "csc.key.bias").values;
  const auto d = static_cast<size_t>(config_.embedding());
  ASSERT_EQ(keys.out, config_.codebook);
  ASSERT_TRUE(keys.bias.empty());
  for (size_t j = 0; j < static_cast<size_t>(config_.codebook); ++j)
    for (size_t o = 0; o < d; ++o) {
      long double sum = bias[o];
      for (size_t i = 0; i < d; ++i) sum += static_cast<long double>(weight[o * d + i]) * codebook[j * d + i];
      ASSERT_NEAR(keys.weight[j * d + o], static_cast<double>(sum), 1e-6);
    }
}

INSTANTIATE_TEST_SUITE_P(Bodies, NetworkTest, ::testing::Values(Body::Rrdb, Body::Plain),
                         [](const auto& info) { return to_string(info.param); });

// Pinned values: other machines and compilers must draw the same weights.
TEST(RandomNetwork, IsTheSameEverywhere) {
  const auto tensors = random_tensors(tiny_config(Body::Plain, 2), 1);
  double sum = 0, squares = 0;
  for (const NamedTensor& t : tensors)
    for (float v : t.values) sum += v, squares += static_cast<double>(v) * v;
  EXPECT_EQ(tensors.front().values.front(), 0.033296551555395126F);
  EXPECT_DOUBLE_EQ(sum, 241.36569589006558);
  EXPECT_DOUBLE_EQ(squares, 1018.899848724509);
  EXPECT_NE(random_tensors(tiny_config(Body::Plain, 2), 2).front().values, tensors.front().values);
}

TEST(RandomNetwork, HoldsTheWholeList) {
  for (const char* name : {"cdsr-2", "cdsr-rt"}) {
    const CdsrConfig c = config_by_name(name, 3);
    const auto specs = tensor_list(c);
    const auto tensors = random_tensors(c, 5);
    ASSERT_EQ(specs.size(), tensors.size());
    for (size_t i = 0; i < specs.size(); ++i) {
      EXPECT_EQ(tensors[i].name, specs[i].name);
      EXPECT_EQ(tensors[i].shape, specs[i].shape);
    }
    EXPECT_NO_THROW(random_network(c, 5));
  }
}

TEST(FindModel, PathsAndNames) {
  EXPECT_EQ(find_model("a/b", 2), "a/b");
  EXPECT_EQ(find_model("x.safetensors", 2), "x.safetensors");
  const TempFolder folder;
  std::ofstream(folder.path() / "cdsr-none-x3.safetensors") << "x";
  setenv("CDSR_MODEL_PATH", ("/nowhere::" + folder.path().string()).c_str(), 1);
  EXPECT_EQ(find_model("cdsr-none", 3), folder.path() / "cdsr-none-x3.safetensors");
  try {
    find_model("cdsr-none", 2);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::InvalidArgument);
    for (const auto& place : model_folders())
      EXPECT_NE(std::string(e.what()).find(place.string()), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("/nowhere"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("cdsr-none-x2.safetensors"), std::string::npos) << e.what();
    for (const char* model : {"cdsr-none (x3)", "cdsr-rt (x2, x3, x4)"})
      EXPECT_NE(std::string(e.what()).find(model), std::string::npos) << e.what();
  }
  unsetenv("CDSR_MODEL_PATH");
  EXPECT_THROW(find_model("", 2), Error);
}

}  // namespace
}  // namespace cdsr
