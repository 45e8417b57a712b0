// `cdsr analyze` and `cdsr lab` from outside, on a picture or two: they run and say what they are to say.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "model/degradation_reader.h"
#include "model/network.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"
#include "tests/tools/program.h"
#include "tools/media/image_io.h"

namespace cdsr::tools {
namespace {

namespace fs = std::filesystem;

class Lab : public ::testing::Test {
 protected:
  void SetUp() override {
    write(tiny_config(Body::Plain, 2));
    fs::create_directory(photos());
    write_photos(72, 68);
  }
  void write_photos(int width, int height) {
    for (int i = 0; i < 3; ++i) {
      Picture p{width, height, {}};
      for (int y = 0; y < p.height; ++y)
        for (int x = 0; x < p.width; ++x)
          for (int c = 0; c < 3; ++c)
            p.rgb.push_back(static_cast<uint8_t>(128 + 60 * std::sin(0.3 * x * (i + 1) + c) +
                                                 60 * std::cos(0.2 * y * (c + 1))));
      write_picture(photos() / (std::to_string(i) + ".png"), p);
    }
  }
  void write(const CdsrConfig& config) {
    write_weights(weights(), random_tensors(config, 1),
                  {{"cdsr.format", "1"}, {"cdsr.config", to_json(config)}}, DType::F32);
  }
  fs::path weights() const { return folder_.path() / "tiny-x2.safetensors"; }
  fs::path photos() const { return folder_.path() / "photos"; }

  std::string run(const std::string& arguments) {
    const Outcome o = cdsr(arguments);
    EXPECT_EQ(o.status, 0) << arguments << '\n' << o.output;
    return o.output;
  }
  std::string analyze(const std::string& part, const std::string& more = "") {
    return run("analyze " + part + " " + weights().string() + " --threads 1 --data " + photos().string() +
               " " + more);
  }
  static void expect(const std::string& output, const std::string& part) {
    EXPECT_NE(output.find(part), std::string::npos) << output << "\n  lacks: " << part;
  }

  TempFolder folder_;
};

TEST_F(Lab, AnalyzeSaysWhatTheEmbeddingIsWorth) {
  const std::string influence = analyze("influence", "--oracle");
  for (const char* row : {"own", "zero", "mean of all", "other picture, same degradation", "y of block 1",
                          "codebook attention", "best of another picture's"})
    expect(influence, row);
  expect(analyze("score"), "mean");
  expect(analyze("classes", "--widths 3"), "chance 33.3 %");
  const std::string svg = (folder_.path() / "plot.svg").string();
  for (const char* method : {"pca", "tsne"}) {
    expect(analyze("map", std::string("--widths 4 --method ") + method + " --svg " + svg), "12 embeddings");
    std::ifstream in(svg);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    expect(text, "variance 4");
    expect(text, "</svg>");
  }
  expect(analyze("widths", "--widths 3 --svg " + svg), "bicubic");
}

TEST_F(Lab, LooksAtCodedClipsAndAtLumaNetworks) {
  write(tiny_config(Body::Stack, 2));
  expect(analyze("influence", "--draws 3"), "under 3 clips' degradations");
  expect(analyze("classes", "--crf 18,38"), "chance 50.0 %");
  expect(analyze("score"), "mean");
  const Outcome o = cdsr("analyze influence " + weights().string() + " --data " + photos().string() +
                         " --draws 3 --crf 20,30");
  EXPECT_EQ(o.status, 2);
}

TEST_F(Lab, CalibrateWritesTheRangesAndKeepsTheRest) {
  const CdsrConfig config = tiny_config(Body::Stack, 2);
  write(config);
  const fs::path out = folder_.path() / "out.safetensors";
  const std::string arguments = "calibrate " + weights().string() + " " + out.string() + " --data " +
                                photos().string() + " --draws 2 --crop 24";
  expect(run(arguments), "ranges of 3 layers, measured on 3 pictures under 2 degradations");
  const WeightsFile before = WeightsFile::open(weights()), after = WeightsFile::open(out);
  ASSERT_EQ(after.tensors().size(), before.tensors().size());
  for (size_t i = 0; i < before.tensors().size(); ++i) {
    EXPECT_EQ(after.tensors()[i].name, before.tensors()[i].name);
    EXPECT_EQ(after.tensors()[i].to_float(), before.tensors()[i].to_float());
  }
  EXPECT_EQ(after.metadata().at("cdsr.config"), before.metadata().at("cdsr.config"));
  const FeatureRanges ranges = load_network(after)->ranges;
  ASSERT_EQ(ranges.high.size(), static_cast<size_t>(config.blocks + 1) * config.nf);
  EXPECT_GT(*std::max_element(ranges.high.begin(), ranges.high.end()), 0);
  EXPECT_LT(*std::min_element(ranges.low.begin(), ranges.low.end()), 0);
  // A second time, over itself: the same ranges, not wider ones.
  expect(run("calibrate " + out.string() + " " + out.string() + " --data " + photos().string() +
             " --draws 2 --crop 24"),
         "ranges of 3 layers");
  EXPECT_EQ(load_network(WeightsFile::open(out))->ranges.high, ranges.high);
}

TEST_F(Lab, CalibrateRefusesOtherNetworks) {
  const Outcome o =
      cdsr("calibrate " + weights().string() + " " + weights().string() + " --data " + photos().string());
  EXPECT_EQ(o.status, 1);
  expect(o.output, "is no stack of convolutions");
}

TEST_F(Lab, ReaderWritesWhatIsReadAndKeepsTheRest) {
  const CdsrConfig config = tiny_config(Body::Stack, 2);
  write(config);
  write_photos(130, 110);
  const fs::path out = folder_.path() / "out.safetensors";
  expect(run("reader " + weights().string() + " " + out.string() + " --data " + photos().string() +
             " --shots 120"),
         "fitted to 108 shots, tested on 12 others");
  const WeightsFile before = WeightsFile::open(weights()), after = WeightsFile::open(out);
  ASSERT_EQ(after.tensors().size(), before.tensors().size());
  for (size_t i = 0; i < before.tensors().size(); ++i)
    EXPECT_EQ(after.tensors()[i].to_float(), before.tensors()[i].to_float());
  const auto reader = reader_in(after.metadata(), config, "out");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->codecs,
            (std::vector<std::string>{"none", "jpeg", "mpeg2", "h264", "hevc", "vp9", "av1"}));
}

TEST_F(Lab, ReaderRefusesOtherEncoders) {
  const Outcome o = cdsr("reader " + weights().string() + " " + weights().string() + " --data " +
                         photos().string() + " --shots 100");
  EXPECT_EQ(o.status, 1);
  expect(o.output, "only an encoder of lpe_input statistics");
}

TEST_F(Lab, OnePictureIsTooFew) {
  fs::remove(photos() / "1.png");
  fs::remove(photos() / "2.png");
  const Outcome o = cdsr("analyze influence " + weights().string() + " --data " + photos().string());
  EXPECT_EQ(o.status, 1);
  expect(o.output, "must be 2 or more");
}

TEST_F(Lab, TablesRunFromOneCommand) {
  const std::string common = " --steps 2 --batch 2 --patch 12 --queue 8 --threads 1 --images 2 --data " +
                             photos().string() + " --test " + photos().string() + " --out " +
                             (folder_.path() / "lab").string();
  const std::string table5 = run("lab table5" + common);
  for (const char* part : {"AdaIN", "DynConv", "DQA", "35.76", "--variant adain", "reference", "(paper -0."})
    expect(table5, part);
  // Trained rows are not trained again.
  expect(run("lab table5" + common), "resumed");
  const std::string table12 = run("lab table12" + common);
  expect(table12, "--contrast-only");
  expect(table12, "started from");
  expect(table12, "resumed");  // its row without pretraining is table 5's DQA
}

}  // namespace
}  // namespace cdsr::tools
