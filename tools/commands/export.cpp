// The command `cdsr export`: a checkpoint's weights as a file to release.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "model/error.h"
#include "model/network.h"
#include "tools/commands/commands.h"
#ifdef CDSR_HAVE_ONNX
#include "tools/onnx/export_onnx.h"
#endif

namespace cdsr::tools {
namespace {

struct Arguments {
  std::filesystem::path in, out;
  std::string dtype = "f16";
  std::vector<std::string> set;
  bool onnx = false;
};

DType dtype_from_string(const std::string& text) {
  if (text == "f32") return DType::F32;
  return text == "f16" ? DType::F16 : DType::BF16;
}

#ifdef CDSR_HAVE_ONNX
void export_onnx(const Network& network, const std::map<std::string, std::string>& metadata,
                 const std::filesystem::path& path) {
  for (const auto& file : onnx_export::write_onnx(network, metadata, path))
    fmt::print("{}: {} bytes\n", file.string(), std::filesystem::file_size(file));
}
#else
void export_onnx(const Network&, const std::map<std::string, std::string>&, const std::filesystem::path&) {
  fail(Errc::Unsupported,
       "`cdsr export --onnx` is not in this build: install libonnx-dev and configure again");
}
#endif

void run(const Arguments& a) {
  const WeightsFile file = WeightsFile::open(a.in);
  const auto network = load_network(file);  // refuses what could not be run
  const CdsrConfig& config = network->config;
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
  if (a.onnx) {
    export_onnx(*network, metadata, a.out);
    return;
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
  c->add_option("OUT", a->out, "the file to write; with --onnx what the three files' names begin with")
      ->required();
  c->add_option("--dtype", a->dtype, "f16, bf16 or f32")
      ->check(CLI::IsMember({"f16", "bf16", "f32"}))
      ->capture_default_str();
  c->add_option("--set", a->set, "metadata to add or replace, KEY=VALUE (cdsr.scores=..., cdsr.trained=...)");
  c->add_flag("--onnx", a->onnx,
              "write ONNX models instead: OUT-embedding.onnx, OUT-sr.onnx and, with the queries as an input, "
              "OUT-sr-shot.onnx");
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
