// Random weights for tests and benchmarks. Only +, -, *, / and sqrt on doubles, so every machine gets the
// same bits; each tensor has its own generator, seeded by its name, so adding a tensor changes no other.
#include <cmath>
#include <string_view>

#include "model/error.h"
#include "model/network.h"
#include "model/network_build.h"

namespace cdsr {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  Random(uint32_t seed, std::string_view name) : state_(0xCBF29CE484222325ULL ^ seed) {
    for (unsigned char c : name) state_ = (state_ ^ c) * 0x100000001B3ULL;  // FNV-1a
    next();
  }

  /// In [low, high), 24 random bits.
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(next() >> 40) * 0x1p-24;
  }
  /// Mean 0, variance 1: twelve uniforms, no logarithm, so no machine's libm.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform(0, 1);
    return sum;
  }

 private:
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

bool ends_with(std::string_view text, std::string_view end) { return text.ends_with(end); }
bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Gain on sqrt(3 / fan_in), the bound that keeps the variance of what passes through a layer. LibTorch's
/// default, 1 / sqrt(fan_in), loses two thirds of it at every layer: after ten of them a wrong tap would hide
/// in rounding.
double weight_gain(const CdsrConfig& c, std::string_view name) {
  // Ten blocks of dense blocks must not blow up; the training's initialization has 0.1 here, which leaves too
  // little of the dense path to be seen in bf16.
  if (has(name, ".rdb")) return 0.6;
  // Logits of the codebook with a deviation near 2: several entries take part.
  if (name == "csc.query.weight") return 2 / std::sqrt(static_cast<double>(c.embedding()));
  // What sharpness adds is less than what it is added to.
  const bool tail = name == "sr.tail.weight" || name == "sr.tail.sharp_weight";
  if (has(name, ".sharp_")) return tail ? 0.05 : 0.5;
  // The picture stays near [0, 1], the correction to the bicubic picture small.
  if (tail) return c.skip == Skip::None ? 0.2 : 0.1;
  return 1;
}

std::vector<float> random_values(const CdsrConfig& c, const TensorSpec& spec, uint32_t seed, int64_t fan_in) {
  Random random(seed, spec.name);
  const std::string_view name = spec.name;
  const double root = std::sqrt(static_cast<double>(fan_in));
  const auto draw = [&]() -> double {
    if (name == "csc.codebook") return random.normal();
    if (ends_with(name, ".gamma")) return random.uniform(0.3, 0.9);
    if (ends_with(name, ".running_mean")) return random.uniform(-0.2, 0.2);
    if (name == "lpe.deviation") return random.uniform(0.5, 1.5);
    if (ends_with(name, ".running_var")) return random.uniform(0.5, 1.5);
    if (ends_with(name, ".bn.weight")) return random.uniform(0.7, 1.3);
    if (ends_with(name, ".bn.bias")) return random.uniform(-0.2, 0.2);
    if (spec.shape.size() == 1 && ends_with(name, ".weight")) return random.uniform(0.1, 0.4);  // PReLU
    if (name == "sr.tail.bias")
      return c.skip == Skip::None ? random.uniform(0.4, 0.6) : random.uniform(-0.02, 0.02);
    if (ends_with(name, ".bias")) return random.uniform(-1, 1) / root;
    return random.uniform(-1, 1) * weight_gain(c, name) * std::sqrt(3.0) / root;
  };
  std::vector<float> values(static_cast<size_t>(spec.count()));
  for (float& v : values) v = static_cast<float>(draw());
  return values;
}

}  // namespace

std::vector<NamedTensor> random_tensors(const CdsrConfig& config, uint32_t seed) {
  validate(config);
  std::vector<NamedTensor> out;
  int64_t fan_in = 1;  // a bias has that of the weight before it
  for (const TensorSpec& spec : tensor_list(config)) {
    const bool experts = spec.shape.size() == 5;  // experts x out x in x 3 x 3
    if (spec.shape.size() > 1 && !spec.name.ends_with(".bias"))
      fan_in = spec.count() / (spec.shape[0] * (experts ? spec.shape[1] : 1));
    out.push_back({spec.name, spec.shape, random_values(config, spec, seed, fan_in)});
  }
  return out;
}

std::shared_ptr<const Network> random_network(const CdsrConfig& config, uint32_t seed) {
  std::map<std::string, std::vector<float>> values;
  for (NamedTensor& t : random_tensors(config, seed)) values.emplace(std::move(t.name), std::move(t.values));
  return build_network(config, std::move(values), fmt::format("random network, seed {}", seed));
}

}  // namespace cdsr
