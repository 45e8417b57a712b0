// Training in several processes: the same result as in one, and no one is left waiting.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tests/tools/program.h"
#include "tests/tools/wave_photos.h"
#include "tools/media/rng.h"
#include "tools/train/checkpoint.h"
#include "tools/train/distributed/rendezvous.h"

namespace cdsr::train {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using Options = std::map<std::string, std::string>;
using Variables = std::map<std::string, std::string>;

/// A TCP port of this machine that nobody listens on.
int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    std::abort();
  close(fd);
  return ntohs(address.sin_port);
}

class Processes : public ::testing::Test {
 protected:
  void SetUp() override {
    write_wave_photos(path("photos"));
    options_.config = config_by_name("cdsr-rt-dqa", 2);
    options_.config.nf = 8, options_.config.blocks = 1, options_.config.lpe_nf = 4;
    options_.config.codebook = 8;
    options_.moco.queue = 8;
  }
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  /// Starts `cdsr train` with more variables; its output goes to <out>.txt.
  pid_t start(const std::string& out, const Options& more, const Variables& variables,
              rlim_t file_limit = RLIM_INFINITY) {
    Options options = {{"--config", to_json(options_.config)},
                       {"--data", path("photos").string()},
                       {"--out", path(out).string()},
                       {"--batch", "4"},
                       {"--patch", "16"},
                       {"--queue", "8"},
                       {"--threads", "1"},
                       {"--checkpoint-every", "1"},
                       {"--progress", "0"},
                       {"--noise", "10"},
                       {"--rate", "1e-3"},
                       {"--decay", "0"}};
    for (const auto& [name, value] : more) options[name] = value;
    Words words = {"train"};
    for (const auto& [name, value] : options) words.insert(words.end(), {name, value});
    return tools::start_cdsr(words, path(out + ".txt"), variables, file_limit);
  }
  /// Rank `rank` of two, as torchrun would start it.
  static Variables torchrun(int rank, int port) {
    return {{"RANK", std::to_string(rank)},
            {"LOCAL_RANK", std::to_string(rank)},
            {"WORLD_SIZE", "2"},
            {"MASTER_ADDR", "127.0.0.1"},
            {"MASTER_PORT", std::to_string(port)}};
  }
  /// Its exit status, -signal when it was killed. Two minutes, then it hangs and is killed.
  static int wait(pid_t pid) {
    int status = 0;
    for (int i = 0; i < 1200; ++i) {
      if (waitpid(pid, &status, WNOHANG) == pid)
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ADD_FAILURE() << "process " << pid << " hangs";
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -SIGKILL;
  }
  /// Trains in one process to <out>, then in two: rank 0 to <out>0, rank 1, which must write nothing, to
  /// <out>1.
  void train_alone(const std::string& out, const Options& more) {
    ASSERT_EQ(wait(start(out, more, {})), 0) << output(out);
  }
  void train_in_two(const std::string& out, const Options& more) {
    const int port = free_port();
    const pid_t first = start(out + "0", more, torchrun(0, port)),
                second = start(out + "1", more, torchrun(1, port));
    EXPECT_EQ(wait(first), 0) << output(out + "0");
    EXPECT_EQ(wait(second), 0) << output(out + "1");
    EXPECT_FALSE(fs::exists(path(out + "1")));
    EXPECT_EQ(output(out + "1"), "");
  }
  std::string output(const std::string& out) const { return read(path(out + ".txt")); }
  std::vector<nlohmann::json> log(const std::string& out, const std::string& event) const {
    std::istringstream in(read(path(out) / "log.jsonl"));
    std::vector<nlohmann::json> entries;
    for (std::string line; std::getline(in, line);)
      if (auto entry = nlohmann::json::parse(line); entry["event"] == event) entries.push_back(entry);
    return entries;
  }
  TrainState state(const std::string& out) const {
    TrainState s(options_);
    EXPECT_TRUE(load_checkpoint(path(out) / "last.ckpt", s, options_)) << output(out);
    return s;
  }
  /// Losses of every step, the queue, the statistics and the weights of one process and of two.
  void expect_alike(const std::string& one, const std::string& two);

  TempFolder folder_;
  TrainOptions options_;
};

double distance(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

// fp32 sums in another order: a part in 10^7 each, which four steps leave at about 10^-6. Not compared: the
// biases before a batch-norm and the codebook keys' bias. They change no output, so that their gradient is
// nothing but rounding, which Adam makes steps of; and the running means, which move with those biases.
void Processes::expect_alike(const std::string& one, const std::string& two) {
  const auto a = log(one, "train"), b = log(two + "0", "train");
  ASSERT_EQ(a.size(), 4U);
  ASSERT_EQ(b.size(), 4U);
  for (size_t i = 0; i < 4; ++i)
    for (const char* key : {"l1", "contrast", "accuracy", "guide", "gradient"}) {
      const auto x = a[i][key].get<double>(), y = b[i][key].get<double>();
      EXPECT_NEAR(x, y, 1e-5 * std::max(std::abs(x), 1.0)) << key << " of step " << i + 1;
    }
  TrainState s = state(one), t = state(two + "0");
  EXPECT_EQ(t.step, 4);
  EXPECT_LT(distance(s.moco->queue, t.moco->queue), 1e-5);
  const auto idle = [](const std::string& name) {
    return (name.rfind("lpe.", 0) == 0 && name.find(".conv.bias") != std::string::npos) ||
           name == "csc.key.bias" || name.find("running_mean") != std::string::npos;
  };
  const auto compare = [&](const auto& x, const auto& y) {
    for (const auto& p : x) {
      if (idle(p.key())) continue;
      EXPECT_LT(distance(p.value(), y[p.key()]), 2e-5) << p.key();
    }
  };
  compare(s.model->named_parameters(), t.model->named_parameters());
  compare(s.model->named_buffers(), t.model->named_buffers());
}

TEST_F(Processes, TwoGiveWhatOneGives) {
  const Options steps = {{"--iterations", "4"}, {"--accumulate", "2"}, {"--ema", "0.9"}};
  train_alone("one", steps);
  train_in_two("two", steps);
  expect_alike("one", "two");
}

// From a common first step on: the guided start is rank 0's alone.
TEST_F(Processes, TwoGiveWhatOneGivesWithTheGuide) {
  Options steps = {{"--iterations", "1"}, {"--guide", "1"}, {"--guide-crops", "256"}};
  options_.guide.weight = 1;
  train_alone("one", steps);
  fs::copy(path("one"), path("two0"));
  steps["--iterations"] = "4";
  train_alone("one", steps);
  train_in_two("two", steps);
  expect_alike("one", "two");
}

// Rank 1 has no folder of checkpoints: what it goes on from is rank 0's.
TEST_F(Processes, AllResumeFromOneCheckpoint) {
  train_in_two("whole", {{"--iterations", "4"}, {"--ema", "0.9"}});
  train_in_two("parts", {{"--iterations", "2"}, {"--ema", "0.9"}});
  train_in_two("parts", {{"--iterations", "4"}, {"--ema", "0.9"}});
  EXPECT_NE(output("parts0").find("at step 2"), std::string::npos) << output("parts0");
  const std::string a = read(path("whole0") / "last.safetensors"),
                    b = read(path("parts0") / "last.safetensors");
  EXPECT_FALSE(a.empty());
  EXPECT_TRUE(a == b);
}

TEST_F(Processes, AFullDiskStopsAll) {
  train_in_two("out", {{"--iterations", "1"}});
  const std::string checkpoint = read(path("out0") / "last.ckpt");
  const int port = free_port();
  const Options more = {{"--iterations", "50"}};
  const pid_t first = start("out0", more, torchrun(0, port), checkpoint.size() / 2),
              second = start("out1", more, torchrun(1, port));
  EXPECT_EQ(wait(first), 1) << output("out0");
  EXPECT_EQ(wait(second), 1) << output("out1");
  EXPECT_NE(output("out0").find("cannot write: File too large"), std::string::npos) << output("out0");
  for (const char* part : {"rank 1 of 2 stops: rank 0: ", "cannot write: File too large"})
    EXPECT_NE(output("out1").find(part), std::string::npos) << output("out1");
  EXPECT_EQ(read(path("out0") / "last.ckpt"), checkpoint);
}

TEST_F(Processes, ALossThatIsNotFiniteStopsAll) {
  const int port = free_port();
  const Options more = {{"--iterations", "50"}, {"--rate", "1e18"}, {"--diverge", "0"}};
  const pid_t first = start("out0", more, torchrun(0, port)), second = start("out1", more, torchrun(1, port));
  EXPECT_EQ(wait(first), 1) << output("out0");
  EXPECT_EQ(wait(second), 1) << output("out1");
  for (const char* out : {"out0", "out1"})
    EXPECT_NE(output(out).find("resume with a lower"), std::string::npos) << output(out);
}

TEST_F(Processes, OneThatIsKilledStopsAll) {
  for (const int victim : {0, 1}) {
    const int port = free_port();
    const Options more = {{"--iterations", "1000000"}};
    const pid_t processes[] = {start("out0", more, torchrun(0, port)),
                               start("out1", more, torchrun(1, port))};
    for (int i = 0; i < 300 && output("out0").find("step 2/") == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ASSERT_EQ(kill(processes[victim], SIGKILL), 0);
    EXPECT_EQ(wait(processes[victim]), -SIGKILL);
    EXPECT_EQ(wait(processes[1 - victim]), 1);
    EXPECT_NE(output(victim == 0 ? "out1" : "out0").find("another process ended without a word"),
              std::string::npos)
        << output(victim == 0 ? "out1" : "out0");
  }
}

TEST_F(Processes, OneThatHangsIsNotWaitedForForEver) {
  const int port = free_port();
  const Options more = {{"--iterations", "1000000"}, {"--peer-timeout", "5"}};
  const pid_t first = start("out0", more, torchrun(0, port)), second = start("out1", more, torchrun(1, port));
  for (int i = 0; i < 300 && output("out0").find("step 2/") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_EQ(kill(second, SIGSTOP), 0);
  EXPECT_EQ(wait(first), 1);
  EXPECT_NE(output("out0").find("did not answer within 5 s"), std::string::npos) << output("out0");
  kill(second, SIGKILL);
  wait(second);
}

TEST_F(Processes, OneThatNeverComesIsNotWaitedForForEver) {
  EXPECT_EQ(wait(start("out0", {{"--peer-timeout", "2"}}, torchrun(0, free_port()))), 1);
  EXPECT_NE(output("out0").find("rank 0 of 2: no meeting at 127.0.0.1:"), std::string::npos)
      << output("out0");
}

TEST_F(Processes, OtherOptionsOrPicturesAreNoticed) {
  const int port = free_port();
  const pid_t first = start("out0", {{"--iterations", "3"}}, torchrun(0, port)),
              second = start("out1", {{"--iterations", "4"}}, torchrun(1, port));
  EXPECT_EQ(wait(first), 1) << output("out0");
  EXPECT_EQ(wait(second), 1) << output("out1");
  EXPECT_NE(output("out1").find("rank 1 was started otherwise than rank 0"), std::string::npos)
      << output("out1");
}

TEST_F(Processes, ABatchIsSharedEvenly) {
  const int port = free_port();
  const Options more = {{"--iterations", "1"}, {"--batch", "5"}, {"--queue", "10"}};
  const pid_t first = start("out0", more, torchrun(0, port)), second = start("out1", more, torchrun(1, port));
  EXPECT_EQ(wait(first), 1) << output("out0");
  EXPECT_EQ(wait(second), 1) << output("out1");
  EXPECT_NE(output("out0").find("--batch 5 cannot be shared by 2 processes"), std::string::npos)
      << output("out0");
}

Rendezvous rendezvous(const Variables& variables) {
  return rendezvous_from([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

TEST(TrainRendezvous, AreReadOffTorchrunOrSlurm) {
  EXPECT_EQ(rendezvous({}).size, 1);
  EXPECT_EQ(rendezvous({{"WORLD_SIZE", "1"}, {"RANK", "0"}}).size, 1);
  const Rendezvous t = rendezvous({{"RANK", "5"},
                                   {"WORLD_SIZE", "8"},
                                   {"LOCAL_RANK", "1"},
                                   {"MASTER_ADDR", "head"},
                                   {"MASTER_PORT", "29500"},
                                   {"SLURM_NTASKS", "2"},
                                   {"SLURM_PROCID", "0"}});
  EXPECT_EQ(t.rank, 5);
  EXPECT_EQ(t.size, 8);
  EXPECT_EQ(t.local, 1);
  EXPECT_EQ(t.address, "head");
  EXPECT_EQ(t.port, 29500);
  const Rendezvous s = rendezvous({{"SLURM_PROCID", "3"},
                                   {"SLURM_NTASKS", "4"},
                                   {"SLURM_LOCALID", "1"},
                                   {"MASTER_ADDR", "node1"},
                                   {"MASTER_PORT", "1234"}});
  EXPECT_EQ(s.rank, 3);
  EXPECT_EQ(s.size, 4);
  EXPECT_EQ(s.local, 1);
}

TEST(TrainRendezvous, WhatIsWrongIsNamed) {
  const Variables good = {{"RANK", "1"},
                          {"WORLD_SIZE", "2"},
                          {"LOCAL_RANK", "0"},
                          {"MASTER_ADDR", "head"},
                          {"MASTER_PORT", "29500"}};
  const auto error = [](const Variables& variables) -> std::string {
    try {
      rendezvous(variables);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(error(good), "no error");
  for (const char* name : {"RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}) {
    Variables less = good;
    less.erase(name);
    EXPECT_NE(error(less).find(std::string(name) + " is not"), std::string::npos) << error(less);
  }
  for (const auto& [name, value] : Variables{{"RANK", "2"}, {"WORLD_SIZE", "two"}, {"MASTER_PORT", "0"}}) {
    Variables wrong = good;
    wrong[name] = value;
    EXPECT_NE(error(wrong).find(fmt::format("{} is '{}'", name, value)), std::string::npos) << error(wrong);
  }
}

// Parts of a batch, made apart, are the batch. Of shots: shot_sample_test.cpp.
TEST(Parts, TogetherAreTheBatch) {
  std::vector<tools::Picture> photos;
  Rng rng(3, 3);
  for (int side : {60, 90}) {
    tools::Picture p{side, side + 7, {}};
    for (int i = 0; i < 3 * p.width * p.height; ++i) p.rgb.push_back(static_cast<uint8_t>(rng.index(256)));
    photos.push_back(p);
  }
  BatchOptions o;
  o.batch = 6;
  o.patch = 16;
  o.noise = 10;
  for (const Degradation degradation : {Degradation::Aligned, Degradation::Paper}) {
    o.degradation = degradation;
    o.part = 0, o.parts = 1;
    const Batch whole = make_batch(photos, o, 7);
    o.parts = 3;
    std::vector<torch::Tensor> lr[2], hr[2], target;
    for (o.part = 0; o.part < 3; ++o.part) {
      const Batch b = make_batch(photos, o, 7);
      ASSERT_EQ(b.lr.size(0), 4);
      for (int64_t crop = 0; crop < 2; ++crop) {
        lr[crop].push_back(b.lr.narrow(0, 2 * crop, 2));
        hr[crop].push_back(b.hr.narrow(0, 2 * crop, 2));
      }
      target.push_back(b.degradation);
    }
    const auto joined = [](const std::vector<torch::Tensor>(&t)[2]) {
      return torch::cat({torch::cat(t[0]), torch::cat(t[1])});
    };
    EXPECT_TRUE(torch::equal(joined(hr), whole.hr)) << to_string(degradation);
    EXPECT_TRUE(torch::equal(torch::cat(target), whole.degradation));
    // The blur of another number of pictures may round otherwise, and 8 bits then once in a while too.
    EXPECT_LE((joined(lr) - whole.lr).abs().max().item<double>(), 1.01 / 255);
    EXPECT_LE((joined(lr) - whole.lr).abs().mean().item<double>(), 1e-6);
  }
}

}  // namespace
}  // namespace cdsr::train
