// module_check this|other: whether the module that CDSR_CUDA_MODULE names is taken, or refused with both ids.
#include <fmt/core.h>

#include <string>

#include "model/cuda/cuda.h"
#include "model/cuda/module.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::string reason;
  const bool taken = cdsr::cuda::available(reason);
  fmt::print("{}\n", taken ? "taken" : reason);
  if (std::string(argv[1]) == "this") return taken ? 0 : 1;
  const std::string ours = cdsr::cuda::kBuild;
  const std::string want =
      fmt::format("the CUDA module is of another build: {} of yesterday instead of {}", ours, ours);
  return !taken && reason == want ? 0 : 1;
}
