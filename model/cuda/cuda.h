// The CUDA backend as libcdsr sees it: a module, libcdsr_cuda.so, that is opened when a driver is there.
//
// Nothing of CUDA is linked: a machine without a GPU runs the same libcdsr. The driver (libcuda.so.1) is
// opened first, then the module: the file $CDSR_CUDA_MODULE, or libcdsr_cuda.so beside this library, in lib
// beside this program's bin, or where the loader looks.
#pragma once

#include <memory>
#include <string>

#include "model/backend.h"
#include "model/operators.h"

namespace cdsr::cuda {

/// Whether there is a driver that is new enough, a GPU and a module of this very version; if not, why. Opens
/// them on the first call; any thread.
bool available(std::string& reason);

/// Precision::Auto is fp16: a frame that half precision cannot hold (NaN, Inf) is computed again in fp32.
/// Throws Unsupported where available() says no, and for bf16 before sm_80.
std::unique_ptr<EngineBackend> create(std::shared_ptr<const Network> network, const EngineOptions& options);
std::unique_ptr<Operators> operators(const EngineOptions& options);

}  // namespace cdsr::cuda
