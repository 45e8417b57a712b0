// The command `cdsr info`: what a network is, what it costs, what its file says.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "model/degradation_reader.h"
#include "model/error.h"
#include "model/find_model.h"
#include "model/golden.h"
#include "model/ranges.h"
#include "model/registry.h"
#include "model/weights_header.h"
#include "tools/commands/commands.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::string model;
  int scale = 2;
  bool tensors = false;
};

void line(std::string_view label, const std::string& text) { fmt::print("{:<22}{}\n", label, text); }

int64_t parameters_below(const CdsrConfig& config, std::string_view prefix) {
  int64_t n = 0;
  for (const TensorSpec& t : tensor_list(config))
    if (t.kind != TensorKind::Buffer && t.name.starts_with(prefix)) n += t.count();
  return n;
}

/// 13,232,558.
std::string grouped(int64_t n) {
  if (n < 1000) return std::to_string(n);
  return fmt::format("{},{:03}", grouped(n / 1000), n % 1000);
}

void print_config(const CdsrConfig& c) {
  line("network", fmt::format("{}, x{}", c.name, c.scale));
  line("configuration", to_json(c));
  const int64_t all = parameter_count(c), sr = parameters_below(c, "sr."),
                head = parameters_below(c, "head.");
  line("parameters",
       fmt::format("{} (encoder {}, SR network {})", grouped(all), grouped(all - sr), grouped(sr)));
  line("", fmt::format("{} of the encoder's are the contrastive head, for training alone", grouped(head)));
  const MacCount m = mac_count(c);
  line("MAC per LR pixel", fmt::format("{} SR network, every frame; {} encoder, once a shot",
                                       grouped(m.sr_per_pixel), grouped(std::llround(m.encoder_per_pixel))));
  line("MAC, size-independent", fmt::format("{} a shot; {} {}", grouped(m.per_shot), grouped(m.per_frame),
                                            c.query == Query::Shot ? "a shot (query=shot)" : "a frame"));
  line("MAC at 48x48", fmt::format("{:.3f} G, encoder included", m.image(48, 48) * 1e-9));
}

void print_file(const WeightsFile& file, bool with_tensors) {
  size_t bytes = 0;
  for (const TensorView& t : file.tensors()) bytes += t.bytes;
  const bool one_type = std::all_of(file.tensors().begin(), file.tensors().end(), [&](const TensorView& t) {
    return t.dtype == file.tensors().front().dtype;
  });
  line("file", file.name());
  line("tensors", fmt::format("{}, {}, {} bytes", file.tensors().size(),
                              file.tensors().empty() ? "none"
                              : one_type             ? to_string(file.tensors().front().dtype)
                                                     : "mixed",
                              grouped(static_cast<int64_t>(bytes))));
  for (const auto& [key, value] : file.metadata())
    if (key == kRangesKey)
      line(key, "what features range over, for precision int8");
    else if (key == kReaderKey)
      line(key, "reads blur, noise, codec and quantizer off the embedding");
    else if (key != "cdsr.config" && key != kGoldenKey)
      line(printable(key), printable(value, 4096));
  if (!with_tensors) return;
  for (const TensorView& t : file.tensors())
    fmt::print("  {:<44} {:<5} [{}]\n", printable(t.name), to_string(t.dtype), fmt::join(t.shape, ", "));
}

/// How far a backend is from what the file says; nothing to say without a file.
std::string parity_text(const Backend& backend, const std::shared_ptr<const Network>& network,
                        const std::optional<Golden>& golden) {
  if (network == nullptr) return "";
  if (!golden) return "; the file has no golden values to hold it to";
  try {
    const Parity parity = measure_parity(backend, network, *golden, {});
    return fmt::format("; {}: {}picture off by {:.2g} (at most {:.2g}), embedding by {:.2g} (at most {:.2g})",
                       to_string(parity.precision), parity.holds() ? "" : "REFUSED, ", parity.error.picture,
                       parity.most.picture, parity.error.embedding, parity.most.embedding);
  } catch (const Error& e) {
    return fmt::format("; not for this network: {}", e.what());
  }
}

void print_backends(const std::shared_ptr<const Network>& network, const std::optional<Golden>& golden) {
  for (const Backend& b : backends()) {
    std::string reason;
    line(fmt::format("backend {}", b.name), b.available(reason)
                                                ? b.description + parity_text(b, network, golden)
                                                : fmt::format("{} (not here: {})", b.description, reason));
  }
}

void run(const Arguments& a) {
  const auto& names = config_names();
  const bool family = std::find(names.begin(), names.end(), a.model) != names.end();
  std::optional<std::filesystem::path> path;
  std::shared_ptr<const Network> network;
  std::optional<Golden> golden;
  try {
    path = find_model(a.model, a.scale);
  } catch (const Error&) {
    if (!family) throw;  // a family is described without its weights
  }
  if (path) {
    const WeightsFile file = WeightsFile::open(*path);
    network = load_network(file);
    golden = golden_in(file.metadata(), file.name());
    print_config(network->config);
    print_file(file, a.tensors);
  } else {
    const CdsrConfig config = config_by_name(a.model, a.scale);
    print_config(config);
    line("file", "none: no released weights were found for this network and scale");
    if (a.tensors)
      for (const TensorSpec& t : tensor_list(config))
        fmt::print("  {:<44} [{}]\n", t.name, fmt::join(t.shape, ", "));
  }
  print_backends(network, golden);
}

}  // namespace

void add_info(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      app.add_subcommand("info", "Describe a network: configuration, parameters, MACs, metadata, backends");
  c->add_option("MODEL", a->model, fmt::format("{} or a .safetensors file", fmt::join(config_names(), ", ")))
      ->required();
  c->add_option("--scale", a->scale, "of a name: 2, 3 or 4")->check(CLI::Range(2, 4))->capture_default_str();
  c->add_flag("--tensors", a->tensors, "list every tensor");
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
