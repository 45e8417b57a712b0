// Laboratory variants: what each leaves out, that all train and come back from their files, that no engine
// takes one.
#include "model/torch/variant.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/error.h"
#include "model/network.h"
#include "model/torch/cdsr.h"
#include "model/torch/moco.h"
#include "model/torch/restart_conditioning.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

bool has(const nn::Cdsr& model, const std::string& part) {
  for (const auto& p : model->named_parameters())
    if (p.key().find(part) != std::string::npos) return true;
  return false;
}

TEST(Variant, TextRoundTrips) {
  for (const char* text : {"", "no-pixel", "no-patch,no-csc", "no-csc,adain,skp", "dynconv", "dasr",
                           "dasr,group=1", "no-pixel,no-csc,dasr-sr", "dynconv,dasr-encoder"})
    EXPECT_EQ(to_string(nn::variant_from_string(text)), text);
  EXPECT_EQ(nn::variant_from_string("no-dqa"), nn::variant_from_string("dynconv"));
  EXPECT_EQ(nn::variant_from_string("dasr"), nn::variant_from_string("dasr-sr,dasr-encoder"));
  EXPECT_TRUE(nn::variant_from_string("").paper());
}

TEST(Variant, ContradictionsAreRefused) {
  for (const char* text : {"no-pixel,no-patch", "adain,dynconv", "dasr-encoder,no-csc", "dasr-sr,adain",
                           "group=2", "dasr,group=0", "dasr,group=x", "no-such", "no-csc,,skp"}) {
    try {
      nn::variant_from_string(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::InvalidArgument) << text;
    }
  }
}

struct Case {
  const char* variant;
  Body body;
  int scale;
  std::vector<std::string> without, with;
};

class EachVariant : public testing::TestWithParam<Case> {};

TEST_P(EachVariant, TrainsAndComesBackFromItsFile) {
  const Case& c = GetParam();
  torch::manual_seed(3);
  const CdsrConfig config = tiny_config(c.body, c.scale);
  nn::Cdsr model(config, nn::variant_from_string(c.variant));
  for (const auto& part : c.without) EXPECT_FALSE(has(model, part)) << part;
  for (const auto& part : c.with) EXPECT_TRUE(has(model, part)) << part;

  const torch::Tensor lr = torch::rand({2, 3, 25, 14});
  const torch::Tensor sr = model->forward(lr);
  ASSERT_EQ(sr.sizes().vec(), (std::vector<int64_t>{2, 3, int64_t{25} * c.scale, int64_t{14} * c.scale}));
  // One step of Adam on L1 and MoCo: every part that is there learns something.
  nn::Moco moco(model, nn::MocoOptions{4, 0.999, 0.07});
  torch::optim::Adam adam(model->parameters(), torch::optim::AdamOptions(1e-3));
  const torch::Tensor embedding = model->encoder(lr);
  torch::Tensor loss = moco->step(model, embedding, lr.flip(3)).loss + sr.abs().mean();
  if (model->variant.kernel) {
    const torch::Tensor kernel = model->predicted_kernel(embedding);
    EXPECT_EQ(kernel.sizes().vec(), (std::vector<int64_t>{2, 441}));
    loss = loss + (kernel - torch::eye(21).flatten() / 21).abs().sum();
  }
  loss.backward();
  for (const auto& p : model->named_parameters())
    EXPECT_TRUE(p.value().grad().defined()) << p.key() << " is in no loss";
  adam.step();

  const TempFolder folder;
  const auto path = folder.path() / "lab.safetensors";
  write_weights(path, nn::state(model), nn::identity(model), DType::F32);
  const WeightsFile file = WeightsFile::open(path);
  nn::Cdsr back = nn::make_model(file);
  nn::load_state(back, file);
  EXPECT_EQ(back->variant, model->variant);
  model->eval();
  back->eval();
  EXPECT_TRUE(torch::equal(model->forward(lr), back->forward(lr)));
  try {
    load_network(file);
    ADD_FAILURE() << "an engine would run a laboratory variant";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("cdsr.format is 'lab'"), std::string::npos) << e.what();
  }
  EXPECT_THROW(nn::restart_conditioning(model, lr), Error);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachVariant,
    testing::Values(
        Case{"no-pixel", Body::Plain, 2, {"lpe.pixel"}, {"lpe.patch", "csc.codebook"}},
        Case{"no-patch", Body::Rrdb, 2, {"lpe.patch"}, {"lpe.pixel", "csc.codebook"}},
        Case{"no-csc", Body::Rrdb, 3, {"csc.codebook", "csc.query", "csc.key"}, {"csc.mlp"}},
        Case{"no-dqa", Body::Rrdb, 2, {"gamma", "dqa1.query", "dqa2.value"}, {"dqa2.kernel", "dqa1.gate"}},
        Case{"adain", Body::Plain, 4, {"dqa"}, {"adain1.scale", "adain1.shift"}},
        Case{"adain", Body::Rrdb, 2, {"dqa"}, {"adain1.scale", "adain2.shift"}},
        Case{"skp", Body::Rrdb, 2, {}, {"kernel.4.weight", "gamma"}},
        Case{"dasr-encoder", Body::Rrdb, 2, {"lpe.", "csc."}, {"dasr.body.5", "gamma"}},
        Case{"dasr-sr", Body::Rrdb, 4, {"gamma", "rdb1"}, {"lpe.patch", "sr.dasr.enlarge.1"}},
        Case{"dasr", Body::Rrdb, 3, {"lpe.", "csc."}, {"sr.dasr.blocks.9", "sr.dasr.enlarge.0"}},
        Case{"dasr,group=1", Body::Plain, 2, {"enlarge", "lpe."}, {"sr.dasr.blocks.1"}}));

TEST(Dasr, IsOfThePapersSize) {
  CdsrConfig config = config_by_name("cdsr-10", 2);
  config.blocks = 5;
  const nn::Cdsr model(config, nn::variant_from_string("dasr"));
  EXPECT_EQ(nn::parameter_count(model), 5821571);  // Table 6: 5.82 M
}

TEST(Variant, ThePapersNetworkKeepsItsFormat) {
  const nn::Cdsr model(tiny_config(Body::Rrdb, 2));
  const auto identity = nn::identity(model);
  EXPECT_EQ(identity.at("cdsr.format"), "1");
  EXPECT_EQ(identity.count("cdsr.variant"), 0U);
  EXPECT_EQ(nn::parameter_count(model), parameter_count(model->config));
}

}  // namespace
}  // namespace cdsr
