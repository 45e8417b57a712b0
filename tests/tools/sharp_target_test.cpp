// What a network's sharp sets learn: sharper pictures without halos; and that nothing else of the network
// learns with them.
#include "tools/train/sharp_target.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/model/tiny.h"
#include "tools/train/checkpoint.h"
#include "tools/train/trainer.h"

namespace cdsr::train {
namespace {

constexpr float kCode = 1.0F / 255;

/// 1 x 1 x 9 x 24, a soft edge in its middle.
torch::Tensor soft_edge() {
  const torch::Tensor x = torch::arange(24, torch::kFloat);
  return (0.3 + 0.4 * torch::sigmoid((x - 11.5) / 0.9)).reshape({1, 1, 1, 24}).repeat({1, 1, 9, 1});
}

TEST(SharpTarget, AnEdgeIsSteeperAndHasNoHalo) {
  const torch::Tensor edge = soft_edge(), sharp = sharp_target(edge);
  const auto slope = [](const torch::Tensor& t) { return (t[0][0][4][12] - t[0][0][4][11]).item<float>(); };
  EXPECT_GT(slope(sharp), 1.1F * slope(edge));
  EXPECT_LE(sharp.max().item<float>(), edge.max().item<float>() + 2.01F * kCode);
  EXPECT_GE(sharp.min().item<float>(), edge.min().item<float>() - 2.01F * kCode);
  EXPECT_TRUE(torch::allclose(sharp[0][0][0], sharp[0][0][8])) << "rows of one picture differ";
}

TEST(SharpTarget, FaintDetailStays) {
  torch::manual_seed(1);
  const torch::Tensor grain = 0.5 + kCode * (torch::rand({2, 1, 16, 16}) - 0.5);
  EXPECT_TRUE(torch::equal(sharp_target(grain), grain));
}

TEST(SharpTarget, StaysAPicture) {
  torch::manual_seed(2);
  const torch::Tensor noise = torch::rand({1, 3, 20, 17}), sharp = sharp_target(noise);
  EXPECT_EQ(sharp.sizes(), noise.sizes());
  EXPECT_GE(sharp.min().item<float>(), 0);
  EXPECT_LE(sharp.max().item<float>(), 1);
}

TEST(EdgeWeight, IsFourAtTheSteepestEdgeAndOneWhereItIsFlat) {
  const torch::Tensor weight = edge_weight(soft_edge());
  EXPECT_NEAR(weight.max().item<float>(), 4, 1e-5);
  EXPECT_NEAR(weight[0][0][4][0].item<float>(), 1, 0.05);
  EXPECT_TRUE(torch::equal(edge_weight(torch::full({1, 1, 5, 5}, 0.5F)), torch::ones({1, 1, 5, 5})));
}

TEST(Sharpen, TeachesTheSharpSetsAlone) {
  tools::Picture picture{64, 60, {}};
  for (int y = 0; y < 60; ++y)
    for (int x = 0; x < 64; ++x)
      for (int c = 0; c < 3; ++c)
        picture.rgb.push_back(static_cast<uint8_t>((x / 5 + y / 7) % 2 == 0 ? 40 + c : 200));
  TrainOptions o;
  o.config = tiny_config(Body::Stack, 2);
  o.batch.colour = o.config.colour;
  o.batch.batch = 2;
  o.batch.patch = 16;
  o.moco.queue = 8;
  o.sharpen = true;
  o.contrast = 0;
  o.iterations = 3;
  o.threads = 1;
  o.progress_seconds = 1e9;
  o.out = std::filesystem::temp_directory_path() / fmt::format("cdsr-sharpen-{}", ::getpid());
  std::filesystem::remove_all(o.out);
  const TrainState fresh(o);
  train(o, {picture, picture}, Validation({}, o.batch), [](const std::string&) {});
  TrainState trained(o);
  ASSERT_TRUE(load_checkpoint(o.out / "last.ckpt", trained, o));
  const auto before = nn::state(fresh.model), after = nn::state(trained.model);
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(before[i].values != after[i].values, before[i].name.find(".sharp_") != std::string::npos)
        << before[i].name;
  std::filesystem::remove_all(o.out);
}

}  // namespace
}  // namespace cdsr::train
