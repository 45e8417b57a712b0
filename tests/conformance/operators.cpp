// Bounds are on the normalized error, sum of squared differences over sum of squares. fp32: the reference
// sums in double, others in fp32 in an order of their own: rounding of 2^-24 a product, far below 1e-11.
// bf16: input, weights and result are rounded to 8 bits, each an error of about 2^-9 / sqrt(3) of the
// value, 1.3e-6 in power; a handful of such roundings one after the other stay below 3e-5. fp16 rounds eight
// times finer.
#include "model/operators.h"

#include "model/error.h"
#include "model/reference/reference.h"
#include "tests/conformance/checks.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"
#include "tests/model/tiny.h"

namespace cdsr::conformance {
namespace {

using test::random_values;

double bound(Precision p) { return p == Precision::Fp32 ? 1e-11 : p == Precision::Fp16 ? 1e-6 : 3e-5; }
/// Vectors are fp32 in every precision.
constexpr double kVectorBound = 1e-11;

constexpr size_t kGuard = 64;
constexpr float kGuardValue = -12345.5F;

/// Floats between guards.
class Guarded {
 public:
  explicit Guarded(size_t count) : data_(count + 2 * kGuard, kGuardValue) {}
  float* data() { return data_.data() + kGuard; }
  std::span<float> span() { return std::span(data_).subspan(kGuard, data_.size() - 2 * kGuard); }
  std::vector<float> values() const { return {data_.begin() + kGuard, data_.end() - kGuard}; }
  bool intact() const {
    for (size_t i = 0; i < kGuard; ++i)
      if (data_[i] != kGuardValue || data_[data_.size() - 1 - i] != kGuardValue) return false;
    return true;
  }

 private:
  std::vector<float> data_;
};

/// Weights, inputs and what is asked of an operator.
class Problem {
 public:
  explicit Problem(const OperatorCase& c) : case_(c) {
    CdsrConfig config = tiny_config(Body::Rrdb, c.scale);
    config.nf = c.nf;
    config.gc = c.gc;
    network_ = random_network(config, 5);
    x_ = random_values(count(c.nf), 1);
    residual_ = random_values(count(c.nf), 2);
    picture_ = random_values(count(3), 3);
    gate_ = random_values(c.nf, 4);
    filter_ = random_values(size_t{9} * c.nf, 5);
    y_ = random_values(c.nf, 6);
    query_ = random_values(c.nf, 7);
  }

  /// Floats of the result.
  size_t size() const {
    if (case_.kind == OperatorCase::DqaVectors) return size_t{10} * case_.nf;
    return case_.kind == OperatorCase::Tail ? count(3) * case_.scale * case_.scale : count(case_.nf);
  }

  void run(Operators& operators, Guarded& out) const {
    const Block& block = network_->blocks[1];
    const ConstMap x = map(x_, case_.nf), residual = map(residual_, case_.nf);
    const Map to{case_.nf, case_.height, case_.width, out.data()};
    switch (case_.kind) {
      case OperatorCase::Conv:
        return operators.conv(block.conv1, 1, x, nullptr, to);
      case OperatorCase::ActivatedConv:
        return operators.conv(block.conv1, 0.1F, x, nullptr, to);
      case OperatorCase::ResidualConv:
        return operators.conv(block.conv2, 1, x, &residual, to);
      case OperatorCase::PointwiseConv:
        return operators.conv(block.dqa[0].conv, 0.1F, x, nullptr, to);
      case OperatorCase::Dqa:
        return operators.dqa(block.dqa[1], gate_, filter_, x, to);
      case OperatorCase::DqaVectors:
        return operators.dqa_vectors(block.dqa[1], y_, query_, out.span().first(case_.nf),
                                     out.span().subspan(case_.nf));
      case OperatorCase::DenseBlock:
        return operators.dense_block(block.rdb[1], x, to);
      case OperatorCase::Tail:
        return operators.tail(network_->tail, case_.scale, case_.skip, x, map(picture_, 3),
                              {3, case_.height * case_.scale, case_.width * case_.scale, out.data()});
    }
  }

 private:
  size_t count(int channels) const { return static_cast<size_t>(channels) * case_.height * case_.width; }
  ConstMap map(const std::vector<float>& values, int channels) const {
    return {channels, case_.height, case_.width, values.data()};
  }

  OperatorCase case_;
  std::shared_ptr<const Network> network_;
  std::vector<float> x_, residual_, picture_, gate_, filter_, y_, query_;
};

EngineOptions options_of(Precision precision) {
  EngineOptions options;
  options.precision = precision;
  options.threads = 2;
  return options;
}

}  // namespace

std::vector<Precision> precisions(const Backend& backend) {
  std::vector<Precision> all;
  for (Precision p : {Precision::Fp32, Precision::Fp16, Precision::Bf16}) try {
      create_operators(backend, options_of(p));
      all.push_back(p);
    } catch (const Error& e) {
      if (e.code() != Errc::Unsupported) throw;
    }
  return all;
}

std::vector<OperatorCase> operator_cases() {
  std::vector<OperatorCase> all;
  const auto add = [&](int nf, int gc, int width, int height) {
    using C = OperatorCase;
    for (C::Kind kind : {C::Conv, C::ActivatedConv, C::ResidualConv, C::PointwiseConv, C::Dqa, C::DenseBlock})
      all.push_back({kind, nf, gc, width, height});
    for (int scale : {2, 3, 4})
      for (Skip skip : {Skip::None, Skip::Bicubic})
        all.push_back({C::Tail, nf, gc, width, height, scale, skip});
  };
  // Channels that fill no vector and leave padding; and those of the paper's networks.
  for (auto [w, h] : {std::pair{1, 1}, {2, 1}, {11, 11}, {13, 7}, {33, 47}, {5, 150}, {301, 3}})
    add(24, 16, w, h);
  for (auto [w, h] : {std::pair{1, 1}, {13, 7}, {35, 19}}) add(64, 32, w, h);
  for (int nf : {8, 24, 64}) all.push_back({OperatorCase::DqaVectors, nf, 16, 1, 1});
  return all;
}

std::string to_string(const OperatorCase& c) {
  static constexpr const char* kNames[] = {"conv", "conv_activated", "conv_residual", "conv_1x1",
                                           "dqa",  "dqa_vectors",    "dense",         "tail"};
  std::string text = fmt::format("{}_nf{}", kNames[c.kind], c.nf);
  if (c.kind == OperatorCase::DqaVectors) return text;
  if (c.kind == OperatorCase::DenseBlock) text += fmt::format("_gc{}", c.gc);
  if (c.kind == OperatorCase::Tail) text += fmt::format("_x{}_{}", c.scale, to_string(c.skip));
  return fmt::format("{}_{}x{}", text, c.width, c.height);
}

Complaints check(const Backend& backend, Precision precision, const OperatorCase& c) {
  const auto got_operators = create_operators(backend, options_of(precision));
  const auto want_operators = reference::operators({});
  const Problem problem(c);
  Guarded got(problem.size()), want(problem.size());
  problem.run(*got_operators, got);
  problem.run(*want_operators, want);
  Complaints complaints;
  if (got_operators->precision() != precision)
    complaints.push_back(fmt::format("precision is {}, {} was asked for",
                                     to_string(got_operators->precision()), to_string(precision)));
  if (!got.intact()) complaints.emplace_back("wrote outside its output");
  const double most = c.kind == OperatorCase::DqaVectors ? kVectorBound : bound(precision);
  const double error = normalized_error(got.values(), want.values());
  if (!(error <= most))
    complaints.push_back(fmt::format("normalized error {:.3g}, at most {:.3g} is rounding", error, most));
  return complaints;
}

}  // namespace cdsr::conformance
