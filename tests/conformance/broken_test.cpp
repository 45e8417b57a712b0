// The suite itself: each of these backends is the reference with one fault, and the check that is there for
// such a fault must find it; without a fault no check complains.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "model/error.h"
#include "model/reference/reference.h"
#include "tests/conformance/checks.h"
#include "tests/model/tiny.h"

namespace cdsr::conformance {
namespace {

enum class Fault {
  None,
  // Numbers.
  OnePixel,           ///< of the picture is off by two thousandths
  NotANumber,         ///< one pixel
  Embedding,          ///< one value is off by a thousandth
  QueriesInReverse,   ///< the DQAs' order
  SetQueriesIgnored,  ///< those that were measured stay
  SharpnessIgnored,
  ThreadsCount,  ///< the picture depends on them
  RunsCount,     ///< and on how many frames there were
  // Rows.
  RowMissing,
  RowTwice,
  OddStrips,
  NoContext,  ///< what lies around a strip is not the picture
  ReadsOutside,
  SwallowsExceptions,
  // Calls.
  PlanForgets,       ///< the condition
  EmbedConditions,   ///< instead of the caller
  NeedsPlanFirst,    ///< before condition()
  IgnoresTheLimit,   ///< of memory
  BrokenByTheLimit,  ///< after one plan that failed, all do
  WrongName,
  // Operators.
  WritesOutside,
  LeavesAHole,
  ResidualActivated,
  OtherPrecision,
};

/// Gives another sink rows that a fault has been through.
class FaultySink final : public RowSink {
 public:
  FaultySink(RowSink& to, Fault fault, int width, int height, float noise)
      : to_(to), fault_(fault), width_(width), height_(height), noise_(noise) {}
  int context() const override { return to_.context(); }
  void write(int, int, const float* const src[3], ptrdiff_t stride) override {
    Image image(width_, height_);
    ImageSink(image).write(0, height_, src, stride);
    float& pixel = image.plane[1][static_cast<size_t>(height_) * width_ / 2];
    pixel += noise_;
    if (fault_ == Fault::OnePixel) pixel += 2e-3F;
    if (fault_ == Fault::NotANumber) pixel = NAN;
    const auto send = [&](int y, int rows) {
      Image part = image;
      if (fault_ == Fault::NoContext)
        for (auto& plane : part.plane)
          for (size_t i = 0; i < plane.size(); ++i)
            if (static_cast<int>(i) / width_ < y || static_cast<int>(i) / width_ >= y + rows) plane[i] = 0;
      const float* const planes[3] = {&part.plane[0][static_cast<size_t>(y) * width_],
                                      &part.plane[1][static_cast<size_t>(y) * width_],
                                      &part.plane[2][static_cast<size_t>(y) * width_]};
      to_.write(y, rows, planes, width_);
    };
    const int half = height_ / 4 * 2, strip = half + (fault_ == Fault::OddStrips ? 1 : 0);
    if (half == 0) return send(0, height_);
    send(0, fault_ == Fault::RowMissing ? strip - 2 : strip);
    send(strip, height_ - strip);
    if (fault_ == Fault::RowTwice) send(0, 2);
  }

 private:
  RowSink& to_;
  Fault fault_;
  int width_, height_;
  float noise_;
};

class BrokenBackend final : public EngineBackend {
 public:
  BrokenBackend(const std::shared_ptr<const Network>& network, const EngineOptions& options, Fault fault)
      : config_(network->config), fault_(fault), threads_(options.threads) {
    EngineOptions o = options;
    if (fault == Fault::IgnoresTheLimit) o.memory_limit = 0;
    reference_ = reference::create(network, o);
  }

  const EngineInfo& info() const override {
    info_ = reference_->info();
    info_.backend = fault_ == Fault::WrongName ? "reference" : "broken";
    return info_;
  }
  void plan(int width, int height) override {
    if (refused_) fail(Errc::OutOfMemory, "the limit is 1 MiB");
    refused_ = fault_ == Fault::BrokenByTheLimit;
    if (fault_ != Fault::IgnoresTheLimit || width * height < 1000000) reference_->plan(width, height);
    refused_ = false;
    width_ = width;
    height_ = height;
    if (fault_ == Fault::PlanForgets) reference_->condition(std::vector<float>(config_.embedding(), 0.5F));
  }
  void embed(const RowSource& frame, std::span<float> embedding) override {
    if (fault_ == Fault::ReadsOutside) {
      std::vector<float> row(width_);
      float* const planes[3] = {row.data(), row.data(), row.data()};
      frame.read(height_, 1, planes, 0);
    }
    reference_->embed(frame, embedding);
    if (fault_ == Fault::Embedding) embedding[1] += 1e-3F;
    if (fault_ == Fault::EmbedConditions) reference_->condition(embedding);
  }
  void condition(std::span<const float> embedding) override {
    if (fault_ == Fault::NeedsPlanFirst && width_ == 0) fail(Errc::InvalidArgument, "no plan");
    reference_->condition(embedding);
  }
  void set_sharpness(float sharpness) override {
    if (fault_ != Fault::SharpnessIgnored) reference_->set_sharpness(sharpness);
  }
  void measure_queries(const RowSource& frame, std::span<float> queries) override {
    reference_->measure_queries(frame, queries);
    measured_.assign(queries.begin(), queries.end());
    if (fault_ == Fault::QueriesInReverse) std::reverse(queries.begin(), queries.end());
  }
  void set_queries(std::span<const float> queries) override {
    reference_->set_queries(fault_ == Fault::SetQueriesIgnored && !measured_.empty() ? measured_ : queries);
  }
  void upscale(const RowSource& frame, RowSink& out) override {
    ++frames_;
    float noise = fault_ == Fault::ThreadsCount ? 1e-7F * static_cast<float>(threads_) : 0.0F;
    if (fault_ == Fault::RunsCount) noise = 1e-7F * static_cast<float>(frames_);
    FaultySink sink(out, fault_, width_ * config_.scale, height_ * config_.scale, noise);
    try {
      reference_->upscale(frame, sink);
    } catch (const Error&) {
      if (fault_ != Fault::SwallowsExceptions) throw;
    }
  }

 private:
  CdsrConfig config_;
  Fault fault_;
  int threads_;
  std::unique_ptr<EngineBackend> reference_;
  mutable EngineInfo info_;
  int width_ = 0, height_ = 0, frames_ = 0;
  bool refused_ = false;
  std::vector<float> measured_;
};

class BrokenOperators final : public Operators {
 public:
  explicit BrokenOperators(Fault fault) : fault_(fault) {}

  Precision precision() const override {
    return fault_ == Fault::OtherPrecision ? Precision::Fp16 : reference_->precision();
  }
  void conv(const Conv& conv, float slope, ConstMap in, const ConstMap* residual, Map out) override {
    reference_->conv(conv, slope, in, residual, out);
    if (fault_ == Fault::ResidualActivated && residual != nullptr)
      for (size_t i = 0; i < out.count(); ++i) out.data[i] *= out.data[i] < 0 ? 0.1F : 1;
    if (fault_ == Fault::WritesOutside) out.data[out.count()] = 0;
  }
  void dqa_vectors(const Dqa& dqa, std::span<const float> y, std::span<const float> query,
                   std::span<float> gate, std::span<float> filter) override {
    reference_->dqa_vectors(dqa, y, query, gate, filter);
  }
  void dqa(const Dqa& dqa, std::span<const float> gate, std::span<const float> filter, ConstMap in,
           Map out) override {
    reference_->dqa(dqa, gate, filter, in, out);
    if (fault_ == Fault::LeavesAHole) out.data[out.count() - 1] = -12345.5F;  // the guards' value
  }
  void dense_block(const DenseBlock& block, ConstMap in, Map out) override {
    reference_->dense_block(block, in, out);
  }
  void tail(const Conv& conv, int scale, Skip skip, ConstMap features, ConstMap input, Map out) override {
    reference_->tail(conv, scale, skip, features, input, out);
  }

 private:
  Fault fault_;
  std::unique_ptr<Operators> reference_ = reference::operators({});
};

/// What the registry's row would make; a row has plain functions.
std::atomic<Fault> current_fault{Fault::None};

Backend broken(Fault fault) {
  current_fault = fault;
  return {"broken", "for tests", reference::available,
          [](std::shared_ptr<const Network> network, const EngineOptions& options) {
            return std::unique_ptr<EngineBackend>(
                std::make_unique<BrokenBackend>(network, options, current_fault.load()));
          },
          [](const EngineOptions&) {
            return std::unique_ptr<Operators>(std::make_unique<BrokenOperators>(current_fault.load()));
          }};
}

NetworkCase network_case() { return {tiny_config(Body::Rrdb, 2), Query::Shot, 13, 17}; }

using Check = Complaints (*)(const Backend&);
Complaints parity(const Backend& b) { return check(b, Precision::Fp32, network_case()); }
Complaints sharp(const Backend& b) {
  return check(b, Precision::Fp32, NetworkCase{tiny_config(Body::Stack, 2), Query::Shot, 13, 17});
}
Complaints threads(const Backend& b) { return check_threads(b, Precision::Fp32, network_case()); }
Complaints calls(const Backend& b) { return check_calls(b, Precision::Fp32); }
Complaints rows(const Backend& b) { return check_rows(b, Precision::Fp32, 2); }
Complaints residual(const Backend& b) {
  return check(b, Precision::Fp32, OperatorCase{OperatorCase::ResidualConv, 8, 8, 5, 3});
}
Complaints dqa(const Backend& b) {
  return check(b, Precision::Fp32, OperatorCase{OperatorCase::Dqa, 8, 8, 5, 3});
}

TEST(BrokenBackend, WithoutAFaultPasses) {
  const Backend backend = broken(Fault::None);
  for (Check check : {parity, sharp, threads, calls, rows, residual, dqa})
    EXPECT_EQ(check(backend), Complaints{});
}

TEST(BrokenBackend, IsFoundWhateverItsFault) {
  const std::pair<Fault, Check> all[] = {
      {Fault::OnePixel, parity},         {Fault::NotANumber, parity},
      {Fault::Embedding, parity},        {Fault::QueriesInReverse, parity},
      {Fault::SetQueriesIgnored, calls}, {Fault::SharpnessIgnored, sharp},
      {Fault::WrongName, parity},        {Fault::ThreadsCount, threads},
      {Fault::RunsCount, rows},          {Fault::RowMissing, rows},
      {Fault::RowTwice, rows},           {Fault::OddStrips, rows},
      {Fault::NoContext, rows},          {Fault::ReadsOutside, rows},
      {Fault::SwallowsExceptions, rows}, {Fault::PlanForgets, calls},
      {Fault::EmbedConditions, calls},   {Fault::NeedsPlanFirst, calls},
      {Fault::IgnoresTheLimit, calls},   {Fault::BrokenByTheLimit, calls},
      {Fault::WritesOutside, residual},  {Fault::ResidualActivated, residual},
      {Fault::OtherPrecision, residual}, {Fault::LeavesAHole, dqa},
  };
  for (const auto& [fault, check] : all) {
    Complaints complaints;
    try {
      complaints = check(broken(fault));
    } catch (const std::exception& e) {
      complaints.emplace_back(e.what());
    }
    EXPECT_FALSE(complaints.empty()) << "fault " << static_cast<int>(fault);
  }
}

}  // namespace
}  // namespace cdsr::conformance
