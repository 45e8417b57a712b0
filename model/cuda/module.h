// What libcdsr and its CUDA module say to each other.
#pragma once

#include <memory>

#include "model/backend.h"
#include "model/operators.h"

namespace cdsr::cuda {

/// The two are compiled together and share C++ types, so they must be of one build.
struct Module {
  const char* build;  ///< kBuild of the module
  std::unique_ptr<EngineBackend> (*create)(std::shared_ptr<const Network>, const EngineOptions&);
  std::unique_ptr<Operators> (*operators)(const EngineOptions&);
};

/// Version, compiler and the sizes of what crosses the border.
#define CDSR_CUDA_TEXT_(x) #x
#define CDSR_CUDA_TEXT(x) CDSR_CUDA_TEXT_(x)
inline constexpr const char* kBuild = CDSR_MODEL_VERSION ", C++ ABI " CDSR_CUDA_TEXT(__GXX_ABI_VERSION);

inline constexpr const char* kModuleFile = "libcdsr_cuda.so";
inline constexpr const char* kModuleSymbol = "cdsr_cuda_module";
using ModuleFunction = const Module* (*)();

/// The CUDA version the module is built with, which the driver must have: 1000 major + 10 minor.
inline constexpr int kCudaVersion = 13000;

}  // namespace cdsr::cuda
