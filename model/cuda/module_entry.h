// What the module's table points to; inside libcdsr_cuda.so alone.
#pragma once

#include <memory>

#include "model/operators.h"

namespace cdsr::cuda {

std::unique_ptr<Operators> make_operators(const EngineOptions& options);

}  // namespace cdsr::cuda
