// The command `cdsr export`: a checkpoint's weights as a file to release.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "model/error.h"
#include "model/golden.h"
#include "model/network.h"
#include "model/registry.h"
#include "tools/commands/commands.h"
#ifdef CDSR_HAVE_ONNX
#include "tools/onnx/export_onnx.h"
#ifdef CDSR_HAVE_LIBAV
#include "tools/media/image_io.h"
#include "tools/media/upscaler.h"
#endif
#endif

namespace cdsr::tools {
namespace {

struct Arguments {
  std::filesystem::path in, out;
  std::string dtype = "f16";
  std::vector<std::string> set;
  bool onnx = false;
  std::string embedding;
  double sharpness = 0;
};

DType dtype_from_string(const std::string& text) {
  if (text == "f32") return DType::F32;
  return text == "f16" ? DType::F16 : DType::BF16;
}

#ifdef CDSR_HAVE_ONNX
/// E_a of the picture named, or zeros.
std::vector<float> embedding_of(const Arguments& a, const Network& network) {
  if (a.embedding == "zero") return std::vector<float>(static_cast<size_t>(network.config.embedding()));
#ifdef CDSR_HAVE_LIBAV
  EngineArguments engine;
  engine.precision = "fp32";
  return Upscaler(a.in.string(), network.config.scale, engine).embed(read_picture(a.embedding));
#else
  fail(Errc::Unsupported, "--embedding {}: pictures are not read in this build, only zero", a.embedding);
#endif
}

void export_onnx(const Arguments& a, const Network& network,
                 const std::map<std::string, std::string>& metadata) {
  const auto files =
      a.embedding.empty()
          ? onnx_export::write_onnx(network, metadata, a.out)
          : std::vector{onnx_export::write_mixed_onnx(network, embedding_of(a, network),
                                                      static_cast<float>(a.sharpness), metadata, a.out)};
  for (const auto& file : files)
    fmt::print("{}: {} bytes\n", file.string(), std::filesystem::file_size(file));
}
#else
void export_onnx(const Arguments&, const Network&, const std::map<std::string, std::string>&) {
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
    export_onnx(a, *network, metadata);
    return;
  }
  metadata.erase(kGoldenKey);
  write_weights(a.out, tensors, metadata, dtype_from_string(a.dtype));
  // Golden values are those of the weights as they were rounded.
  metadata[kGoldenKey] =
      golden_text(measure_golden(*create_engine(load_network(WeightsFile::open(a.out)), {}, "reference")));
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
  CLI::Option* onnx = c->add_flag(
      "--onnx", a->onnx,
      "write ONNX models instead: OUT-embedding.onnx, OUT-sr.onnx and, with the queries as an input, "
      "OUT-sr-shot.onnx");
  c->add_option(
       "--embedding", a->embedding,
       "of a network whose weights depend on the shot: a picture of it, or zero; writes OUT-sr.onnx alone")
      ->needs(onnx);
  c->add_option("--sharpness", a->sharpness, "with --embedding: 0 the most faithful picture, 1 the sharpest")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(onnx);
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
