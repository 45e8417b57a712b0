// What libcdsr and its CUDA module say to each other.
#pragma once

#include <memory>

#include "model/backend.h"
#include "model/cuda/build_id.h"
#include "model/operators.h"

namespace cdsr::cuda {

/// The two share C++ types, so they must be of one build: one interface, compiler and set of flags.
struct Module {
  const char* build;  ///< kBuild of the module. Stays the first member: another build's is read too
  std::unique_ptr<EngineBackend> (*create)(std::shared_ptr<const Network>, const EngineOptions&);
  std::unique_ptr<Operators> (*operators)(const EngineOptions&);
};

/// Version, compiler, and a hash of the headers that both include and of the flags.
inline constexpr const char* kBuild = CDSR_BUILD_ID;

inline constexpr const char* kModuleFile = "libcdsr_cuda.so";
inline constexpr const char* kModuleSymbol = "cdsr_cuda_module";
using ModuleFunction = const Module* (*)();

/// The CUDA version the module is built with, which the driver must have: 1000 major + 10 minor.
inline constexpr int kCudaVersion = 13000;

}  // namespace cdsr::cuda
