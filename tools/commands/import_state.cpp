#include "tools/commands/import_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "model/error.h"

namespace cdsr::tools {
namespace {

constexpr std::string_view kEncoder = "E.encoder_q.", kKeyEncoder = "E.encoder_k.";

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t dot = text.find('.');
    parts.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    text.remove_prefix(dot + 1);
  }
}

std::string join(const std::vector<std::string>& parts, size_t from) {
  std::string out;
  for (size_t i = from; i < parts.size(); ++i) out += "." + parts[i];
  return out;
}

/// The published lists count activations between their linear layers.
std::string twice(const std::string& index) { return std::to_string(2 * std::stoi(index)); }

std::string encoder_name(const std::vector<std::string>& p) {
  const std::string e(kEncoder);
  if (p[0] == "lpe")  // lpe.pixel.N.conv.weight
    return fmt::format("{}{}conv{}.{}1{}", e, p[1] == "patch" ? "p" : "", std::stoi(p[2]) + 1, p[3],
                       join(p, 4));
  if (p[0] == "head") return e + "mlp." + twice(p[1]) + join(p, 2);
  if (p[1] == "codebook") return e + "feature_bank.weight";
  if (p[1] == "mlp") return e + "mlp1." + twice(p[2]) + join(p, 3);
  return e + (p[1] == "query" ? "fc_q" : "fc_k") + join(p, 2);
}

/// p[3] on: what follows sr.blocks.N.
std::string block_name(const std::vector<std::string>& p) {
  const std::string block = "G.RRDB_trunk." + p[2] + ".";
  if (p[3] == "modulation") return block + "SFT.fc" + join(p, 4);
  if (p[3].starts_with("conv")) return block + "SFT.dab" + join(p, 3);
  if (p[3].starts_with("rdb")) return block + "RDB" + p[3].substr(3) + join(p, 4);
  const std::string dqa = block + "SFT.dab.da_conv" + p[3].substr(3) + ".";
  if (p[4] == "gamma") return dqa + "sf_attn.gamma";
  if (p[4] == "kernel") return dqa + "kernel." + twice(p[5]) + join(p, 6);
  if (p[4] == "gate") return dqa + "ca.conv_du." + twice(p[5]) + join(p, 6);
  if (p[4] == "conv") return dqa + "conv" + join(p, 5);
  return dqa + "sf_attn." + p[4] + "_conv" + join(p, 5);
}

/// The published channel attention is two 1x1 convolutions on a 1x1 picture, ours two linear layers.
std::vector<int64_t> published_shape(const TensorSpec& spec) {
  std::vector<int64_t> shape = spec.shape;
  if (spec.name.find(".gate.") != std::string::npos) shape.insert(shape.end(), {1, 1});
  return shape;
}

/// What a training keeps beside the network, told by exact names: the key encoder, the queue and, as whole
/// numbers, the queue's pointer and batch-norm's counters.
class Bookkeeping {
 public:
  explicit Bookkeeping(const CdsrConfig& config) {
    constexpr std::string_view kVariance = "running_var";
    others_.insert("E.queue");
    counters_.insert("E.queue_ptr");
    for (const TensorSpec& spec : tensor_list(config)) {
      std::string name = published_name(spec.name);
      if (!name.starts_with(kEncoder)) continue;
      std::string key = std::string(kKeyEncoder) + name.substr(kEncoder.size());
      others_.insert(key);
      if (!name.ends_with(kVariance)) continue;
      for (std::string* n : {&name, &key}) {
        n->replace(n->size() - kVariance.size(), kVariance.size(), "num_batches_tracked");
        counters_.insert(*n);
      }
    }
  }
  bool counter(const std::string& name) const { return counters_.contains(name); }
  bool has(const std::string& name) const { return counter(name) || others_.contains(name); }

 private:
  std::set<std::string> others_, counters_;
};

int64_t dimension(const WeightsFile& file, const std::string& name, size_t rank, size_t axis) {
  const TensorView* t = file.find(name);
  if (t == nullptr)
    fail(Errc::BadWeights,
         "{}: tensor '{}' is missing: not a state dictionary of the published code's BlindSR module "
         "(E.encoder_q.*, G.*)",
         file.name(), name);
  if (t->shape.size() != rank)
    fail(Errc::BadWeights, "{}: tensor '{}': {} dimensions, must be {}", file.name(), name, t->shape.size(),
         rank);
  return t->shape[axis];
}

/// One more than the highest N of G.RRDB_trunk.N.
int count_blocks(const WeightsFile& file) {
  constexpr std::string_view prefix = "G.RRDB_trunk.";
  int blocks = 0;
  for (const TensorView& t : file.tensors()) {
    if (!t.name.starts_with(prefix)) continue;
    int n = 0;
    const char* begin = t.name.data() + prefix.size();
    const auto [end, error] = std::from_chars(begin, t.name.data() + t.name.size(), n);
    if (error == std::errc() && *end == '.' && n < 64) blocks = std::max(blocks, n + 1);
  }
  return blocks;
}

CdsrConfig config_of(const WeightsFile& file) {
  const auto side = [&](const std::string& name, size_t rank, size_t axis) {
    return static_cast<int>(std::min<int64_t>(dimension(file, name, rank, axis), 1 << 20));
  };
  CdsrConfig c;
  c.name = "imported";
  c.nf = side("G.conv_first.weight", 4, 0);
  c.gc = side("G.RRDB_trunk.0.RDB1.conv1.weight", 4, 0);
  c.blocks = count_blocks(file);
  c.lpe_nf = side("E.encoder_q.conv1.conv1.weight", 4, 0);
  c.codebook = side("E.encoder_q.feature_bank.weight", 2, 0);
  const int out = side("G.upsampler.0.weight", 4, 0);
  for (c.scale = 2; c.scale < 4 && 3 * c.scale * c.scale != out;) ++c.scale;
  if (3 * c.scale * c.scale != out)
    fail(Errc::BadWeights, "{}: tensor 'G.upsampler.0.weight' has {} output channels, must be 12, 27 or 48",
         file.name(), out);
  try {
    validate(c);
  } catch (const Error& e) {
    fail(Errc::BadWeights, "{}: {}", file.name(), e.what());
  }
  for (const std::string& name : config_names()) {
    CdsrConfig known = config_by_name(name, c.scale);
    known.name = c.name;
    if (known == c) c.name = name;
  }
  return c;
}

/// Collects what is wrong with a file, eight names of a kind.
class Complaints {
 public:
  void add(const std::string& text) {
    if (++count_ <= 8) text_ += (text_.empty() ? "" : ", ") + text;
  }
  std::string text(const char* kind) const {
    if (count_ == 0) return {};
    return fmt::format("\n  {}: {}{}", kind, text_,
                       count_ > 8 ? fmt::format(" and {} more", count_ - 8) : std::string());
  }

 private:
  size_t count_ = 0;
  std::string text_;
};

}  // namespace

std::string published_name(const std::string& ours) {
  const std::vector<std::string> p = split(ours);
  if (p[0] != "sr") return encoder_name(p);
  if (p[1] == "blocks") return block_name(p);
  if (p[1] == "compress") return "G.compress" + join(p, 2);
  if (p[1] == "head") return "G.conv_first" + join(p, 2);
  return (p[1] == "trunk" ? "G.trunk_conv" : "G.upsampler.0") + join(p, 2);
}

ImportedState import_state(const WeightsFile& file) {
  ImportedState out;
  out.config = config_of(file);
  const Bookkeeping bookkeeping(out.config);
  Complaints missing, misshapen, mistyped, unknown;
  std::set<std::string> used;
  for (const TensorSpec& spec : tensor_list(out.config)) {
    const std::string name = published_name(spec.name);
    used.insert(name);
    const TensorView* t = file.find(name);
    const std::vector<int64_t> shape = published_shape(spec);
    if (t == nullptr) {
      missing.add(name);
    } else if (t->shape != shape) {
      misshapen.add(
          fmt::format("{} is [{}], must be [{}]", name, fmt::join(t->shape, ", "), fmt::join(shape, ", ")));
    } else if (t->dtype != DType::I64) {  // complained of below
      out.tensors.push_back({spec.name, spec.shape, t->to_float()});
    }
  }
  for (const TensorView& t : file.tensors()) {
    if (t.dtype == DType::I64 && !bookkeeping.counter(t.name))
      mistyped.add(t.name + " is I64, must be F32, F16 or BF16");
    else if (bookkeeping.has(t.name))
      ++out.left_out;
    else if (!used.contains(t.name))
      unknown.add(t.name);
  }
  const std::string wrong = missing.text("missing") + misshapen.text("misshapen") +
                            mistyped.text("mistyped") + unknown.text("unknown");
  if (!wrong.empty())
    fail(Errc::BadWeights, "{}: read as {} x{} of {} blocks, but:{}", file.name(), out.config.name,
         out.config.scale, out.config.blocks, wrong);
  return out;
}

}  // namespace cdsr::tools
