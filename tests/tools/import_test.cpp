// Importing the published code's state dictionaries: names, shapes, what is wrong is named.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "model/error.h"
#include "model/network.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"
#include "tools/commands/import_state.h"

namespace cdsr::tools {
namespace {

/// A dictionary as the published module would save a network of this shape.
std::vector<NamedTensor> published(const CdsrConfig& config, bool with_training) {
  std::vector<NamedTensor> out;
  for (NamedTensor t : random_tensors(config, 5)) {
    if (t.name.find(".gate.") != std::string::npos) t.shape.insert(t.shape.end(), {1, 1});
    t.name = published_name(t.name);
    out.push_back(t);
    if (!with_training || !t.name.starts_with("E.encoder_q.")) continue;
    t.name.replace(0, 11, "E.encoder_k");
    out.push_back(t);
  }
  if (with_training) {
    const int64_t d = config.embedding();
    out.push_back({"E.queue", {d, 8}, std::vector<float>(static_cast<size_t>(8 * d), 1.0F)});
  }
  return out;
}

/// Adds tensors of one whole number to a file, as PyTorch saves counters: no dimension, I64.
void add_counters(const std::filesystem::path& path, const std::vector<std::string>& names) {
  std::ifstream in(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  std::string header = file.substr(8, length), data = file.substr(8 + length);
  header.resize(header.rfind('}'));
  for (const std::string& name : names) {
    header += ",\"" + name + R"(":{"dtype":"I64","shape":[],"data_offsets":[)" + std::to_string(data.size()) +
              "," + std::to_string(data.size() + 8) + "]}";
    data += std::string("\x07\0\0\0\0\0\0\0", 8);
  }
  header += '}';
  length = header.size();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out << header << data;
}

class Import : public ::testing::Test {
 protected:
  ImportedState import(const std::vector<NamedTensor>& tensors, const std::vector<std::string>& counters) {
    const auto path = folder_.path() / "state.safetensors";
    write_weights(path, tensors, {}, DType::F32);
    if (!counters.empty()) add_counters(path, counters);
    return import_state(WeightsFile::open(path, WholeNumbers::Kept));
  }
  ImportedState import(const std::vector<NamedTensor>& tensors) { return import(tensors, {}); }
  std::string error(const std::vector<NamedTensor>& tensors, const std::vector<std::string>& counters = {}) {
    try {
      import(tensors, counters);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::BadWeights) << e.what();
      return e.what();
    }
    return "no error";
  }
  TempFolder folder_;
};

TEST_F(Import, NamesAreThePublishedModules) {
  // Read off the published module by hand, one of each kind.
  const std::pair<const char*, const char*> names[] = {
      {"lpe.pixel.0.conv.weight", "E.encoder_q.conv1.conv1.weight"},
      {"lpe.pixel.5.bn.running_var", "E.encoder_q.conv6.bn1.running_var"},
      {"lpe.patch.3.bn.bias", "E.encoder_q.pconv4.bn1.bias"},
      {"csc.mlp.1.bias", "E.encoder_q.mlp1.2.bias"},
      {"csc.codebook", "E.encoder_q.feature_bank.weight"},
      {"csc.query.weight", "E.encoder_q.fc_q.weight"},
      {"csc.key.bias", "E.encoder_q.fc_k.bias"},
      {"head.1.weight", "E.encoder_q.mlp.2.weight"},
      {"sr.compress.7.weight", "G.compress.7.weight"},
      {"sr.head.bias", "G.conv_first.bias"},
      {"sr.blocks.9.modulation.2.weight", "G.RRDB_trunk.9.SFT.fc.2.weight"},
      {"sr.blocks.0.dqa1.gamma", "G.RRDB_trunk.0.SFT.dab.da_conv1.sf_attn.gamma"},
      {"sr.blocks.0.dqa2.value.bias", "G.RRDB_trunk.0.SFT.dab.da_conv2.sf_attn.value_conv.bias"},
      {"sr.blocks.0.dqa2.kernel.1.weight", "G.RRDB_trunk.0.SFT.dab.da_conv2.kernel.2.weight"},
      {"sr.blocks.0.dqa1.gate.1.weight", "G.RRDB_trunk.0.SFT.dab.da_conv1.ca.conv_du.2.weight"},
      {"sr.blocks.0.dqa1.conv.weight", "G.RRDB_trunk.0.SFT.dab.da_conv1.conv.weight"},
      {"sr.blocks.3.conv2.weight", "G.RRDB_trunk.3.SFT.dab.conv2.weight"},
      {"sr.blocks.3.rdb2.conv5.bias", "G.RRDB_trunk.3.RDB2.conv5.bias"},
      {"sr.trunk.weight", "G.trunk_conv.weight"},
      {"sr.tail.weight", "G.upsampler.0.weight"}};
  for (const auto& [ours, theirs] : names) EXPECT_EQ(published_name(ours), theirs);
}

TEST_F(Import, EveryTensorArrivesUnderItsName) {
  for (const bool with_training : {false, true}) {
    CdsrConfig config = tiny_config(Body::Rrdb, 3);
    const ImportedState state = import(published(config, with_training));
    config.name = "imported";
    EXPECT_EQ(state.config, config);
    EXPECT_EQ(state.left_out > 0, with_training);
    const auto expected = random_tensors(config, 5);
    ASSERT_EQ(state.tensors.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(state.tensors[i].name, expected[i].name);
      EXPECT_EQ(state.tensors[i].shape, expected[i].shape);
      EXPECT_EQ(state.tensors[i].values, expected[i].values) << expected[i].name;
    }
  }
}

TEST_F(Import, WholeNumbersThatCountAreLeftOut) {
  const CdsrConfig config = tiny_config(Body::Rrdb, 2);
  const std::vector<std::string> counters = {"E.queue_ptr", "E.encoder_q.conv1.bn1.num_batches_tracked",
                                             "E.encoder_q.pconv4.bn1.num_batches_tracked",
                                             "E.encoder_k.conv6.bn1.num_batches_tracked"};
  const ImportedState state = import(published(config, false), counters);
  EXPECT_EQ(state.left_out, counters.size());
  EXPECT_EQ(state.tensors.size(), random_tensors(config, 5).size());
}

TEST_F(Import, OtherWholeNumbersAreNamed) {
  auto tensors = published(tiny_config(Body::Rrdb, 2), false);
  const std::string text =
      error(tensors, {"G.num_batches_tracked", "E.encoder_q.conv7.bn1.num_batches_tracked", "E.queue"});
  for (const char* name :
       {"G.num_batches_tracked is I64", "E.encoder_q.conv7.bn1.num_batches_tracked is I64", "E.queue is I64"})
    EXPECT_NE(text.find(name), std::string::npos) << text;
  std::erase_if(tensors, [](const NamedTensor& t) { return t.name.ends_with("sf_attn.gamma"); });
  const std::string gamma = "G.RRDB_trunk.0.SFT.dab.da_conv1.sf_attn.gamma";
  EXPECT_NE(error(tensors, {gamma}).find(gamma + " is I64, must be F32, F16 or BF16"), std::string::npos);
  // As floats they are no counters of anything either.
  tensors = published(tiny_config(Body::Rrdb, 2), false);
  tensors.push_back({"G.num_batches_tracked", {}, {1.0F}});
  EXPECT_NE(error(tensors).find("unknown: G.num_batches_tracked"), std::string::npos);
}

TEST_F(Import, FamiliesAreRecognized) {
  const CdsrConfig config = config_by_name("cdsr-2", 4);
  EXPECT_EQ(import(published(config, false)).config, config);
}

TEST_F(Import, WhatIsWrongIsNamed) {
  const CdsrConfig config = tiny_config(Body::Rrdb, 2);
  auto tensors = published(config, false);
  std::erase_if(tensors, [](const NamedTensor& t) { return t.name == "G.trunk_conv.bias"; });
  for (NamedTensor& t : tensors)
    if (t.name == "E.encoder_q.fc_q.bias") t.shape.push_back(1);
  tensors.push_back({"G.surplus", {1}, {0.0F}});
  const std::string text = error(tensors);
  EXPECT_NE(text.find("missing: G.trunk_conv.bias"), std::string::npos) << text;
  EXPECT_NE(text.find("misshapen: E.encoder_q.fc_q.bias is [16, 1], must be [16]"), std::string::npos)
      << text;
  EXPECT_NE(text.find("unknown: G.surplus"), std::string::npos) << text;
}

TEST_F(Import, AnotherDictionaryIsRefused) {
  EXPECT_NE(error(random_tensors(tiny_config(Body::Rrdb, 2), 1)).find("not a state dictionary"),
            std::string::npos);
  auto tensors = published(tiny_config(Body::Rrdb, 2), false);
  for (NamedTensor& t : tensors)
    if (t.name == "G.upsampler.0.weight") t = {t.name, {15, 8, 3, 3}, std::vector<float>(size_t{15} * 72)};
  EXPECT_NE(error(tensors).find("15 output channels"), std::string::npos);
}

}  // namespace
}  // namespace cdsr::tools
