// Starts from other weights: a silent embedding revived, another scale's network taken over.
#include "model/torch/restart_conditioning.h"

#include <gtest/gtest.h>

#include "model/error.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"

namespace cdsr::nn {
namespace {

TEST(Restart, KeepsThePictureAndRevivesTheConditioning) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  CdsrConfig config = config_by_name("cdsr-rt-dqa", 2);
  config.nf = 16;
  config.lpe_nf = 4;
  config.codebook = 16;
  Cdsr model(config);
  const auto last_layer = [&](int block) {
    return torch::nn::Linear(
        model->sr->blocks->ptr<BlockImpl>(block)->modulation->ptr<torch::nn::LinearImpl>(2));
  };
  for (int b = 0; b < 2; ++b) {  // y stuck at 0 and 1, whatever the embedding
    last_layer(b)->weight.zero_();
    last_layer(b)->bias.copy_(torch::tensor({9.0F, -9.0F}).repeat({8}));
  }
  model->eval();
  const torch::Tensor crops = torch::rand({4, 3, 24, 24});
  const torch::Tensor before = model->forward(crops);
  restart_conditioning(model, crops);

  for (int b = 0; b < 2; ++b) {
    EXPECT_GT(last_layer(b)->weight.abs().max().item<float>(), 0);
    const torch::Tensor y = torch::sigmoid(last_layer(b)->bias);
    EXPECT_NEAR(y.max().item<float>(), 0.8, 1e-5);
    EXPECT_NEAR(y.min().item<float>(), 0.2, 1e-5);
    last_layer(b)->weight.zero_();  // at the mean conditioning the DQAs have absorbed the move
  }
  EXPECT_LT((model->forward(crops) - before).abs().max().item<float>(), 1e-4);
}

TEST(Grown, OfAnotherScaleAllButTheTailIsTaken) {
  torch::manual_seed(5);
  const TempFolder folder;
  const auto path = folder.path() / "x2.safetensors";
  const Cdsr x2(tiny_config(Body::Plain, 2));
  write_weights(path, state(x2), identity(x2), DType::F32);
  const WeightsFile file = WeightsFile::open(path);

  Cdsr x3(tiny_config(Body::Plain, 3));
  const torch::Tensor tail = x3->sr->tail->weight.clone();
  EXPECT_THROW(load_state(x3, file), Error);
  load_state_grown(x3, file);
  EXPECT_TRUE(torch::equal(x3->sr->tail->weight, tail));
  for (const auto& from : x2->named_parameters())
    if (from.key().rfind("sr.tail.", 0) != 0) {
      EXPECT_TRUE(torch::equal(x3->named_parameters()[from.key()], from.value())) << from.key();
    }

  CdsrConfig wider = tiny_config(Body::Plain, 3);
  wider.codebook = 32;
  Cdsr other(wider);
  try {
    load_state_grown(other, file);
    ADD_FAILURE() << "a codebook of 16 went into one of 32";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("more than its scale"), std::string::npos) << e.what();
  }
}

CdsrConfig stack_config(int scale, int blocks) {
  CdsrConfig config = config_by_name("cdsr-rt", scale);
  config.nf = 8;
  config.blocks = blocks;
  config.experts = 2;
  config.lpe_nf = 4;
  config.codebook = 16;
  return config;
}

TEST(Grown, DeeperStackBeginsNearlyAsTheShallowOne) {
  torch::manual_seed(6);
  const TempFolder folder;
  const auto path = folder.path() / "shallow.safetensors";
  Cdsr shallow(stack_config(2, 2));
  write_weights(path, state(shallow), identity(shallow), DType::F32);
  Cdsr deep(stack_config(2, 4));
  load_state_grown(deep, WeightsFile::open(path));

  const torch::Tensor x = torch::rand({3, 1, 48, 48});
  shallow->eval();
  deep->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor want = shallow->forward(x), zero = torch::zeros_like(want);
  const auto distance = [](const torch::Tensor& a, const torch::Tensor& b) {
    return (a - b).square().mean().sqrt().item<float>();
  };
  EXPECT_LT(distance(deep->forward(x), want), 0.2 * distance(want, zero));
  const auto blocks = deep->named_parameters();
  EXPECT_TRUE(torch::equal(blocks["sr.blocks.3.conv.weight"],
                           shallow->named_parameters()["sr.blocks.1.conv.weight"]));
  const torch::Tensor made = blocks["sr.blocks.1.conv.weight"];
  EXPECT_FALSE(torch::equal(made[0], made[1])) << "experts that are equal learn the same";

  CdsrConfig config = stack_config(2, 2);
  config.sharp = true;
  Cdsr sharp(config);
  load_state_grown(sharp, WeightsFile::open(path));
  sharp->eval();
  sharp->sr->sharpness = 1;
  EXPECT_TRUE(torch::equal(sharp->forward(x), want)) << "sharp sets begin with nothing";

  Cdsr shorter(stack_config(2, 1));
  EXPECT_THROW(load_state_grown(shorter, WeightsFile::open(path)), Error);
  Cdsr both(stack_config(3, 4));
  load_state_grown(both, WeightsFile::open(path));
  EXPECT_TRUE(torch::equal(both->named_parameters()["sr.head.weight"], blocks["sr.head.weight"]));
}

}  // namespace
}  // namespace cdsr::nn
