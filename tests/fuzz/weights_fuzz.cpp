// Fuzz target: any bytes must give a network or an Error of category BadWeights, nothing else. Linked with
// libFuzzer (clang) or with the deterministic driver of weights_fuzz_driver.cpp.
#include "tests/fuzz/weights_fuzz.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "model/degradation_reader.h"
#include "model/error.h"
#include "model/network.h"

namespace cdsr {

FuzzCounts fuzz_counts;

}  // namespace cdsr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cdsr;
  try {
    const WeightsFile file = WeightsFile::parse(reinterpret_cast<const std::byte*>(data), size, "fuzz");
    ++fuzz_counts.parsed;
    for (const TensorView& t : file.tensors())
      if (t.to_float().size() != static_cast<size_t>(t.count())) std::abort();
    const auto network = load_network(file);
    if (network->blocks.size() != static_cast<size_t>(network->config.blocks)) std::abort();
    const std::vector<float> embedding(static_cast<size_t>(network->config.embedding()), 1.0F);
    if (const auto reader = reader_in(file.metadata(), network->config, file.name()))
      if (describe(reader->read(embedding)).empty()) std::abort();
    ++fuzz_counts.loaded;
  } catch (const Error& e) {
    if (e.code() != Errc::BadWeights) {
      std::fprintf(stderr, "not BadWeights: %s\n", e.what());
      std::abort();
    }
  }
  return 0;
}
