// A second start for a silent embedding: the picture stays, the conditioning is alive again.
#include "model/torch/restart.h"

#include <gtest/gtest.h>

namespace cdsr::nn {
namespace {

TEST(Restart, KeepsThePictureAndRevivesTheConditioning) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  CdsrConfig config = config_by_name("cdsr-rt", 2);
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

}  // namespace
}  // namespace cdsr::nn
