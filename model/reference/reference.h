// The reference backend: the network as plain loops over fp32 maps with double accumulation, on one thread.
// It is the specification in code, never tuned. Unlike other engines its upscale() allocates, and it holds
// whole frames: memory grows with the frame, plan() throws OutOfMemory when that passes the limit.
#pragma once

#include <memory>
#include <string>

#include "model/backend.h"
#include "model/operators.h"

namespace cdsr::reference {

bool available(std::string& reason);

/// Precision Auto or Fp32; throws Unsupported for the others. `threads` is ignored: it is 1.
std::unique_ptr<EngineBackend> create(std::shared_ptr<const Network> network, const EngineOptions& options);
std::unique_ptr<Operators> operators(const EngineOptions& options);

}  // namespace cdsr::reference
