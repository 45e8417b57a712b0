#include "model/config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/error.h"

namespace cdsr {
namespace {

using nlohmann::json;

CdsrConfig paper(const char* name, int blocks) {
  CdsrConfig c;
  c.name = name;
  c.blocks = blocks;
  return c;
}

/// Ours before the stack: a DQA in each block.
CdsrConfig plain() {
  CdsrConfig c;
  c.name = "cdsr-rt-dqa";
  c.nf = 32;
  c.blocks = 2;
  c.body = Body::Plain;
  c.skip = Skip::Bicubic;
  c.query = Query::Shot;
  c.lpe_nf = 16;
  c.lpe_input = LpeInput::Normalized;
  c.codebook = 256;
  return c;
}

/// Ours: a stack whose weights the shot chooses, on luma.
CdsrConfig blind(const char* name, int nf, int blocks) {
  CdsrConfig c;
  c.name = name;
  c.nf = nf;
  c.blocks = blocks;
  c.experts = 6;
  c.colour = Colour::Luma;
  c.body = Body::Stack;
  c.skip = Skip::Bicubic;
  c.query = Query::Shot;
  c.lpe_nf = 32;
  c.lpe_input = LpeInput::Statistics;
  c.codebook = 256;
  return c;
}

void check_range(const char* member, int value, int low, int high) {
  if (value < low || value > high)
    fail(Errc::InvalidArgument, "config: {} is {}, must be {} to {}", member, value, low, high);
}

template <typename E, size_t N>
E enum_from(std::string_view member, std::string_view text, const std::array<E, N>& values) {
  for (E e : values)
    if (text == to_string(e)) return e;
  fail(Errc::InvalidArgument, "config: {} is '{}', must be {}", member, text, [&] {
    std::string all;
    for (E e : values) all += std::string(all.empty() ? "" : " or ") + to_string(e);
    return all;
  }());
}

/// A member as a whole number. get<int>() would cut 32.5 to 32 and wrap 2^32 + 32 round to it.
int int_member(const json& j, const char* member) {
  const json& value = j.at(member);
  if (!value.is_number_integer() || value.dump().size() > 9)
    fail(Errc::InvalidArgument, "config: {} is {:.40}, must be a whole number", member, value.dump());
  return value.get<int>();
}

/// Collects tensor specifications under dotted prefixes.
class Lister {
 public:
  explicit Lister(std::vector<TensorSpec>& out) : out_(out) {}

  void add(const std::string& name, std::vector<int64_t> shape, TensorKind kind = TensorKind::Parameter) {
    out_.push_back({name, std::move(shape), kind});
  }
  void conv(const std::string& name, int64_t in, int64_t out, int64_t k) {
    add(name + ".weight", {out, in, k, k});
    add(name + ".bias", {out});
  }
  /// 3x3 convolution with the configuration's experts: the layer that weighs them comes first.
  void expert_conv(const CdsrConfig& c, const std::string& name, int64_t in, int64_t out) {
    if (c.experts == 1) return conv(name, in, out, 3);
    add(name + ".weight", {c.experts, out, in, 3, 3});
    add(name + ".bias", {c.experts, out});
    if (c.sharp) {
      add(name + ".sharp_weight", {out, in, 3, 3});
      add(name + ".sharp_bias", {out});
    }
    linear(name + ".mixing", c.embedding(), c.experts);
  }
  void linear(const std::string& name, int64_t in, int64_t out, bool bias = true,
              TensorKind kind = TensorKind::Parameter) {
    add(name + ".weight", {out, in}, kind);
    if (bias) add(name + ".bias", {out}, kind);
  }
  void prelu(const std::string& name) { add(name + ".weight", {1}); }
  /// Conv2d, BatchNorm2d, LeakyReLU: the LPE's basic block.
  void conv_bn(const std::string& name, int64_t in, int64_t out, int64_t k) {
    conv(name + ".conv", in, out, k);
    add(name + ".bn.weight", {out});
    add(name + ".bn.bias", {out});
    add(name + ".bn.running_mean", {out}, TensorKind::Buffer);
    add(name + ".bn.running_var", {out}, TensorKind::Buffer);
  }

 private:
  std::vector<TensorSpec>& out_;
};

void list_encoder(const CdsrConfig& c, Lister& l) {
  const int64_t w = c.lpe_nf, d = c.embedding();
  if (c.lpe_input == LpeInput::Statistics) {
    l.add("lpe.mean", {c.features()}, TensorKind::Buffer);
    l.add("lpe.deviation", {c.features()}, TensorKind::Buffer);
  } else {
    l.conv_bn("lpe.pixel.0", c.channels(), w, 7);
    l.conv_bn("lpe.pixel.1", w, w, 1);
    l.conv_bn("lpe.pixel.2", w, 2 * w, 3);
    l.conv_bn("lpe.pixel.3", 2 * w, 2 * w, 1);
    l.conv_bn("lpe.pixel.4", 2 * w, d, 7);
    l.conv_bn("lpe.pixel.5", d, d, 1);
    l.conv_bn("lpe.patch.0", c.channels(), w, kPatch);
    l.conv_bn("lpe.patch.1", w, w, 3);
    l.conv_bn("lpe.patch.2", w, 2 * w, 3);
    l.conv_bn("lpe.patch.3", 2 * w, d, 3);
  }
  l.add("csc.codebook", {c.codebook, d});
  l.linear("csc.mlp.0", c.features(), d);
  l.linear("csc.mlp.1", d, d);
  l.linear("csc.query", d, d);
  l.linear("csc.key", d, d);
  l.linear("head.0", d, d, true, TensorKind::Training);
  l.linear("head.1", d, d, true, TensorKind::Training);
}

void list_dqa(const std::string& p, int64_t nf, Lister& l) {
  l.add(p + ".gamma", {1});
  l.linear(p + ".query", nf, nf);
  l.linear(p + ".key", nf, nf);
  l.linear(p + ".value", nf, nf);
  l.linear(p + ".kernel.0", nf, nf, false);
  l.linear(p + ".kernel.1", nf, nf * 9, false);
  l.conv(p + ".conv", nf, nf, 1);
  l.linear(p + ".gate.0", nf, nf / 2, false);
  l.linear(p + ".gate.1", nf / 2, nf, false);
}

void list_block(const CdsrConfig& c, const std::string& p, Lister& l) {
  const int64_t nf = c.nf, d = c.embedding(), gc = c.gc;
  if (c.body == Body::Stack) return l.expert_conv(c, p + ".conv", nf, nf);
  l.linear(p + ".modulation.0", d, d);
  l.prelu(p + ".modulation.1");
  l.linear(p + ".modulation.2", d, nf);
  list_dqa(p + ".dqa1", nf, l);
  if (c.body == Body::Rrdb) list_dqa(p + ".dqa2", nf, l);
  l.conv(p + ".conv1", nf, nf, 3);
  l.conv(p + ".conv2", nf, nf, 3);
  if (c.body != Body::Rrdb) return;
  for (int r = 1; r <= 3; ++r) {
    const std::string rdb = fmt::format("{}.rdb{}", p, r);
    for (int64_t i = 0; i < 4; ++i) l.conv(fmt::format("{}.conv{}", rdb, i + 1), nf + i * gc, gc, 3);
    l.conv(rdb + ".conv5", nf + 4 * gc, nf, 3);
  }
}

}  // namespace

const char* to_string(Body body) {
  return body == Body::Rrdb ? "rrdb" : body == Body::Plain ? "plain" : "stack";
}
const char* to_string(Skip skip) { return skip == Skip::None ? "none" : "bicubic"; }
const char* to_string(Query query) { return query == Query::Frame ? "frame" : "shot"; }
const char* to_string(LpeInput input) {
  return input == LpeInput::Rgb ? "rgb" : input == LpeInput::Normalized ? "normalized" : "statistics";
}
const char* to_string(Colour colour) { return colour == Colour::Rgb ? "rgb" : "luma"; }

Query query_from_string(std::string_view text) {
  return enum_from("query", text, std::array{Query::Frame, Query::Shot});
}

const std::vector<std::string>& config_names() {
  static const std::vector<std::string> names = {"cdsr-10", "cdsr-5",  "cdsr-2",
                                                 "cdsr-hq", "cdsr-rt", "cdsr-rt-dqa"};
  return names;
}

CdsrConfig config_by_name(std::string_view name, int scale) {
  CdsrConfig c;
  if (name == "cdsr-10")
    c = paper("cdsr-10", 10);
  else if (name == "cdsr-5")
    c = paper("cdsr-5", 5);
  else if (name == "cdsr-2")
    c = paper("cdsr-2", 2);
  else if (name == "cdsr-rt")
    c = blind("cdsr-rt", 32, 5);
  else if (name == "cdsr-hq")
    c = blind("cdsr-hq", 48, 14);
  else if (name == "cdsr-rt-dqa")
    c = plain();
  else
    fail(Errc::InvalidArgument, "no network is named '{}': the names are {}", name,
         fmt::join(config_names(), ", "));
  c.scale = scale;
  validate(c);
  return c;
}

void validate(const CdsrConfig& c) {
  const bool plain_name = std::all_of(c.name.begin(), c.name.end(), [](unsigned char ch) {
    return std::isalnum(ch) != 0 || ch == '.' || ch == '-' || ch == '_';
  });
  if (c.name.empty() || c.name.size() > 64 || !plain_name)
    fail(Errc::InvalidArgument, "config: name is '{:.70}', must be 1 to 64 letters, digits, '.', '-', '_'",
         c.name);
  check_range("scale", c.scale, 2, 4);
  check_range("nf", c.nf, 8, 256);
  if (c.nf % 8 != 0) fail(Errc::InvalidArgument, "config: nf is {}, must be a multiple of 8", c.nf);
  if (c.body == Body::Rrdb) check_range("gc", c.gc, 8, 256);
  check_range("blocks", c.blocks, 1, 64);
  check_range("experts", c.experts, 1, c.body == Body::Stack ? 16 : 1);
  if (c.sharp && c.experts == 1)
    fail(Errc::InvalidArgument, "config: sharp is true, must be false for a network without experts");
  if (c.body == Body::Stack && c.query != Query::Shot)
    fail(Errc::InvalidArgument, "config: query is frame, must be shot for body stack, which has no DQA");
  check_range("lpe_nf", c.lpe_nf, 4, 256);
  if (c.lpe_input == LpeInput::Statistics && c.colour != Colour::Luma)
    fail(Errc::InvalidArgument, "config: lpe_input is statistics, must be rgb or normalized for colour rgb");
  check_range("codebook", c.codebook, 2, 65536);
}

std::string to_json(const CdsrConfig& c) {
  json j = {{"name", c.name},
            {"scale", c.scale},
            {"nf", c.nf},
            {"gc", c.gc},
            {"blocks", c.blocks},
            {"experts", c.experts},
            {"colour", to_string(c.colour)},
            {"body", to_string(c.body)},
            {"skip", to_string(c.skip)},
            {"query", to_string(c.query)},
            {"lpe_nf", c.lpe_nf},
            {"lpe_input", to_string(c.lpe_input)},
            {"codebook", c.codebook}};
  if (c.sharp) j["sharp"] = true;  // a program from before the member reads all other files
  return j.dump();
}

CdsrConfig config_from_json(std::string_view text) {
  try {
    const json j = json::parse(text);
    if (!j.is_object()) fail(Errc::InvalidArgument, "config: a {}, must be an object", j.type_name());
    CdsrConfig c;
    c.name = j.at("name").get<std::string>();
    c.scale = int_member(j, "scale");
    c.nf = int_member(j, "nf");
    c.gc = int_member(j, "gc");
    c.blocks = int_member(j, "blocks");
    c.body =
        enum_from("body", j.at("body").get<std::string>(), std::array{Body::Rrdb, Body::Plain, Body::Stack});
    c.skip = enum_from("skip", j.at("skip").get<std::string>(), std::array{Skip::None, Skip::Bicubic});
    c.query = query_from_string(j.at("query").get<std::string>());
    c.lpe_nf = int_member(j, "lpe_nf");
    c.lpe_input = enum_from("lpe_input", j.at("lpe_input").get<std::string>(),
                            std::array{LpeInput::Rgb, LpeInput::Normalized, LpeInput::Statistics});
    c.codebook = int_member(j, "codebook");
    // Files from before these members have neither.
    size_t members = 11;
    if (j.contains("experts")) {
      c.experts = int_member(j, "experts");
      c.colour =
          enum_from("colour", j.at("colour").get<std::string>(), std::array{Colour::Rgb, Colour::Luma});
      members = 13;
    }
    if (j.contains("sharp")) {
      c.sharp = j.at("sharp").get<bool>();
      ++members;
    }
    if (j.size() != members) fail(Errc::InvalidArgument, "config: {} members, must be {}", j.size(), members);
    validate(c);
    return c;
  } catch (const json::exception& e) {
    fail(Errc::BadWeights, "cdsr.config: {}", e.what());
  } catch (const Error& e) {
    fail(Errc::BadWeights, "cdsr.config: {}", e.what());
  }
}

int64_t TensorSpec::count() const {
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  return n;
}

std::vector<TensorSpec> tensor_list(const CdsrConfig& c) {
  std::vector<TensorSpec> out;
  Lister l(out);
  const int64_t d = c.embedding();
  list_encoder(c, l);
  for (int i = 0; i < 4; ++i) {
    l.linear(fmt::format("sr.compress.{}", 2 * i), d, d);
    l.prelu(fmt::format("sr.compress.{}", 2 * i + 1));
  }
  l.expert_conv(c, "sr.head", c.channels(), c.nf);
  for (int b = 0; b < c.blocks; ++b) list_block(c, fmt::format("sr.blocks.{}", b), l);
  if (c.body == Body::Rrdb) l.conv("sr.trunk", c.nf, c.nf, 3);
  l.expert_conv(c, "sr.tail", c.nf, int64_t{c.channels()} * c.scale * c.scale);
  return out;
}

int64_t parameter_count(const CdsrConfig& c) {
  int64_t n = 0;
  for (const TensorSpec& t : tensor_list(c))
    if (t.kind != TensorKind::Buffer) n += t.count();
  return n;
}

double MacCount::image(int width, int height) const {
  const double pixels = static_cast<double>(width) * height;
  return pixels * (static_cast<double>(sr_per_pixel) + encoder_per_pixel) +
         static_cast<double>(per_shot + per_frame);
}

MacCount mac_count(const CdsrConfig& c) {
  MacCount m;
  const int64_t nf = c.nf, d = c.embedding(), w = c.lpe_nf, gc = c.gc;
  const int64_t conv3 = nf * nf * 9, channels = c.channels();
  const int64_t dqa = nf * 9 + nf * nf;  // dynamic depthwise, 1x1
  int64_t block = c.dqas_per_block() * dqa + (c.body == Body::Stack ? 1 : 2) * conv3;
  if (c.body == Body::Rrdb) {
    int64_t rdb = (nf + 4 * gc) * nf * 9;
    for (int64_t i = 0; i < 4; ++i) rdb += (nf + i * gc) * gc * 9;
    block += 3 * rdb;
  }
  m.sr_per_pixel = channels * nf * 9 + c.blocks * block + (c.body == Body::Rrdb ? conv3 : 0) +
                   nf * channels * c.scale * c.scale * 9;

  const double pixel = static_cast<double>(channels) * w * 49 + w * w +
                       (w * 2 * w * 9 + 4 * w * w + 2 * w * d * 49 + d * d) / 4.0;
  const double area = static_cast<double>(kPatch) * kPatch;
  const double patch =
      (static_cast<double>(channels) * w * area + w * w * 9 + w * 2 * w * 9 + 2 * w * d * 9) / area;
  m.encoder_per_pixel = c.lpe_input == LpeInput::Statistics ? 0 : pixel + patch;

  const int64_t csc = c.features() * d + d * d + d * d + 2 * d * c.codebook;  // folded keys
  const int64_t modulation = c.dqas() > 0 ? d * d + d * nf : 0;
  const int64_t key_value_gate = 2 * nf * nf + nf * nf;
  // Every convolution with experts asks E' for their weights and is summed from them.
  int64_t mixing = 0;
  if (c.experts > 1) {
    const int64_t weights = m.sr_per_pixel;  // stride 1: as many as a pixel costs
    mixing = c.experts * ((c.blocks + 2) * d + weights) + (c.sharp ? weights : 0);
  }
  m.per_shot = csc + 4 * d * d + c.blocks * modulation + c.dqas() * key_value_gate + mixing;
  m.per_frame = c.dqas() * (nf * nf + 2 * nf * nf + nf * nf + nf * nf * 9);
  return m;
}

}  // namespace cdsr
