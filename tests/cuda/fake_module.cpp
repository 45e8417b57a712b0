// A module with nothing inside: of this build, or of one whose headers were others.
#include "model/cuda/module.h"

namespace {

#ifdef CDSR_TEST_OTHER_BUILD
constexpr cdsr::cuda::Module kModule = {CDSR_BUILD_ID " of yesterday", nullptr, nullptr};
#else
constexpr cdsr::cuda::Module kModule = {cdsr::cuda::kBuild, nullptr, nullptr};
#endif

}  // namespace

extern "C" __attribute__((visibility("default"))) const cdsr::cuda::Module* cdsr_cuda_module() {
  return &kModule;
}
