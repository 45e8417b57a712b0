#include "model/network.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

#include "model/error.h"
#include "model/network_build.h"
#include "model/ranges.h"
#include "model/weights_header.h"

namespace cdsr {
namespace {

constexpr double kBatchNormEps = 1e-5;

/// The values of all tensors by name, checked against tensor_list(); take() hands each out once.
class TensorPool {
 public:
  TensorPool(std::map<std::string, std::vector<float>> values, std::string file)
      : values_(std::move(values)), file_(std::move(file)) {}

  std::vector<float> take(const std::string& name) {
    const auto it = values_.find(name);
    if (it == values_.end())
      fail(Errc::Internal, "{}: tensor '{}' is not in the list of tensors", file_, name);
    std::vector<float> out = std::move(it->second);
    values_.erase(it);
    return out;
  }
  float take_scalar(const std::string& name) { return take(name).at(0); }
  const std::string& file() const { return file_; }

 private:
  std::map<std::string, std::vector<float>> values_;
  std::string file_;
};

void check_finite(const std::vector<float>& values, const std::string& file, const std::string& what) {
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail(Errc::BadWeights, "{}: {}: value {} is {}, must be finite", file, what, i, values[i]);
}

/// Builds the structs of network.h from the named tensors; the order is tensor_list()'s.
class Builder {
 public:
  Builder(const CdsrConfig& config, TensorPool& pool) : c_(config), pool_(pool) {}

  std::shared_ptr<const Network> build(FeatureRanges ranges) {
    auto n = std::make_shared<Network>();
    n->config = c_;
    const int d = c_.embedding();
    n->encoder = encoder();
    for (int i = 0; i < 4; ++i) {
      n->compress[i] = linear(fmt::format("sr.compress.{}", 2 * i), d, d);
      n->compress_slope[i] = pool_.take_scalar(fmt::format("sr.compress.{}.weight", 2 * i + 1));
    }
    n->head = expert_conv("sr.head", c_.channels(), c_.nf);
    for (int b = 0; b < c_.blocks; ++b) n->blocks.push_back(block(fmt::format("sr.blocks.{}", b)));
    if (c_.body == Body::Rrdb) n->trunk = conv("sr.trunk", c_.nf, c_.nf, 3);
    n->tail = expert_conv("sr.tail", c_.nf, c_.channels() * c_.scale * c_.scale);
    n->experts = std::move(experts_);
    n->ranges = std::move(ranges);
    return n;
  }

 private:
  Linear linear(const std::string& name, int in, int out, bool bias = true) {
    Linear l{in, out, pool_.take(name + ".weight"), {}};
    if (bias) l.bias = pool_.take(name + ".bias");
    return l;
  }

  /// Stride 1, "same" padding.
  Conv conv(const std::string& name, int in, int out, int kernel) {
    return {in, out, kernel, 1, kernel / 2, pool_.take(name + ".weight"), pool_.take(name + ".bias")};
  }

  /// 3x3 convolution of the SR network; its experts, if it has any, go to experts_.
  Conv expert_conv(const std::string& name, int in, int out) {
    if (c_.experts == 1) return conv(name, in, out, 3);
    Experts e{linear(name + ".mixing", c_.embedding(), c_.experts),
              pool_.take(name + ".weight"),
              pool_.take(name + ".bias"),
              {},
              {}};
    if (c_.sharp) {
      e.sharp_weight = pool_.take(name + ".sharp_weight");
      e.sharp_bias = pool_.take(name + ".sharp_bias");
    }
    Conv mean{in, out, 3, 1, 1, mean_of(e.weight), mean_of(e.bias)};
    experts_.push_back(std::move(e));
    return mean;
  }

  /// The mean of the experts' values.
  std::vector<float> mean_of(const std::vector<float>& values) const {
    const auto experts = static_cast<size_t>(c_.experts);
    std::vector<float> mean(values.size() / experts);
    for (size_t i = 0; i < mean.size(); ++i) {
      double sum = 0;
      for (size_t k = 0; k < experts; ++k) sum += values[k * mean.size() + i];
      mean[i] = static_cast<float>(sum / c_.experts);
    }
    return mean;
  }

  /// Convolution and the batch-norm after it, folded: w' = w g, b' = (b - mean) g + beta, g = gamma /
  /// sqrt(var + eps).
  Conv conv_bn(const std::string& name, int in, int out, int kernel, int stride, int padding) {
    Conv conv{
        in, out, kernel, stride, padding, pool_.take(name + ".conv.weight"), pool_.take(name + ".conv.bias")};
    const std::vector<float> gamma = pool_.take(name + ".bn.weight"), beta = pool_.take(name + ".bn.bias");
    const std::vector<float> mean = pool_.take(name + ".bn.running_mean");
    const std::vector<float> var = pool_.take(name + ".bn.running_var");
    const size_t row = conv.weight.size() / static_cast<size_t>(out);
    for (size_t o = 0; o < static_cast<size_t>(out); ++o) {
      if (var[o] < 0)
        fail(Errc::BadWeights, "{}: tensor '{}.bn.running_var': value {} is {}, must be 0 or more",
             pool_.file(), name, o, var[o]);
      const double g = gamma[o] / std::sqrt(var[o] + kBatchNormEps);
      for (size_t i = o * row; i < (o + 1) * row; ++i)
        conv.weight[i] = static_cast<float>(conv.weight[i] * g);
      conv.bias[o] = static_cast<float>((static_cast<double>(conv.bias[o]) - mean[o]) * g + beta[o]);
    }
    check_finite(conv.weight, pool_.file(), name + ".conv.weight after folding its batch-norm");
    check_finite(conv.bias, pool_.file(), name + ".conv.bias after folding its batch-norm");
    return conv;
  }

  /// k_j = W Cb_j + b for every entry j: constants of the network.
  Linear folded_keys(const std::vector<float>& codebook, int d) {
    const Linear key = linear("csc.key", d, d);
    const auto n = static_cast<size_t>(d);
    std::vector<double> transposed(n * n);  // in x out: the inner loop below then runs along memory
    for (size_t o = 0; o < n; ++o)
      for (size_t i = 0; i < n; ++i) transposed[i * n + o] = key.weight[o * n + i];

    Linear keys{d, c_.codebook, std::vector<float>(codebook.size()), {}};
    std::vector<double> sum(n);
    for (size_t j = 0; j < static_cast<size_t>(c_.codebook); ++j) {
      sum.assign(key.bias.begin(), key.bias.end());
      for (size_t i = 0; i < n; ++i) {
        const double value = codebook[j * n + i];
        for (size_t o = 0; o < n; ++o) sum[o] += value * transposed[i * n + o];
      }
      for (size_t o = 0; o < n; ++o) keys.weight[j * n + o] = static_cast<float>(sum[o]);
    }
    check_finite(keys.weight, pool_.file(), "the keys folded from csc.key and csc.codebook");
    return keys;
  }

  /// Folds the statistics' mean and deviation into the layer that reads them.
  void standardize(Linear& layer) {
    const std::vector<float> mean = pool_.take("lpe.mean"), deviation = pool_.take("lpe.deviation");
    for (size_t i = 0; i < deviation.size(); ++i)
      if (!(deviation[i] > 0))
        fail(Errc::BadWeights, "{}: tensor 'lpe.deviation': value {} is {}, must be above 0", pool_.file(), i,
             deviation[i]);
    for (int o = 0; o < layer.out; ++o) {
      double bias = layer.bias[o];
      for (int i = 0; i < layer.in; ++i) {
        float& weight = layer.weight[static_cast<size_t>(o) * layer.in + i];
        const double folded = static_cast<double>(weight) / deviation[i];
        bias -= folded * mean[i];
        weight = static_cast<float>(folded);
      }
      layer.bias[o] = static_cast<float>(bias);
    }
    check_finite(layer.weight, pool_.file(), "csc.mlp.0.weight after folding the statistics");
    check_finite(layer.bias, pool_.file(), "csc.mlp.0.bias after folding the statistics");
  }

  Encoder encoder() {
    const int w = c_.lpe_nf, d = c_.embedding();
    Encoder e;
    const bool statistics = c_.lpe_input == LpeInput::Statistics;
    if (!statistics) {
      e.pixel[0] = conv_bn("lpe.pixel.0", c_.channels(), w, 7, 1, 3);
      e.pixel[1] = conv_bn("lpe.pixel.1", w, w, 1, 1, 0);
      e.pixel[2] = conv_bn("lpe.pixel.2", w, 2 * w, 3, 2, 1);
      e.pixel[3] = conv_bn("lpe.pixel.3", 2 * w, 2 * w, 1, 1, 0);
      e.pixel[4] = conv_bn("lpe.pixel.4", 2 * w, d, 7, 1, 3);
      e.pixel[5] = conv_bn("lpe.pixel.5", d, d, 1, 1, 0);
      e.patch[0] = conv_bn("lpe.patch.0", c_.channels(), w, kPatch, kPatch, 0);
      e.patch[1] = conv_bn("lpe.patch.1", w, w, 3, 1, 1);
      e.patch[2] = conv_bn("lpe.patch.2", w, 2 * w, 3, 1, 1);
      e.patch[3] = conv_bn("lpe.patch.3", 2 * w, d, 3, 1, 1);
    }
    e.codebook = pool_.take("csc.codebook");
    e.mlp0 = linear("csc.mlp.0", c_.features(), d);
    if (statistics) standardize(e.mlp0);
    e.mlp1 = linear("csc.mlp.1", d, d);
    e.query = linear("csc.query", d, d);
    e.keys = folded_keys(e.codebook, d);
    return e;
  }

  Dqa dqa(const std::string& p) {
    const int nf = c_.nf;
    Dqa q;
    q.gamma = pool_.take_scalar(p + ".gamma");
    q.query = linear(p + ".query", nf, nf);
    q.key = linear(p + ".key", nf, nf);
    q.value = linear(p + ".value", nf, nf);
    q.kernel0 = linear(p + ".kernel.0", nf, nf, false);
    q.kernel1 = linear(p + ".kernel.1", nf, nf * 9, false);
    q.conv = conv(p + ".conv", nf, nf, 1);
    q.gate0 = linear(p + ".gate.0", nf, nf / 2, false);
    q.gate1 = linear(p + ".gate.1", nf / 2, nf, false);
    return q;
  }

  DenseBlock dense(const std::string& p) {
    DenseBlock r;
    for (int i = 0; i < 5; ++i)
      r.conv[i] = conv(fmt::format("{}.conv{}", p, i + 1), c_.nf + i * c_.gc, i < 4 ? c_.gc : c_.nf, 3);
    return r;
  }

  Block block(const std::string& p) {
    const int d = c_.embedding(), nf = c_.nf;
    Block b;
    if (c_.body == Body::Stack) {
      b.conv1 = expert_conv(p + ".conv", nf, nf);
      return b;
    }
    b.modulation0 = linear(p + ".modulation.0", d, d);
    b.modulation_slope = pool_.take_scalar(p + ".modulation.1.weight");
    b.modulation1 = linear(p + ".modulation.2", d, nf);
    for (int i = 0; i < c_.dqas_per_block(); ++i) b.dqa[i] = dqa(fmt::format("{}.dqa{}", p, i + 1));
    b.conv1 = conv(p + ".conv1", nf, nf, 3);
    b.conv2 = conv(p + ".conv2", nf, nf, 3);
    if (c_.body == Body::Rrdb)
      for (int r = 0; r < 3; ++r) b.rdb[r] = dense(fmt::format("{}.rdb{}", p, r + 1));
    return b;
  }

  const CdsrConfig& c_;
  TensorPool& pool_;
  std::vector<Experts> experts_;
};

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

CdsrConfig stored_config(const WeightsFile& file) {
  const auto& metadata = file.metadata();
  const auto format = metadata.find("cdsr.format");
  if (format == metadata.end())
    fail(Errc::BadWeights, "{}: no cdsr.format in its metadata: not a CDSR network", file.name());
  if (format->second != "1")
    fail(Errc::BadWeights, "{}: cdsr.format is '{}', this version reads '1'", file.name(),
         printable(format->second));
  const auto config = metadata.find("cdsr.config");
  if (config == metadata.end()) fail(Errc::BadWeights, "{}: no cdsr.config in its metadata", file.name());
  try {
    return config_from_json(config->second);
  } catch (const Error& e) {
    fail(e.code(), "{}: {}", file.name(), e.what());
  }
}

}  // namespace

std::shared_ptr<const Network> build_network(const CdsrConfig& config,
                                             std::map<std::string, std::vector<float>> values,
                                             std::string file, FeatureRanges ranges) {
  TensorPool pool(std::move(values), std::move(file));
  return Builder(config, pool).build(std::move(ranges));
}

std::shared_ptr<const Network> load_network(const WeightsFile& file) {
  const CdsrConfig config = stored_config(file);
  const std::vector<TensorSpec> specs = tensor_list(config);
  std::map<std::string_view, const TensorSpec*> expected;
  for (const TensorSpec& s : specs) expected.emplace(s.name, &s);

  std::map<std::string, std::vector<float>> values;
  for (const TensorView& t : file.tensors()) {
    const auto it = expected.find(t.name);
    if (it == expected.end())
      fail(Errc::BadWeights, "{}: tensor '{}' {} does not belong to a {} network", file.name(),
           printable(t.name), shape_text(t.shape), config.name);
    const TensorSpec& spec = *it->second;
    if (t.shape != spec.shape)
      fail(Errc::BadWeights, "{}: tensor '{}': expected shape {}, found {}", file.name(), t.name,
           shape_text(spec.shape), shape_text(t.shape));
    std::vector<float> v = t.to_float();
    check_finite(v, file.name(), "tensor '" + t.name + "'");
    if (spec.kind != TensorKind::Training) values.emplace(t.name, std::move(v));
    expected.erase(it);
  }
  for (const TensorSpec& s : specs)
    if (s.kind != TensorKind::Training && expected.contains(s.name))
      fail(Errc::BadWeights, "{}: tensor '{}' is missing; expected shape {}", file.name(), s.name,
           shape_text(s.shape));
  return build_network(config, std::move(values), file.name(),
                       ranges_in(file.metadata(), config, file.name()));
}

}  // namespace cdsr
