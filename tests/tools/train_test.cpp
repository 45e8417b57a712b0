// The trainer: batches, learning, checkpoints that resume to the bit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "model/error.h"
#include "tools/media/rng.h"
#include "tools/train/checkpoint.h"
#include "tools/train/prefetch.h"
#include "tools/train/trainer.h"

namespace cdsr::train {
namespace {

/// Smooth random pictures: sums of waves, so that there is something to learn.
std::vector<tools::Picture> waves(int count, int side) {
  std::vector<tools::Picture> out;
  for (int i = 0; i < count; ++i) {
    Rng rng(9, static_cast<uint64_t>(i));
    tools::Picture p;
    p.width = side + i;
    p.height = side + 2 * i;
    const double fx = rng.uniform(0.1, 0.9), fy = rng.uniform(0.1, 0.9);
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x)
        for (int c = 0; c < 3; ++c)
          p.rgb.push_back(static_cast<uint8_t>(127.5 + 120 * std::sin(fx * x + c) * std::cos(fy * y)));
    out.push_back(p);
  }
  return out;
}

TrainOptions tiny(const std::string& name) {
  TrainOptions o;
  o.config = config_by_name("cdsr-rt-dqa", 2);
  o.config.nf = 16;
  o.config.lpe_nf = 4;
  o.config.codebook = 16;
  o.batch.batch = 2;
  o.batch.patch = 16;
  o.moco.queue = 8;
  o.iterations = 6;
  o.checkpoint_every = 3;
  o.threads = 1;
  o.progress_seconds = 1e9;
  o.out = std::filesystem::temp_directory_path() / fmt::format("cdsr-train-{}-{}", ::getpid(), name);
  std::filesystem::remove_all(o.out);
  return o;
}

const LogLine kSilent = [](const std::string&) {};

TEST(Batch, IsAPureFunctionOfSeedAndStep) {
  const auto photos = waves(3, 60);
  TrainOptions o = tiny("batch");
  o.batch.noise = 10;
  Prefetcher one(photos, o.batch, 4, 1, 3), three(photos, o.batch, 4, 3, 7);
  for (int64_t step = 4; step < 9; ++step) {
    const Batch direct = make_batch(photos, o.batch, step), a = one.next(), b = three.next();
    EXPECT_TRUE(torch::equal(direct.lr, a.lr) && torch::equal(direct.hr, a.hr));
    EXPECT_TRUE(torch::equal(direct.lr, b.lr) && torch::equal(direct.hr, b.hr));
    EXPECT_FALSE(torch::equal(direct.lr, make_batch(photos, o.batch, step + 1).lr));
  }
}

TEST(Batch, VideoIsAPureFunctionOfSeedAndStep) {
  const auto photos = waves(3, 90);
  TrainOptions o = tiny("video");
  o.batch.degradation = Degradation::Video;
  Prefetcher three(photos, o.batch, 4, 3, 7);
  for (int64_t step = 4; step < 9; ++step) {
    const Batch direct = make_batch(photos, o.batch, step), a = three.next();
    EXPECT_TRUE(torch::equal(direct.lr, a.lr) && torch::equal(direct.hr, a.hr));
    EXPECT_FALSE(torch::equal(direct.lr, make_batch(photos, o.batch, step + 1).lr));
  }
}

// Both crops of every image, however turned, moved and placed on the codec's grid, show what their full-size
// crops show: of all places nearby, the low-resolution picture fits best where it should be.
TEST(Batch, VideoCropsFitTheirPictures) {
  const auto photos = waves(3, 120);
  for (const int scale : {2, 3}) {
    TrainOptions o = tiny("video");
    o.batch.scale = scale;
    o.batch.batch = 16;
    o.batch.degradation = Degradation::Video;
    const Batch b = make_batch(photos, o.batch, 1);
    EXPECT_GE(b.lr.min().item<float>(), 0);
    EXPECT_LE(b.lr.max().item<float>(), 1);
    const torch::Tensor small = torch::avg_pool2d(b.hr, scale);  // p x p, aligned
    double at_home = 0, elsewhere = 1e9;
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        const auto inner = [](const torch::Tensor& t, int x, int y) {
          return t.slice(2, 2 + y, t.size(2) - 2 + y).slice(3, 2 + x, t.size(3) - 2 + x);
        };
        const double error = (inner(b.lr, dx, dy) - inner(small, 0, 0)).square().mean().item<double>();
        if (dx == 0 && dy == 0)
          at_home = error;
        else
          elsewhere = std::min(elsewhere, error);
      }
    // A pixel off, some other place would fit better. (Soft originals differ little from place to place.)
    EXPECT_LT(at_home, 0.8 * elsewhere) << "scale " << scale;
  }
}

TEST(Batch, LowResolutionPixelsLieWhereUpscalersPutThem) {
  // On a ramp of one code value a pixel a symmetric blur changes nothing, so LR pixel i shows its coordinate:
  // s i + (s - 1) / 2 from the crop's corner when aligned, the paper's i s - (s - 1) / 2 otherwise.
  const int full = 2 * 16 + 20;
  const torch::Tensor ramp =
      torch::arange(full, torch::kFloat).reshape({1, 1, 1, full}).repeat({1, 3, full, 1});
  for (const auto alignment : {degrade::Alignment::Aligned, degrade::Alignment::Paper}) {
    auto k = degrade::gaussian_kernel(2, 4, 1, 0.5, alignment);
    const torch::Tensor lr = blur_subsample(ramp, torch::from_blob(k.data(), {1, 21, 21}), 2);
    const double offset = alignment == degrade::Alignment::Aligned ? 0.5 : -0.5;
    for (int i = 0; i < 16; ++i) EXPECT_NEAR(lr[0][0][5][i].item<float>() - 10, 2 * i + offset, 1e-3);
  }
}

TEST(Train, LossFallsOnAHandfulOfPictures) {
  const auto photos = waves(2, 40);
  TrainOptions o = tiny("learn");
  o.iterations = 80;
  o.rate = 2e-3;
  o.progress_seconds = 0;
  std::vector<double> l1;
  train(o, photos, Validation({}, o.batch), [&](const std::string& line) {
    if (const auto at = line.find("L1 "); at != std::string::npos)
      l1.push_back(std::stod(line.substr(at + 3)));
  });
  ASSERT_EQ(l1.size(), 80U);
  double first = 0, last = 0;
  for (size_t i = 0; i < 10; ++i) first += l1[i], last += l1[70 + i];
  EXPECT_LT(last, 0.7 * first);
  std::filesystem::remove_all(o.out);
}

TEST(Train, ResumesToTheBit) {
  const auto photos = waves(3, 60);
  TrainOptions whole = tiny("whole"), parts = tiny("parts");
  train(whole, photos, Validation({}, whole.batch), kSilent);
  TrainOptions half = parts;
  half.iterations = 3;
  half.decay = 0;  // the schedule of the whole run has not begun to fall at step 3
  train(half, photos, Validation({}, half.batch), kSilent);
  train(parts, photos, Validation({}, parts.batch), kSilent);

  TrainState a(whole), b(parts);
  ASSERT_TRUE(load_checkpoint(whole.out / "last.ckpt", a, whole));
  ASSERT_TRUE(load_checkpoint(parts.out / "last.ckpt", b, parts));
  EXPECT_EQ(a.step, 6);
  EXPECT_EQ(b.step, 6);
  const auto wa = nn::state(a.model), wb = nn::state(b.model);
  for (size_t i = 0; i < wa.size(); ++i) EXPECT_EQ(wa[i].values, wb[i].values) << wa[i].name;
  EXPECT_TRUE(torch::equal(a.moco->queue, b.moco->queue));
  std::filesystem::remove_all(whole.out);
  std::filesystem::remove_all(parts.out);
}

TEST(Train, ThePowerOfTheErrorChangesWhatIsLearned) {
  const auto photos = waves(3, 60);
  const auto learned = [&](double power) {
    TrainOptions o = tiny(fmt::format("power-{}", power));
    o.power = power;
    train(o, photos, Validation({}, o.batch), kSilent);
    TrainState state(o);
    EXPECT_TRUE(load_checkpoint(o.out / "last.ckpt", state, o));
    std::filesystem::remove_all(o.out);
    return nn::state(state.model).back().values;
  };
  const auto absolute = learned(0), half = learned(0.5), square = learned(2);
  EXPECT_NE(absolute, half);
  EXPECT_NE(half, square);
}

TEST(Train, CheckpointOfAnotherConfigurationIsRefused) {
  const auto photos = waves(2, 60);
  TrainOptions o = tiny("other");
  o.iterations = 1;
  train(o, photos, Validation({}, o.batch), kSilent);
  o.config.blocks = 3;
  EXPECT_THROW(train(o, photos, Validation({}, o.batch), kSilent), Error);
  std::ofstream(o.out / "last.ckpt", std::ios::trunc) << "not a checkpoint";
  EXPECT_THROW(train(o, photos, Validation({}, o.batch), kSilent), Error);
  std::filesystem::remove_all(o.out);
}

TEST(Train, LossThatIsNotFiniteStopsAndKeepsTheCheckpoint) {
  const auto photos = waves(2, 60);
  TrainOptions o = tiny("nan");
  o.iterations = 3;
  train(o, photos, Validation({}, o.batch), kSilent);
  const auto size = std::filesystem::file_size(o.out / "last.ckpt");
  o.iterations = 50;
  o.rate = 1e18;
  EXPECT_THROW(train(o, photos, Validation({}, o.batch), kSilent), Error);
  EXPECT_EQ(std::filesystem::file_size(o.out / "last.ckpt"), size);
  std::filesystem::remove_all(o.out);
}

TEST(Rate, IsConstantThenFallsToZero) {
  TrainOptions o;
  o.iterations = 1000;
  o.rate = 1;
  o.decay = 0.3;
  EXPECT_DOUBLE_EQ(rate_at(o, 0), 1);
  EXPECT_DOUBLE_EQ(rate_at(o, 699), 1);
  EXPECT_NEAR(rate_at(o, 850), 0.5, 1e-9);
  EXPECT_NEAR(rate_at(o, 1000), 0, 1e-9);
}

}  // namespace
}  // namespace cdsr::train
