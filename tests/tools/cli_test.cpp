// The program `cdsr` as its user sees it: files it writes, exit status, one message for an error.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "model/network.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"
#include "tests/tools/program.h"
#include "tools/media/image_io.h"

namespace cdsr::tools {
namespace {

namespace fs = std::filesystem;

Picture picture(int width, int height) {
  Picture p{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        p.rgb.push_back(
            static_cast<uint8_t>(128 + 60 * std::sin(0.3 * x + c) + 60 * std::cos(0.2 * y * (c + 1))));
  return p;
}

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    const CdsrConfig config = tiny_config(Body::Plain, 2);
    write_weights(weights(), random_tensors(config, 1),
                  {{"cdsr.format", "1"}, {"cdsr.config", to_json(config)}, {"cdsr.recipe", "a recipe"}},
                  DType::F16);
    write_picture(file("in.png"), picture(25, 14));
  }
  fs::path weights() const { return folder_.path() / "tiny-x2.safetensors"; }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }

  void expect_error(const std::string& arguments, int status, const std::string& part) {
    const Outcome o = cdsr(arguments);
    EXPECT_EQ(o.status, status) << arguments << '\n' << o.output;
    EXPECT_NE(o.output.find(part), std::string::npos) << o.output << "\n  lacks: " << part;
    const size_t first = o.output.find("cdsr: ");
    EXPECT_EQ(o.output.find("cdsr: ", first + 1), std::string::npos) << "said twice: " << o.output;
  }

  TempFolder folder_;
};

TEST_F(Cli, UpscaleWritesPictureAndRawResult) {
  ASSERT_EQ(cdsr("upscale " + weights().string() + " " + file("in.png") + " " + file("out.png")).status, 0);
  ASSERT_EQ(cdsr("upscale " + weights().string() + " " + file("in.png") + " " + file("out.npy")).status, 0);
  const Picture out = read_picture(file("out.png"));
  EXPECT_EQ(out.width, 50);
  EXPECT_EQ(out.height, 28);
  std::ifstream in(file("out.npy"), std::ios::binary);
  const std::string npy{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(npy.find("(28, 50, 3)"), std::string::npos);
  std::vector<float> values(size_t{3} * 50 * 28);
  ASSERT_GT(npy.size(), values.size() * 4);
  std::memcpy(values.data(), npy.data() + npy.size() - values.size() * 4, values.size() * 4);
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(out.rgb[i], std::clamp(values[i], 0.0F, 255.0F), 1.01);  // 8 bits are dithered
}

TEST_F(Cli, InfoTellsConfigurationCostAndMetadata) {
  const Outcome o = cdsr("info --tensors " + weights().string());
  EXPECT_EQ(o.status, 0);
  for (const char* part : {"tiny, x2", "parameters", "MAC at 48x48", "a recipe", "sr.tail.weight",
                           "[12, 8, 3, 3]", "F16", "backend reference"})
    EXPECT_NE(o.output.find(part), std::string::npos) << part << " is missing:\n" << o.output;
  EXPECT_NE(cdsr("info cdsr-10 --scale 4").output.find("13,253,330"), std::string::npos);
}

TEST_F(Cli, ModelsAreFoundByName) {
  ASSERT_EQ(setenv("CDSR_MODEL_PATH", folder_.path().c_str(), 1), 0);
  EXPECT_EQ(cdsr("upscale tiny " + file("in.png") + " " + file("out.png")).status, 0);
  expect_error("upscale tiny --scale 3 " + file("in.png") + " " + file("out.png"), 1, "tiny-x3.safetensors");
  unsetenv("CDSR_MODEL_PATH");
}

TEST_F(Cli, EvalWritesTableAndJson) {
  const fs::path data = folder_.path() / "data";
  fs::create_directory(data);
  write_picture(data / "a.png", picture(61, 50));
  write_picture(data / "b.png", picture(48, 52));
  const std::string common = " --data " + data.string() + " --json " + file("s.json");
  const auto score = [&](const std::string& arguments) {
    const Outcome o = cdsr("eval --model " + arguments + common);
    EXPECT_EQ(o.status, 0) << o.output;
    EXPECT_NE(o.output.find("data (2)"), std::string::npos) << o.output;
    std::ifstream in(file("s.json"));
    return nlohmann::json::parse(in);
  };
  const auto bicubic = score("bicubic");
  const auto& set = bicubic["datasets"][0];
  EXPECT_EQ(set["images"], 2);
  ASSERT_EQ(set["kernels"].size(), 9U);
  double mean = 0;
  for (const auto& k : set["kernels"]) mean += k["psnr"].get<double>() / 9;
  EXPECT_NEAR(mean, set["psnr"].get<double>(), 1e-9);
  EXPECT_GT(set["psnr"], 25);  // smooth pictures; a misplaced pixel costs far more
  EXPECT_LT(set["ssim"], 1);
  // Told the shift, interpolation is as good in the paper's alignment.
  EXPECT_NEAR(score("bicubic --protocol paper")["datasets"][0]["psnr"].get<double>(),
              set["psnr"].get<double>(), 0.5);
  EXPECT_LT(score("bicubic --noise 15")["datasets"][0]["psnr"], set["psnr"]);
  // A network: the same numbers twice, others without its embedding.
  const auto network = score(weights().string());
  EXPECT_EQ(network["engine"]["config"]["name"], "tiny");
  EXPECT_EQ(score(weights().string())["datasets"], network["datasets"]);
  EXPECT_NE(score(weights().string() + " --embedding zero")["datasets"], network["datasets"]);
  EXPECT_NE(cdsr("eval --model bicubic --images 1" + common).output.find("data (1)"), std::string::npos);
}

/// The paper's second kernel at x2, (3, 1, 0): variances along x and y. Worked out from its definition: LR
/// pixel i reads the 20 HR pixels around 2 i + 0.5 in each direction, edges repeated.
Picture blurred_by_hand(const Picture& hr) {
  double across[20], down[20], sum_across = 0, sum_down = 0;
  for (int t = 0; t < 20; ++t) {
    sum_across += across[t] = std::exp(-(t - 9.5) * (t - 9.5) / (2 * 3));
    sum_down += down[t] = std::exp(-(t - 9.5) * (t - 9.5) / 2);
  }
  Picture lr{hr.width / 2, hr.height / 2, {}};
  for (int y = 0; y < lr.height; ++y)
    for (int x = 0; x < lr.width; ++x)
      for (int c = 0; c < 3; ++c) {
        double v = 0;
        for (int i = 0; i < 20; ++i)
          for (int j = 0; j < 20; ++j) {
            const int row = std::clamp(2 * y + i - 9, 0, hr.height - 1),
                      column = std::clamp(2 * x + j - 9, 0, hr.width - 1);
            v += down[i] * across[j] * hr.rgb[3 * (row * hr.width + column) + c];
          }
        lr.rgb.push_back(static_cast<uint8_t>(std::lround(v / (sum_across * sum_down))));
      }
  return lr;
}

/// PSNR on Y of bicubic x2 (Keys, a = -0.5: the weights of a phase of a quarter), two pixels shaved.
double bicubic_psnr_by_hand(const Picture& lr, const Picture& hr) {
  const double w[2][4] = {{-0.0234375, 0.2265625, 0.8671875, -0.0703125},
                          {-0.0703125, 0.8671875, 0.2265625, -0.0234375}};
  double squares = 0, count = 0;
  for (int y = 2; y < hr.height - 2; ++y)
    for (int x = 2; x < hr.width - 2; ++x, ++count) {
      const double luma[3] = {65.738 / 256, 129.057 / 256, 25.064 / 256};
      double difference = 0;
      for (int c = 0; c < 3; ++c) {
        double v = 0;
        for (int i = 0; i < 4; ++i)
          for (int j = 0; j < 4; ++j) {
            const int row = std::clamp((y + 1) / 2 - 2 + i, 0, lr.height - 1),
                      column = std::clamp((x + 1) / 2 - 2 + j, 0, lr.width - 1);
            v += w[y % 2][i] * w[x % 2][j] * lr.rgb[3 * (row * lr.width + column) + c];
          }
        difference +=
            luma[c] * (std::nearbyint(std::clamp(v, 0.0, 255.0)) - hr.rgb[3 * (y * hr.width + x) + c]);
      }
      squares += difference * difference;
    }
  return 10 * std::log10(255 * 255 / (squares / count));
}

TEST_F(Cli, DegradeAndEvalDoWhatTheProtocolSays) {
  const fs::path data = folder_.path() / "data";
  fs::create_directory(data);
  const Picture hr = picture(60, 46);
  write_picture(data / "a.png", hr);
  const Picture expected = blurred_by_hand(hr);
  const Outcome o = cdsr("degrade " + data.string() + " -o " + file("lr"));
  ASSERT_EQ(o.status, 0) << o.output;
  const Picture lr = read_picture(file("lr") + "/2-sig1-3-sig2-1-theta-0/a.png");
  ASSERT_EQ(lr.rgb.size(), expected.rgb.size());
  for (size_t i = 0; i < lr.rgb.size(); ++i) ASSERT_NEAR(lr.rgb[i], expected.rgb[i], 1) << i;
  EXPECT_EQ(std::distance(fs::directory_iterator(file("lr")), fs::directory_iterator()),
            10);  // nine and the manifest

  const auto score = [&](const std::string& arguments) {
    const Outcome eval =
        cdsr("eval --model bicubic --data " + data.string() + " --json " + file("s.json") + arguments);
    EXPECT_EQ(eval.status, 0) << eval.output;
    std::ifstream in(file("s.json"));
    return nlohmann::json::parse(in)["datasets"][0];
  };
  const double by_hand = bicubic_psnr_by_hand(lr, hr);
  EXPECT_NEAR(score("")["kernels"][1]["psnr"].get<double>(), by_hand, 1e-3);
  EXPECT_NEAR(score(" --lr " + file("lr") + "/2-sig1-3-sig2-1-theta-0")["psnr"].get<double>(), by_hand, 1e-3);
}

TEST_F(Cli, DegradeRepeatsAndTellsWhatItDid) {
  write_picture(file("b.png"), picture(64, 48));
  for (const char* kernels : {"random", "video"}) {
    for (const char* out : {"one", "two", "other"}) {
      const Outcome o = cdsr("degrade " + file("b.png") + " -o " + file(out) + " --kernels " + kernels +
                             " --seed " + (std::string(out) == "other" ? "7" : "3"));
      ASSERT_EQ(o.status, 0) << o.output;
    }
    EXPECT_EQ(read_picture(file("one") + "/b.png").rgb, read_picture(file("two") + "/b.png").rgb) << kernels;
    EXPECT_NE(read_picture(file("one") + "/b.png").rgb, read_picture(file("other") + "/b.png").rgb)
        << kernels;
    std::ifstream in(file("one") + "/manifest.jsonl");
    std::string line;
    std::getline(in, line);
    EXPECT_EQ(nlohmann::json::parse(line)["file"], "b.png");
  }
  expect_error("degrade " + file("none") + " -o " + file("x"), 1, "none: cannot list");
  expect_error("eval --model bicubic --data " + folder_.path().string() + " --lr " + file("one"), 1,
               "no picture named");
}

TEST_F(Cli, ErrorsAreSaidOnceWithTheirStatus) {
  const std::string w = weights().string(), in = file("in.png");
  expect_error("", 2, "subcommand");
  expect_error("upscale " + w, 2, "IN is required");
  expect_error("upscale " + w + " " + in + " x.png --scale 9", 2, "--scale");
  expect_error("info nothing", 1, "no model named 'nothing'");
  expect_error("info " + in, 1, "not a safetensors file");
  expect_error("upscale " + w + " " + file("none.png") + " x.png", 1, "none.png: cannot open");
  expect_error("upscale " + w + " " + in + " x.gif", 1, "must be .png");
  expect_error("upscale " + w + " " + in + " x.png --scale 3", 1, "upscales by 2, not by 3");
  expect_error("upscale " + w + " " + in + " x.png --backend warp", 1, "no backend is named 'warp'");
  expect_error("upscale " + w + " " + in + " x.png --precision fp8", 1, "fp8");
  expect_error("upscale " + w + " " + in + " x.png --query sometimes", 2, "sometimes");
  expect_error("eval --model bicubic --data " + file("none"), 1, "none: cannot list");
  fs::resize_file(weights(), fs::file_size(weights()) - 1);
  expect_error("info " + w, 1, "truncated");
}

TEST_F(Cli, AnUnknownCommandNamesTheNearest) {
  expect_error("upscal " + weights().string() + " a.png b.png", 2,
               "no command 'upscal'; did you mean 'upscale'?");
  expect_error("inof", 2, "no command 'inof'; did you mean 'info'?");
  expect_error("video.mp4 out.mp4", 2, "no command 'video.mp4'; `cdsr --help` lists them");
  expect_error("''", 2, "no command ''; ");
}

TEST_F(Cli, HelpAndVersion) {
  EXPECT_EQ(cdsr("--version").output.rfind("cdsr ", 0), 0U);
  const Outcome help = cdsr("--help");
  EXPECT_EQ(help.status, 0);
  for (const char* command : {"bench", "eval", "info", "train", "upscale"})
    EXPECT_NE(help.output.find(command), std::string::npos) << command;
}

TEST_F(Cli, ExportWritesGoldenValuesThatBackendsAreHeldTo) {
  const std::string out = file("golden-x2.safetensors"), picture = file("in.png");
  ASSERT_EQ(cdsr("export '" + weights().string() + "' '" + out + "'").status, 0);
  const Outcome info = cdsr("info '" + out + "'");
  EXPECT_NE(info.output.find("fp32: picture off by 0 (at most 0.0001)"), std::string::npos) << info.output;
  EXPECT_EQ(info.output.find("cdsr.golden"), std::string::npos) << info.output;
  EXPECT_NE(cdsr("info '" + weights().string() + "'").output.find("no golden values"), std::string::npos);
  const std::string upscale =
      "upscale '" + out + "' '" + picture + "' '" + file("out.png") + "' --backend reference";
  const Outcome said = cdsr(upscale + " -v");
  EXPECT_EQ(said.status, 0) << said.output;
  EXPECT_NE(said.output.find("off the weights file's golden values by 0 "), std::string::npos) << said.output;
  // The same file, added to itself, stays as it is; with the values of other weights it is refused.
  const auto bytes = fs::file_size(out);
  ASSERT_EQ(cdsr("export '" + out + "' '" + out + "'").status, 0);
  EXPECT_EQ(fs::file_size(out), bytes);
  const CdsrConfig config = tiny_config(Body::Plain, 2);
  const std::string golden = WeightsFile::open(out).metadata().at("cdsr.golden");
  write_weights(out, random_tensors(config, 2),
                {{"cdsr.format", "1"}, {"cdsr.config", to_json(config)}, {"cdsr.golden", golden}},
                DType::F16);
  expect_error(upscale, 1, "backend reference in fp32 computes something else than it must");
}

TEST_F(Cli, ExportLeavesOutWhatOnlyTrainingNeeds) {
  const std::string out = file("released.safetensors");
  const Outcome o = cdsr("export '" + weights().string() + "' '" + out + "' --set cdsr.scores=none");
  ASSERT_EQ(o.status, 0) << o.output;
  const WeightsFile released = WeightsFile::open(out), original = WeightsFile::open(weights());
  EXPECT_EQ(released.metadata().at("cdsr.scores"), "none");
  EXPECT_EQ(released.metadata().at("cdsr.recipe"), "a recipe");
  EXPECT_EQ(released.find("head.0.weight"), nullptr);
  for (const TensorView& t : released.tensors()) {
    EXPECT_EQ(t.dtype, DType::F16) << t.name;
    EXPECT_EQ(t.to_float(), original.find(t.name)->to_float()) << t.name;
  }
  EXPECT_NO_THROW(load_network(released));
  expect_error("export '" + weights().string() + "' '" + out + "' --set nothing", 1, "KEY=VALUE");
  expect_error("export '" + file("in.png") + "' '" + out + "'", 1, "in.png");
}

}  // namespace
}  // namespace cdsr::tools
