// MoCo against its definition.
#include "model/torch/moco.h"

#include <gtest/gtest.h>

#include "model/error.h"

namespace cdsr::nn {
namespace {

CdsrConfig tiny() {
  CdsrConfig c = config_by_name("cdsr-rt-dqa", 2);
  c.nf = 16;
  c.lpe_nf = 4;
  c.codebook = 16;
  return c;
}

TEST(Moco, LossIsInfoNceOverPositiveAndQueue) {
  torch::manual_seed(1);
  Cdsr model(tiny());
  MocoOptions options;
  options.queue = 8;
  Moco moco(model, options);
  const torch::Tensor queue = moco->queue.clone();
  const torch::Tensor embedding = torch::randn({4, 16}), crops = torch::rand({4, 3, 24, 24});
  const auto loss = moco->step(model, embedding, crops);

  const auto unit = [](const torch::Tensor& t) { return t / t.norm(2, 1, true); };
  torch::NoGradGuard no_grad;
  const torch::Tensor q = unit(model->encoder->head(embedding));
  const torch::Tensor k = moco->queue.slice(0, 0, 4);  // what the step wrote
  double expected = 0;
  for (int i = 0; i < 4; ++i) {
    const double positive = std::exp(q[i].dot(k[i]).item<double>() / 0.07);
    double sum = positive;
    for (int j = 0; j < 8; ++j) sum += std::exp(q[i].dot(queue[j]).item<double>() / 0.07);
    expected -= std::log(positive / sum) / 4;
  }
  EXPECT_NEAR(loss.loss.item<double>(), expected, 1e-4);
  EXPECT_NEAR((k.norm(2, 1) - 1).abs().max().item<double>(), 0, 1e-5);
}

TEST(Moco, QueueWrapsAndKeepsOtherRows) {
  Cdsr model(tiny());
  MocoOptions options;
  options.queue = 8;
  Moco moco(model, options);
  const torch::Tensor before = moco->queue.clone();
  moco->step(model, torch::randn({4, 16}), torch::rand({4, 3, 24, 24}));
  EXPECT_TRUE(torch::equal(moco->queue.slice(0, 4, 8), before.slice(0, 4, 8)));
  EXPECT_FALSE(torch::equal(moco->queue.slice(0, 0, 4), before.slice(0, 0, 4)));
  EXPECT_EQ(moco->next.item<int64_t>(), 4);
  moco->step(model, torch::randn({4, 16}), torch::rand({4, 3, 24, 24}));
  EXPECT_EQ(moco->next.item<int64_t>(), 0);
}

TEST(Moco, KeyEncoderFollowsSlowly) {
  Cdsr model(tiny());
  MocoOptions options;
  options.queue = 8;
  Moco moco(model, options);
  const torch::Tensor start = moco->key_encoder->csc->codebook.clone();
  {
    torch::NoGradGuard no_grad;
    model->encoder->csc->codebook.add_(1.0);
  }
  moco->step(model, torch::randn({4, 16}), torch::rand({4, 3, 24, 24}));
  EXPECT_LT((moco->key_encoder->csc->codebook - (start + 0.001)).abs().max().item<double>(), 1e-5);
  for (const auto& p : moco->key_encoder->parameters()) EXPECT_FALSE(p.requires_grad());
}

TEST(Moco, QueueMustHoldWholeBatches) {
  Cdsr model(tiny());
  MocoOptions options;
  options.queue = 10;
  Moco moco(model, options);
  EXPECT_THROW(moco->step(model, torch::randn({4, 16}), torch::rand({4, 3, 24, 24})), Error);
}

}  // namespace
}  // namespace cdsr::nn
