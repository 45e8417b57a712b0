// cuDNN's convolutions in the engine, on a GPU: the same picture as with the own kernels, the same bits each
// time, choices that are kept. Skipped without cuDNN.
#include <unistd.h>

#include <filesystem>

#include "tests/cuda/gpu_fixture.h"
#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

namespace cdsr::test {
namespace {

namespace fs = std::filesystem;

class GpuPlans : public NeedsGpu<testing::TestWithParam<Precision>> {
 protected:
  void SetUp() override {
    NeedsGpu::SetUp();
    folder_ = fs::path(testing::TempDir()) / ("gpu-plans-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    cache_.emplace("CDSR_PLAN_CACHE", folder_.c_str());
    cudnn_.emplace("CDSR_CUDNN", nullptr);
  }
  void TearDown() override { fs::remove_all(folder_); }
  /// Three frames' pictures: queued, captured, replayed.
  std::vector<Image> run(const std::shared_ptr<const Network>& network, Query query, const Image& in) {
    EngineOptions o;
    o.precision = GetParam();
    o.query = query;
    o.log = [this](const std::string& line) { lines_.push_back(line); };
    const auto engine = create_engine(network, o, "cuda");
    engine->plan(in.width, in.height);
    const ImageSource source(in);
    begin_shot(*engine, source);
    std::vector<Image> out(3, Image(in.width * 2, in.height * 2));
    for (Image& image : out) {
      ImageSink sink(image);
      engine->upscale(source, sink);
    }
    return out;
  }
  bool cudnn() const {
    for (const std::string& line : lines_)
      if (line.starts_with("cuDNN")) return true;
    return false;
  }
  fs::path folder_;
  std::optional<Setting> cache_, cudnn_;
  std::vector<std::string> lines_;
};

TEST_P(GpuPlans, GiveTheOwnKernelsPictures) {
  for (const Body body : {Body::Plain, Body::Rrdb})
    for (const Query query : {Query::Shot, Query::Frame}) {
      CdsrConfig config = tiny_config(body, 2);
      config.nf = 64;
      config.gc = 32;
      const auto network = random_network(config, 3);
      const Image in = test_image(149, 83);
      lines_.clear();
      const auto with = run(network, query, in);
      if (!cudnn()) GTEST_SKIP() << (lines_.empty() ? "no cuDNN" : lines_.front());
      for (const std::string& line : lines_) std::printf("%s\n", line.c_str());
      EXPECT_TRUE(same_bits(with[0], with[1]) && same_bits(with[0], with[2]));
      const auto again = run(network, query, in);
      EXPECT_TRUE(same_bits(with[0], again[2]));
      EXPECT_NE(lines_.back().find(" 0 measured now"), std::string::npos) << lines_.back();
      EXPECT_FALSE(fs::is_empty(folder_));
      const Setting own_kernels("CDSR_CUDNN", "off");
      const auto own = run(network, query, in);
      EXPECT_LE(max_code_difference(with[0], own[0]), GetParam() == Precision::Fp16 ? 1.0 : 8.0);
    }
}

INSTANTIATE_TEST_SUITE_P(Halves, GpuPlans, testing::Values(Precision::Fp16, Precision::Bf16),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace cdsr::test
