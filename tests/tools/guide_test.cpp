#include "tools/train/guide.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/model/tiny.h"
#include "tools/degrade/kernel.h"
#include "tools/train/degradation_target.h"

namespace cdsr::train {
namespace {

/// Pictures of random edges: something that blur changes.
std::vector<tools::Picture> pictures() {
  std::vector<tools::Picture> out;
  std::mt19937 random(3);
  for (int n = 0; n < 4; ++n) {
    tools::Picture p;
    p.width = p.height = 160;
    p.rgb.assign(static_cast<size_t>(3) * p.width * p.height, 90);
    for (int i = 0; i < 300; ++i) {
      const auto x0 = random() % 150, y0 = random() % 150, w = 2 + random() % 10, h = 2 + random() % 10;
      const auto value = static_cast<uint8_t>(random());
      for (auto y = y0; y < std::min<unsigned long>(160, y0 + h); ++y)
        for (auto x = x0; x < std::min<unsigned long>(160, x0 + w); ++x)
          for (size_t c = 0; c < 3; ++c) p.rgb[(y * 160 + x) * 3 + c] = value;
    }
    out.push_back(p);
  }
  return out;
}

BatchOptions options() {
  BatchOptions o;
  o.batch = 64;
  o.patch = 24;
  return o;
}

TEST(DegradationTarget, SaysWhatHappened) {
  const double theta = 0.4, sig1 = 4, sig2 = 1;
  degrade::VideoSpec spec;
  spec.kernel = degrade::gaussian_kernel(2, sig1, sig2, theta, degrade::Alignment::Aligned);
  spec.noise.gaussian = 7.5;
  spec.sharpen = 0.25;
  spec.codec = degrade::Codec::Hevc;
  const auto t = degradation_target(spec, 0, 2, 3.9, 25);
  // In square LR pixels: the trace is (4 + 1) / 4, the difference of the axes 3 / 4 turned by theta.
  EXPECT_NEAR(t[0], std::log(1.25 + 0.1), 0.01);
  EXPECT_NEAR(t[1], 0.75 * std::cos(2 * theta) / 1.45, 0.01);
  EXPECT_NEAR(t[2], 0.75 * std::sin(2 * theta) / 1.45, 0.01);
  EXPECT_FLOAT_EQ(t[3], 0.25F);
  EXPECT_FLOAT_EQ(t[4], 3);
  EXPECT_FLOAT_EQ(t[5], 2);
  EXPECT_FLOAT_EQ(t[6], 2.5F);
  for (int c = 0; c < degrade::kCodecs; ++c)
    EXPECT_EQ(t[static_cast<size_t>(kMeasuredTargets + c)], c == static_cast<int>(degrade::Codec::Hevc));
  // A soft original of one HR pixel adds its variance to both axes.
  EXPECT_NEAR(degradation_target(spec, 1, 2, 3.9, 25)[0], std::log(1.75 + 0.1), 0.01);
}

TEST(AttentionLoss, HoldsBackPeaksAlone) {
  torch::manual_seed(1);
  const torch::Tensor logits = torch::randn({4, 256});
  EXPECT_EQ(attention_loss(logits).item<float>(), 0);
  EXPECT_GT(attention_loss(logits * 10).item<float>(), 1);
}

struct Guided : testing::Test {
  CdsrConfig config = tiny_config(Body::Plain, 2);
  std::vector<tools::Picture> photos = pictures();
  nn::Cdsr model{config};
  nn::Moco moco{model, nn::MocoOptions{.queue = 64}};
  Guide guide{config};

  std::string start() {
    return start_guided(model, moco, guide, 2560,
                        [&](int64_t i) { return make_batch(photos, options(), i); });
  }
};

TEST_F(Guided, StartsWithAnEncoderThatTellsBlursApart) {
  torch::manual_seed(2);
  const std::string line = start();
  // Embeddings of new crops predict their blur, by least squares, better than its mean does.
  torch::NoGradGuard no_grad;
  const auto embed = [&](int64_t i, torch::Tensor& y) {
    const Batch b = make_batch(photos, options(), i);
    y = torch::cat({b.degradation, b.degradation}).slice(1, 0, 2);
    return torch::cat({model->encoder(b.lr), torch::ones({int64_t{2} * options().batch, 1})}, 1);
  };
  std::vector<torch::Tensor> xs, ys;
  for (int64_t i = 100; i < 108; ++i) {
    torch::Tensor y;
    xs.push_back(embed(i, y));
    ys.push_back(y);
  }
  const torch::Tensor x = torch::cat(xs), y = torch::cat(ys);
  const torch::Tensor w =
      torch::linalg_solve(torch::matmul(x.t(), x) + 1e-3 * torch::eye(x.size(1)), torch::matmul(x.t(), y));
  torch::Tensor truth;
  const torch::Tensor test = embed(200, truth);
  const double left = (torch::matmul(test, w) - truth).square().mean().item<double>();
  const double all = truth.var(0).mean().item<double>();
  EXPECT_LT(left, 0.6 * all) << line;
}

TEST_F(Guided, StartsInTheStateItPromises) {
  start();
  const torch::Tensor filters = model->encoder->lpe->pixel[0]->as<nn::ConvBn>()->conv->weight;
  EXPECT_NEAR(filters.sum({2, 3}).abs().max().item<float>(), 0, 1e-6);  // blind to brightness
  for (auto* module : {static_cast<torch::nn::Module*>(model->encoder.get()),
                       static_cast<torch::nn::Module*>(moco->key_encoder.get())})
    for (const auto& m : module->modules()) {
      const auto* norm = m->as<torch::nn::BatchNorm2d>();
      EXPECT_TRUE(norm == nullptr || !norm->is_training());
    }
  const Batch b = make_batch(photos, options(), 9);
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(model->encoder(b.lr), moco->key_encoder(b.lr)));
  const float spread =
      torch::matmul(model->encoder(b.lr), model->sr->compress[0]->as<torch::nn::Linear>()->weight.t())
          .std(0)
          .mean()
          .item<float>();
  EXPECT_GT(spread, 0.3F);
  EXPECT_LT(spread, 3.0F);
  EXPECT_EQ(guide->deviation[4].item<float>(), 1);  // no noise: nothing to standardize
}

}  // namespace
}  // namespace cdsr::train
