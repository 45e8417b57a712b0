// `cdsr train` as its user sees it: recipes, its log, and that nothing kills a run for good.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "model/config.h"
#include "model/weights.h"
#include "tests/model/temp_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/wave_photos.h"
#include "tools/media/image_io.h"

namespace cdsr::train {
namespace {

namespace fs = std::filesystem;

class TrainCli : public ::testing::Test {
 protected:
  void SetUp() override {
    write_wave_photos(path("photos"));
    CdsrConfig config = config_by_name("cdsr-rt-dqa", 2);
    config.nf = 8, config.blocks = 1, config.lpe_nf = 4, config.codebook = 8;
    std::ofstream(path("recipe.toml"))
        << "# tiny\nconfig = '" << to_json(config) << "'\ndata = [\"" << path("photos").string()
        << "\"]\nbatch = 2\npatch = 16\nqueue = 8\nthreads = 1\ncheckpoint-every = 1\n"
           "progress = 0\n\n[video]\nh264_crf = [20, 30]\n";
  }
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  /// Starts `cdsr train` with the recipe; its output goes to <out>.txt.
  pid_t start(const std::string& out, std::vector<std::string> more, rlim_t file_limit = RLIM_INFINITY) {
    std::vector<std::string> words = {"train", "--recipe", path("recipe.toml").string(), "--out",
                                      path(out).string()};
    words.insert(words.end(), more.begin(), more.end());
    return tools::start_cdsr(words, path(out + ".txt"), {}, file_limit);
  }
  /// Its exit status, -signal when it was killed.
  static int wait(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
  int train(const std::string& out, std::vector<std::string> more) {
    return wait(start(out, std::move(more)));
  }
  std::string output(const std::string& out) const { return read(path(out + ".txt")); }
  std::vector<nlohmann::json> log(const std::string& out) const {
    std::istringstream in(read(path(out) / "log.jsonl"));
    std::vector<nlohmann::json> entries;
    for (std::string line; std::getline(in, line);) entries.push_back(nlohmann::json::parse(line));
    return entries;
  }

  TempFolder folder_;
};

void expect_same_weights(const fs::path& a, const fs::path& b) {
  const WeightsFile x = WeightsFile::open(a), y = WeightsFile::open(b);
  ASSERT_EQ(x.tensors().size(), y.tensors().size());
  for (const TensorView& t : x.tensors()) EXPECT_EQ(t.to_float(), y.find(t.name)->to_float()) << t.name;
}

TEST_F(TrainCli, KilledAtAnyMomentItGoesOnToTheSameWeights) {
  const std::vector<std::string> steps = {"--iterations", "40", "--ema", "0.9", "--accumulate", "2"};
  ASSERT_EQ(train("whole", steps), 0) << output("whole");
  int kills = 0;
  for (int attempt = 0; attempt < 40; ++attempt) {
    const pid_t pid = start("parts", steps);
    // From its first checkpoint on it writes one each step, most of the time.
    const auto before =
        fs::exists(path("parts") / "log.jsonl") ? fs::file_size(path("parts") / "log.jsonl") : 0;
    for (int i = 0; i < 400 && waitpid(pid, nullptr, WNOHANG) == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::error_code error;
      const auto size = fs::file_size(path("parts") / "log.jsonl", error);
      if (!error && kills < 4 && size > before + 2500U + uintmax_t{300} * kills && kill(pid, SIGKILL) == 0)
        ++kills;
    }
    if (kill(pid, 0) == 0) wait(pid);
    if (output("parts").find("trained ") != std::string::npos) break;
  }
  EXPECT_GE(kills, 2);
  ASSERT_NE(output("parts").find("trained "), std::string::npos) << output("parts");
  expect_same_weights(path("whole") / "last.safetensors", path("parts") / "last.safetensors");
  for (const auto& entry : fs::directory_iterator(path("parts")))
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
  // Each step is in the log once.
  std::vector<int64_t> logged;
  for (const auto& entry : log("parts"))
    if (entry["event"] == "train") logged.push_back(entry["step"]);
  std::vector<int64_t> expected(40);
  for (int i = 0; i < 40; ++i) expected[i] = i + 1;
  EXPECT_EQ(logged, expected);
}

TEST_F(TrainCli, AFullDiskIsSaidAndLosesNothing) {
  ASSERT_EQ(train("out", {"--iterations", "2"}), 0) << output("out");
  const std::string checkpoint = read(path("out") / "last.ckpt");
  EXPECT_EQ(wait(start("out", {"--iterations", "4"}, checkpoint.size() / 2)), 1) << output("out");
  EXPECT_NE(output("out").find("cannot write: File too large"), std::string::npos) << output("out");
  EXPECT_EQ(read(path("out") / "last.ckpt"), checkpoint);
  ASSERT_EQ(train("out", {"--iterations", "4"}), 0) << output("out");
  EXPECT_NE(output("out").find("at step 2"), std::string::npos) << output("out");
  EXPECT_EQ(log("out").back()["event"], "end");
}

TEST_F(TrainCli, TheCommandLineOverridesTheRecipe) {
  ASSERT_EQ(train("out", {"--iterations", "2", "--batch", "4", "--degradation", "video", "--schedule",
                          "steps", "--clip", "0.5", "--validation", path("photos").string()}),
            0)
      << output("out");
  EXPECT_NE(output("out").find("h264 crf 20 to 30"), std::string::npos) << output("out");
  const auto entries = log("out");
  ASSERT_FALSE(entries.empty());
  EXPECT_EQ(entries[0]["event"], "start");
  EXPECT_EQ(entries[0]["batch"], 4);
  EXPECT_EQ(entries[0]["patch"], 16);
  int trained = 0, validated = 0;
  for (const auto& e : entries) {
    if (e["event"] == "train") {
      ++trained;
      for (const char* key :
           {"l1", "contrast", "accuracy", "rate", "images_s", "data", "degrade", "network", "waited"})
        EXPECT_TRUE(e[key].is_number()) << key;
    }
    if (e["event"] == "validation") ++validated;
  }
  EXPECT_EQ(trained, 2);
  EXPECT_EQ(validated, 1);
  EXPECT_TRUE(fs::exists(path("out") / "crops" / "0-sr.png"));
}

TEST_F(TrainCli, TakesWhatItCanReadAndNamesTheRest) {
  const auto write = [&](const char* name, const std::string& bytes) {
    std::ofstream(path("photos") / name, std::ios::binary) << bytes;
  };
  std::string noise;
  for (int i = 0; i < 64 * 64 * 6; ++i) noise += static_cast<char>((i * 2654435761U) >> 11);
  write("grey.pgm", "P5\n64 64\n255\n" + noise.substr(0, size_t{64} * 64));
  write("deep.ppm", "P6\n64 64\n65535\n" + noise);
  write("tiny.ppm", "P6\n8 8\n255\n" + noise.substr(0, size_t{8} * 8 * 3));
  write("text.jpg", "not a picture");
  write("empty.png", "");
  const std::string whole = read(path("photos") / "0.png");
  write("cut.png", whole.substr(0, whole.size() / 2));
  std::string clip = "YUV4MPEG2 W64 H64 F25:1 Ip A1:1 C420mpeg2\n";
  for (int i = 0; i < 5; ++i) clip += "FRAME\n" + noise.substr(static_cast<size_t>(i) * 100, size_t{64} * 96);
  write("clip.y4m", clip);
  write("text.mp4", "not a video");
  ASSERT_EQ(train("out", {"--iterations", "1", "--video-frames", "3"}), 0) << output("out");
  const std::string said = output("out");
  EXPECT_NE(said.find("8 pictures"), std::string::npos) << said;  // three, grey, deep and three frames
  for (const char* name : {"tiny.ppm", "text.jpg", "empty.png", "cut.png", "text.mp4"}) {
    const size_t at = said.find(name);
    ASSERT_NE(at, std::string::npos) << name << '\n' << said;
    EXPECT_NE(said.rfind("passed over: ", at), std::string::npos) << said;
  }
  EXPECT_EQ(said.find("grey.pgm"), std::string::npos) << said;
}

TEST_F(TrainCli, ALossThatDivergesStopsBeforeTheCheckpoint) {
  ASSERT_EQ(train("out", {"--iterations", "20"}), 0) << output("out");
  const std::string checkpoint = read(path("out") / "last.ckpt");
  EXPECT_EQ(train("out", {"--iterations", "400", "--rate", "1e12", "--checkpoint-every", "50"}), 1)
      << output("out");
  const std::string said = output("out");
  EXPECT_TRUE(said.find("diverges") != std::string::npos || said.find("the loss is ") != std::string::npos ||
              said.find("the gradient's norm is ") != std::string::npos)
      << said;
  EXPECT_NE(said.find("--rate"), std::string::npos) << said;
  EXPECT_EQ(read(path("out") / "last.ckpt"), checkpoint);
}

TEST_F(TrainCli, TheGuideGoesWithVariantsThatKeepTheEncoder) {
  for (const char* variant : {"no-dqa", "adain", "dasr-sr"}) {
    EXPECT_EQ(
        train(variant, {"--variant", variant, "--guide", "1", "--guide-crops", "128", "--iterations", "2"}),
        0)
        << output(variant);
    EXPECT_NE(output(variant).find("guided start"), std::string::npos) << output(variant);
  }
  for (const char* variant : {"dasr-encoder", "no-patch", "no-csc"}) {
    EXPECT_EQ(train(variant, {"--variant", variant, "--guide", "1", "--iterations", "2"}), 1);
    EXPECT_NE(output(variant).find("not for that of variant"), std::string::npos) << output(variant);
  }
}

TEST_F(TrainCli, MistakesAreNamed) {
  const auto refused = [&](const std::string& recipe, const std::vector<std::string>& more,
                           const std::string& part) {
    if (!recipe.empty()) std::ofstream(path("recipe.toml"), std::ios::app) << recipe << '\n';
    EXPECT_EQ(train("out", more), 1) << output("out");
    EXPECT_NE(output("out").find(part), std::string::npos) << output("out") << "\n  lacks: " << part;
  };
  fs::create_directory(path("empty"));
  refused("", {"--data", path("empty").string()}, "no usable photograph or video");
  refused("", {"--data", path("nowhere").string()}, "nowhere: no such folder");
  refused("", {"--device", "cuda:99"}, "--device cuda:99");
  refused("", {"--device", "warp"}, "--device warp: must be cpu");
  refused("h264_crf = 3", {}, "recipe.toml:");
  fs::copy_file(path("recipe.toml"), path("broken.toml"));
  std::ofstream(path("recipe.toml")) << "batch = 0\n";
  refused("", {}, "recipe.toml:1: batch");
  std::ofstream(path("recipe.toml")) << "\nbach = 8\n";
  refused("", {}, "recipe.toml:2: unknown key 'bach'");
  std::ofstream(path("recipe.toml")) << "[video]\nh264_crf = [30, 20]\n";
  refused("", {}, "30 is above 20");
}

}  // namespace
}  // namespace cdsr::train
