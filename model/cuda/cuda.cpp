#include "model/cuda/cuda.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "model/cuda/module.h"
#include "model/error.h"

namespace cdsr::cuda {
namespace {

/// Why the driver cannot be used, or "".
std::string open_driver() {
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fmt::format("no NVIDIA driver ({})", dlerror());
  const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(library, "cuInit"));
  const auto version = reinterpret_cast<int (*)(int*)>(dlsym(library, "cuDriverGetVersion"));
  const auto devices = reinterpret_cast<int (*)(int*)>(dlsym(library, "cuDeviceGetCount"));
  if (init == nullptr || version == nullptr || devices == nullptr)
    return "libcuda.so.1 is no NVIDIA driver: it lacks cuInit, cuDriverGetVersion or cuDeviceGetCount";
  const int status = init(0);
  if (status != 0) return fmt::format("the NVIDIA driver does not start: cuInit returned {}", status);
  int have = 0, count = 0;
  if (version(&have) != 0 || have < kCudaVersion)
    return fmt::format("the NVIDIA driver has CUDA {}.{}, {}.{} is needed", have / 1000, have % 1000 / 10,
                       kCudaVersion / 1000, kCudaVersion % 1000 / 10);
  if (devices(&count) != 0 || count == 0) return "the NVIDIA driver sees no GPU";
  return "";
}

std::vector<std::string> module_places() {
  if (const char* file = std::getenv("CDSR_CUDA_MODULE"); file != nullptr && *file != '\0') return {file};
  std::vector<std::string> places;
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&module_places), &self) != 0 && self.dli_fname != nullptr) {
    const std::filesystem::path folder = std::filesystem::path(self.dli_fname).parent_path();
    places.push_back((folder / kModuleFile).string());
    places.push_back((folder / ".." / "lib" / kModuleFile).lexically_normal().string());
  }
  places.push_back(kModuleFile);
  return places;
}

/// The module or why there is none.
const Module* open_module(std::string& reason) {
  reason = open_driver();
  if (!reason.empty()) return nullptr;
  void* library = nullptr;
  std::string errors;
  for (const std::string& place : module_places()) {
    library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
    errors += std::string(errors.empty() ? "" : "; ") + dlerror();
  }
  if (library == nullptr) {
    reason = fmt::format("no CUDA module ({})", errors);
    return nullptr;
  }
  const auto entry = reinterpret_cast<ModuleFunction>(dlsym(library, kModuleSymbol));
  const Module* const module = entry != nullptr ? entry() : nullptr;
  if (module == nullptr || std::string(module->build) != kBuild) {
    reason = fmt::format("the CUDA module is of another build: {} instead of {}",
                         module != nullptr ? module->build : "unknown", kBuild);
    return nullptr;
  }
  return module;
}

struct Loaded {
  std::string reason;
  const Module* module = open_module(reason);
};

const Loaded& loaded() {
  static const Loaded once;
  return once;
}

const Module& module() {
  if (loaded().module == nullptr)
    fail(Errc::Unsupported, "backend cuda cannot run here: {}", loaded().reason);
  return *loaded().module;
}

}  // namespace

bool available(std::string& reason) {
  reason = loaded().reason;
  return loaded().module != nullptr;
}

std::unique_ptr<EngineBackend> create(std::shared_ptr<const Network> network, const EngineOptions& options) {
  return module().create(std::move(network), options);
}

std::unique_ptr<Operators> operators(const EngineOptions& options) { return module().operators(options); }

}  // namespace cdsr::cuda
