// cdsr_make_test_weights: a weights file with random weights, so that the tests of hosts need no released
// ones.
//
//   cdsr_make_test_weights NAME [--scale S] [--seed N] [--dtype F32|F16|BF16] OUT
//   cdsr_make_test_weights --config JSON OUT
//
// NAME is one of the families (cdsr-rt, ...), tiny (their smallest plain kin), tiny-rrdb or tiny-stack.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "model/network.h"
#include "tests/model/tiny.h"

namespace {

cdsr::CdsrConfig config_of(const std::string& name, const std::string& json, int scale) {
  if (!json.empty()) return cdsr::config_from_json(json);
  if (name == "tiny") return cdsr::tiny_config(cdsr::Body::Plain, scale);
  if (name == "tiny-rrdb") return cdsr::tiny_config(cdsr::Body::Rrdb, scale);
  if (name == "tiny-stack") return cdsr::tiny_config(cdsr::Body::Stack, scale);
  return cdsr::config_by_name(name, scale);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes a weights file with random weights");
  std::vector<std::string> names;
  std::string config, dtype = "F32";
  int scale = 2;
  uint32_t seed = 1;
  app.add_option("NAME_AND_OUT", names, "NAME OUT, or OUT alone with --config")->expected(1, 2)->required();
  app.add_option("--config", config, "configuration as JSON, in place of NAME and --scale");
  app.add_option("--scale", scale)->check(CLI::Range(2, 4));
  app.add_option("--seed", seed);
  app.add_option("--dtype", dtype)->check(CLI::IsMember({"F32", "F16", "BF16"}));
  CLI11_PARSE(app, argc, argv);
  try {
    if (names.size() != (config.empty() ? 2U : 1U))
      throw std::runtime_error("needs NAME OUT, or --config JSON OUT");
    const cdsr::CdsrConfig c = config_of(names.front(), config, scale);
    cdsr::DType type = cdsr::DType::F32;
    for (cdsr::DType d : {cdsr::DType::F16, cdsr::DType::BF16})
      if (dtype == cdsr::to_string(d)) type = d;
    cdsr::write_weights(names.back(), cdsr::random_tensors(c, seed),
                        {{"cdsr.format", "1"},
                         {"cdsr.config", cdsr::to_json(c)},
                         {"cdsr.recipe", "none: random weights for tests"},
                         {"cdsr.trained", "random, seed " + std::to_string(seed)}},
                        type);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cdsr_make_test_weights: %s\n", e.what());
    return 1;
  }
  return 0;
}
