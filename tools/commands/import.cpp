// The command `cdsr import`: weights of the published PyTorch code as a CDSR weights file.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/commands/import_state.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::filesystem::path in, out;
  std::string dtype = "f32";
};

void run(const Arguments& a) {
  const ImportedState state = import_state(WeightsFile::open(a.in, WholeNumbers::Kept));
  const std::map<std::string, std::string> metadata = {
      {"cdsr.format", "1"},
      {"cdsr.config", to_json(state.config)},
      {"cdsr.recipe",
       "paper: trained by the published code, whose kernels put the picture (s-1) high-resolution pixels "
       "off"},
      {"cdsr.trained", "imported from " + a.in.filename().string()}};
  write_weights(a.out, state.tensors, metadata, a.dtype == "f16" ? DType::F16 : DType::F32);
  fmt::print("{}: {} x{}, {} blocks, {} tensors, {} for training alone left out\n", a.out.string(),
             state.config.name, state.config.scale, state.config.blocks, state.tensors.size(),
             state.left_out);
}

}  // namespace

void add_import(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "import", "Take a state dictionary of the paper's published PyTorch code, saved as safetensors");
  c->add_option("STATE", a->in,
                "the dictionary: E.encoder_q.*, G.*; key encoder, queue and counters may be in it")
      ->required();
  c->add_option("-o,--output", a->out, "the weights file to write")->required();
  c->add_option("--dtype", a->dtype, "f32 or f16")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->capture_default_str();
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
