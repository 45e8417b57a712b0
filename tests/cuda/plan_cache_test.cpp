// The file that keeps the choice of convolutions: keys, what is taken and what is not, several at once.
#include "model/cuda/plan_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "model/cuda/plan_key.h"
#include "model/error.h"
#include "tests/model/tiny.h"

namespace cdsr::cuda {
namespace {

namespace fs = std::filesystem;

PlanKey key() {
  return {"NVIDIA H200", 90,  132, "13000 580.65.06", 91900, "0.1.0, 1", 0xfedcba9876543210ULL,
          "fp16",        960, 540};
}

std::vector<PlanChoice> choices() {
  return {{"fp16 960x540 64/64->64/64", -1, -1, "", 101.5, 120.25},
          {"fp16 960x540 64/192->32/192", 3, 7, "{\"a\": \"\xc3\xa4\\n\"}", 88, 60.125}};
}

class PlanFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("plans-" + std::to_string(getpid()) + "-" +
                                              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  PlanCache cache() {
    return {folder_, [this](const std::string& line) { lines_.push_back(line); }};
  }
  fs::path file() const { return folder_ / key().file_name(); }
  static std::string text_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }
  static void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  fs::path folder_;
  std::vector<std::string> lines_;
};

TEST(PlanText, ComesBack) {
  EXPECT_EQ(choices_from_text(to_text(key(), choices()), key()), choices());
  EXPECT_TRUE(choices_from_text(to_text(key(), {}), key()).empty());
}

TEST(PlanText, EveryPartOfTheKeyCounts) {
  std::vector<PlanKey> keys(11, key());
  keys[1].gpu = "NVIDIA H100";
  keys[2].capability = 80;
  keys[3].multiprocessors = 131;
  keys[4].driver = "13000 580.65.07";
  keys[5].cudnn = 91901;
  keys[6].build = "0.1.0, 2";
  keys[7].network ^= 1;
  keys[8].precision = "bf16";
  keys[9].width = 961;
  keys[10].height = 541;
  std::set<std::string> names;
  for (const PlanKey& k : keys) {
    EXPECT_TRUE(names.insert(k.file_name()).second);
    if (k == key()) continue;
    EXPECT_THROW(choices_from_text(to_text(k, choices()), key()), Error);
  }
}

// Cut anywhere, or with any byte changed: the check sum and the strict reading leave nothing through but what
// means the same.
TEST(PlanText, DamageIsNoticed) {
  const std::string good = to_text(key(), choices());
  for (size_t length = 0; length + 2 < good.size(); ++length)
    EXPECT_THROW(choices_from_text(good.substr(0, length), key()), Error) << length;
  for (size_t at = 0; at < good.size(); ++at)
    for (const char c : {'\0', '0', '9', '"', '}', 'x', '\x80'}) {
      std::string bad = good;
      if (bad[at] == c) continue;
      bad[at] = c;
      try {
        EXPECT_EQ(choices_from_text(bad, key()), choices()) << at;
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), Errc::Io);
      }
    }
}

// Well formed, summed up correctly, and still not right.
TEST(PlanText, StrictReading) {
  const auto expect = [](const char* what, auto&& change) {
    auto all = choices();
    auto file = nlohmann::json::parse(to_text(key(), all));
    change(file);
    // The check sum of the changed choices.
    if (file.is_object() && file["choices"].is_array() && file.contains("check")) {
      const auto& c = file["choices"];
      uint64_t hash = 0xcbf29ce484222325ULL;
      for (const char byte : c.dump(-1, ' ', true))
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
      file["check"] = fmt::format("{:016x}", hash);
    }
    try {
      choices_from_text(file.dump(), key());
      ADD_FAILURE() << what;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
  };
  using nlohmann::json;
  expect("its version is not 1", [](json& f) { f["version"] = 2; });
  expect("its version is not 1", [](json& f) { f.erase("version"); });
  expect("its format is not", [](json& f) { f["format"] = "other"; });
  expect("its format is not", [](json& f) { f = json::array(); });
  expect("unknown member 'more'", [](json& f) { f["more"] = 1; });
  expect("unknown member 'more'", [](json& f) { f["choices"][0]["more"] = 1; });
  expect("no member 'engine'", [](json& f) { f["choices"][0].erase("engine"); });
  expect("no member 'check'", [](json& f) { f.erase("check"); });
  expect("choices is no list", [](json& f) { f["choices"] = 3; });
  expect("a choice is no object", [](json& f) { f["choices"][1] = 3; });
  expect("shape is no text", [](json& f) { f["choices"][0]["shape"] = 3; });
  expect("candidate is no integer", [](json& f) { f["choices"][0]["candidate"] = 1.5; });
  expect("candidate is no integer", [](json& f) { f["choices"][0]["candidate"] = UINT64_MAX; });
  expect("candidate is -2", [](json& f) { f["choices"][0]["candidate"] = -2; });
  expect("own_us is no number", [](json& f) { f["choices"][0]["own_us"] = "1"; });
  expect("own_us is -1", [](json& f) { f["choices"][0]["own_us"] = -1; });
  expect("own kernel names a cuDNN engine", [](json& f) { f["choices"][0]["engine"] = 7; });
  expect("twice", [](json& f) { f["choices"][1]["shape"] = f["choices"][0]["shape"]; });
  expect("of another GPU", [](json& f) { f["key"]["width"] = 961; });
  expect("of another GPU", [](json& f) { f["key"]["more"] = 1; });
  EXPECT_THROW(choices_from_text("", key()), Error);
  EXPECT_THROW(choices_from_text(std::string(100000, '['), key()), Error);
}

TEST_F(PlanFile, IsKept) {
  EXPECT_TRUE(cache().load(key()).empty());
  EXPECT_TRUE(lines_.empty());  // none yet: nothing to tell
  cache().store(key(), choices());
  EXPECT_EQ(cache().load(key()), choices());
  PlanKey other = key();
  other.height = 720;
  EXPECT_TRUE(cache().load(other).empty());
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);  // no temporary file is left
}

TEST_F(PlanFile, WithoutAFolderNothingHappens) {
  PlanCache none({}, [this](const std::string& line) { lines_.push_back(line); });
  none.store(key(), choices());
  EXPECT_TRUE(none.load(key()).empty());
  EXPECT_TRUE(lines_.empty());
}

TEST_F(PlanFile, WhatDoesNotCountIsToldAndMadeAgain) {
  cache().store(key(), choices());
  const std::string good = text_of(file());
  std::string version = good;
  version.replace(version.find("\"version\": 1"), 12, "\"version\": 2");
  for (const std::string& text :
       {good.substr(0, good.size() / 2), std::string("?"), std::string(), version}) {
    lines_.clear();
    write(file(), text);
    EXPECT_TRUE(cache().load(key()).empty());
    ASSERT_EQ(lines_.size(), 1U);
    EXPECT_NE(lines_[0].find("is not used and will be made again"), std::string::npos) << lines_[0];
    EXPECT_NE(lines_[0].find(file().string()), std::string::npos) << lines_[0];
    cache().store(key(), choices());
    EXPECT_EQ(cache().load(key()), choices());
  }
}

TEST_F(PlanFile, OthersFilesDoNotCount) {
  cache().store(key(), choices());
  fs::permissions(file(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_TRUE(cache().load(key()).empty());
  fs::permissions(file(), fs::perms::others_write, fs::perm_options::remove);
  EXPECT_EQ(cache().load(key()), choices());
  fs::rename(file(), folder_ / "elsewhere");
  fs::create_symlink(folder_ / "elsewhere", file());
  EXPECT_TRUE(cache().load(key()).empty());
  fs::remove(file());
  fs::create_directory(file());
  EXPECT_TRUE(cache().load(key()).empty());
  EXPECT_EQ(lines_.size(), 3U);
}

TEST_F(PlanFile, WhatCannotBeWrittenIsTold) {
  write(folder_, "a file where the folder should be");
  cache().store(key(), choices());
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_NE(lines_[0].find("cannot be kept"), std::string::npos) << lines_[0];
}

// Starts at the same time: who reads finds one whole file or the other.
TEST_F(PlanFile, WritersAndReadersAtOnce) {
  auto other = choices();
  other[1].candidate = 4;
  cache().store(key(), choices());
  std::atomic<int> bad = 0, loads = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::vector<std::string> lines;
      const PlanCache mine(folder_, [&](const std::string& line) { lines.push_back(line); });
      for (int i = 0; i < 20; ++i) {
        if (t < 2) mine.store(key(), t == 0 ? choices() : other);
        const auto found = mine.load(key());
        ++loads;
        if ((found != choices() && found != other) || !lines.empty()) ++bad;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(loads, 80);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST(PlanFolder, FollowsTheEnvironment) {
  std::map<std::string, std::string> environment;
  const auto get = [&](const char* name) {
    const auto at = environment.find(name);
    return at != environment.end() ? at->second.c_str() : nullptr;
  };
  EXPECT_EQ(plan_folder(get), fs::path());
  environment["HOME"] = "/home/a";
  EXPECT_EQ(plan_folder(get), "/home/a/.cache/cdsr");
  environment["XDG_CACHE_HOME"] = "relative";
  EXPECT_EQ(plan_folder(get), "/home/a/.cache/cdsr");
  environment["XDG_CACHE_HOME"] = "/var/cache/a";
  EXPECT_EQ(plan_folder(get), "/var/cache/a/cdsr");
  environment["CDSR_PLAN_CACHE"] = "/plans";
  EXPECT_EQ(plan_folder(get), "/plans");
  environment["CDSR_PLAN_CACHE"] = "off";
  EXPECT_EQ(plan_folder(get), fs::path());
}

TEST(PlanKeys, Network) {
  const auto config = tiny_config(Body::Rrdb, 2);
  const auto a = random_network(config, 1);
  EXPECT_EQ(network_hash(*a), network_hash(*random_network(config, 1)));
  EXPECT_NE(network_hash(*a), network_hash(*random_network(config, 2)));
  for (int which = 0; which < 4; ++which) {
    Network b = *a;
    Conv* const convs[] = {&b.head, &b.blocks[1].rdb[2].conv[4], &b.trunk, &b.tail};
    convs[which]->weight.back() += 1e-3F;
    EXPECT_NE(network_hash(*a), network_hash(b));
  }
}

TEST(PlanKeys, Driver) {
  EXPECT_EQ(driver_text(13000, ""), "13000");
  EXPECT_EQ(driver_text(13000,
                        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27\n"
                        "GCC version:  gcc version 12.2.0\n"),
            "13000 580.65.06");
  EXPECT_EQ(driver_text(13010, "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  590.10  Release\n"),
            "13010 590.10");
}

}  // namespace
}  // namespace cdsr::cuda
