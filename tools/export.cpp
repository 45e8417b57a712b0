// The command `cdsr export`: a checkpoint's weights as a file to release.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "model/error.h"
#include "model/network.h"
#include "tools/commands.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::filesystem::path in, out;
  std::string dtype = "f16";
  std::vector<std::string> set;
};

DType dtype_from_string(const std::string& text) {
  if (text == "f32") return DType::F32;
  return text == "f16" ? DType::F16 : DType::BF16;
}

void run(const Arguments& a) {
  const WeightsFile file = WeightsFile::open(a.in);
  const CdsrConfig config = load_network(file)->config;  // refuses what could not be run
  std::vector<NamedTensor> tensors;
  for (const TensorSpec& spec : tensor_list(config)) {
    if (spec.kind == TensorKind::Training) continue;
    tensors.push_back({spec.name, spec.shape, file.find(spec.name)->to_float()});
  }
  std::map<std::string, std::string> metadata = file.metadata();
  for (const std::string& entry : a.set) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0)
      fail(Errc::InvalidArgument, "--set '{}': must be KEY=VALUE", entry);
    metadata[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  write_weights(a.out, tensors, metadata, dtype_from_string(a.dtype));
  fmt::print("{}: {} x{}, {} tensors, {}, {} bytes\n", a.out.string(), config.name, config.scale,
             tensors.size(), a.dtype, std::filesystem::file_size(a.out));
}

}  // namespace

void add_export(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "export", "Make a weights file to release: inference tensors alone, in half precision, metadata added");
  c->add_option("IN", a->in, "weights as the trainer writes them (best.safetensors)")->required();
  c->add_option("OUT", a->out, "the file to write")->required();
  c->add_option("--dtype", a->dtype, "f16, bf16 or f32")
      ->check(CLI::IsMember({"f16", "bf16", "f32"}))
      ->capture_default_str();
  c->add_option("--set", a->set, "metadata to add or replace, KEY=VALUE (cdsr.scores=..., cdsr.trained=...)");
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
