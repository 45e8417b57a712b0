// The front of every backend: what it refuses never reaches the backend. And how a backend is chosen. The
// same rules on real backends: tests/conformance.
#include "model/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "model/error.h"
#include "model/registry.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

Errc code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  return Errc::Internal;
}

/// Writes its calls down.
class Recorder final : public EngineBackend {
 public:
  explicit Recorder(std::string& calls) : calls_(calls) {}
  const EngineInfo& info() const override { return info_; }
  void plan(int width, int) override {
    calls_ += 'p';
    if (width == 13) fail(Errc::OutOfMemory, "thirteen");
  }
  void embed(const RowSource&, std::span<float>) override { calls_ += 'e'; }
  void condition(std::span<const float>) override { calls_ += 'c'; }
  void set_sharpness(float) override { calls_ += 'S'; }
  void measure_queries(const RowSource&, std::span<float>) override { calls_ += 'm'; }
  void set_queries(std::span<const float>) override { calls_ += 's'; }
  void upscale(const RowSource&, RowSink&) override { calls_ += 'u'; }

 private:
  std::string& calls_;
  EngineInfo info_;
};

class EngineTest : public testing::Test {
 protected:
  void make(Query query) {
    engine_ = std::make_unique<Engine>(std::make_unique<Recorder>(calls_), network_, query);
    embedding_.resize(engine_->embedding_size());
    queries_.resize(engine_->queries_size());
  }
  void refused(const std::function<void()>& call) { EXPECT_EQ(code_of(call), Errc::InvalidArgument); }

  std::shared_ptr<const Network> network_ = random_network(tiny_config(Body::Plain, 2), 1);
  std::string calls_;
  std::unique_ptr<Engine> engine_;
  std::vector<float> embedding_, queries_;
  Image in_{4, 4}, out_{8, 8};
  ImageSource source_{in_};
  ImageSink sink_{out_};
};

TEST_F(EngineTest, RefusedCallsDoNotReachTheBackend) {
  make(Query::Shot);
  std::vector<float> wrong(3);
  const auto frames_are_refused = [&] {
    refused([&] { engine_->embed(source_, embedding_); });
    refused([&] { engine_->measure_queries(source_, queries_); });
    refused([&] { engine_->upscale(source_, sink_); });
  };
  frames_are_refused();
  refused([&] { engine_->set_queries(queries_); });
  refused([&] { engine_->plan(0, 1); });
  refused([&] { engine_->plan(1, kMostSide + 1); });
  refused([&] { engine_->condition(wrong); });
  EXPECT_EQ(calls_, "");
  engine_->condition(embedding_);
  engine_->set_queries(queries_);
  frames_are_refused();
  EXPECT_EQ(code_of([&] { engine_->plan(13, 1); }), Errc::OutOfMemory);
  frames_are_refused();
  engine_->plan(4, 4);
  refused([&] { engine_->embed(source_, wrong); });
  refused([&] { engine_->measure_queries(source_, wrong); });
  refused([&] { engine_->set_queries(wrong); });
  EXPECT_EQ(calls_, "cspp");
  engine_->upscale(source_, sink_);
  engine_->condition(embedding_);
  refused([&] { engine_->upscale(source_, sink_); });
  engine_->set_queries(queries_);
  engine_->measure_queries(source_, queries_);
  refused([&] { engine_->upscale(source_, sink_); });
  EXPECT_EQ(calls_, "csppucsm");
}

TEST_F(EngineTest, QueriesOfTheFrameNeedNoInstalling) {
  make(Query::Frame);
  engine_->plan(4, 4);
  engine_->condition(embedding_);
  engine_->set_queries(queries_);
  engine_->upscale(source_, sink_);
  EXPECT_EQ(calls_, "pcu");
}

TEST_F(EngineTest, SharpnessNeedsANetworkThatHasIt) {
  make(Query::Shot);
  engine_->set_sharpness(0);
  refused([&] { engine_->set_sharpness(0.5F); });
  EXPECT_EQ(calls_, "");
}

TEST_F(EngineTest, AnotherSharpnessNeedsAnotherCondition) {
  network_ = random_network(tiny_config(Body::Stack, 2), 1);
  make(Query::Shot);
  engine_->plan(4, 4);
  engine_->condition(embedding_);
  engine_->set_sharpness(0);
  engine_->upscale(source_, sink_);
  for (float wrong : {-0.1F, 1.1F, NAN}) refused([&] { engine_->set_sharpness(wrong); });
  engine_->set_sharpness(0.5F);
  refused([&] { engine_->upscale(source_, sink_); });
  engine_->condition(embedding_);
  engine_->set_sharpness(0.5F);
  engine_->upscale(source_, sink_);
  EXPECT_EQ(calls_, "pcuScu");
}

TEST(Registry, AutoTakesTheFirstThatIsAvailable) {
  const auto network = random_network(tiny_config(Body::Plain, 2), 1);
  std::string reason, log;
  const auto first = std::find_if(backends().begin(), backends().end(),
                                  [&](const Backend& b) { return b.available(reason); });
  const auto engine = create_engine(network, {}, "auto", [&](const std::string& line) { log += line; });
  EXPECT_EQ(engine->info().backend, first->name);
  EXPECT_NE(engine->info().precision, Precision::Auto);
  EXPECT_NE(log.find(fmt::format("backend {}: ", first->name)), std::string::npos) << log;
}

TEST(Registry, ANamedBackendIsNotReplaced) {
  const auto network = random_network(tiny_config(Body::Plain, 2), 1);
  EXPECT_EQ(code_of([&] { create_engine(network, {}, "abacus"); }), Errc::InvalidArgument);
  EngineOptions options;
  options.precision = Precision::Bf16;
  EXPECT_EQ(code_of([&] { create_engine(network, options, "reference"); }), Errc::Unsupported);
  options = {};
  options.threads = kMostThreads + 1;
  EXPECT_EQ(code_of([&] { create_engine(network, options, "reference"); }), Errc::InvalidArgument);
  EXPECT_EQ(code_of([&] { create_operators(backends().back(), options); }), Errc::InvalidArgument);
}

}  // namespace
}  // namespace cdsr
