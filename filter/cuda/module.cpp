// The module's table: the CUDA backend with frames.
#include "model/cuda/module.h"

#include "filter/cuda/frame_engine.h"
#include "model/cuda/module_entry.h"

namespace {

std::unique_ptr<cdsr::EngineBackend> create(std::shared_ptr<const cdsr::Network> network,
                                            const cdsr::EngineOptions& options) {
  return std::make_unique<cdsr::cuda::FrameEngine>(std::move(network), options);
}

constexpr cdsr::cuda::Module kModule = {cdsr::cuda::kBuild, create, cdsr::cuda::make_operators};

}  // namespace

extern "C" __attribute__((visibility("default"))) const cdsr::cuda::Module* cdsr_cuda_module() {
  return &kModule;
}
