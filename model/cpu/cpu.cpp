#include "model/cpu/cpu.h"

#include "model/cpu/engine.h"

namespace cdsr::cpu {

bool available(std::string&) { return true; }

std::unique_ptr<EngineBackend> create(std::shared_ptr<const Network> network, const EngineOptions& options) {
  return std::make_unique<CpuEngine>(std::move(network), options);
}

std::vector<Implementation> implementations(const EngineBackend& engine) {
  return dynamic_cast<const CpuEngine&>(engine).implementations();
}

int bands(const EngineBackend& engine) { return dynamic_cast<const CpuEngine&>(engine).bands(); }

}  // namespace cdsr::cpu
