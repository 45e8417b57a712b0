// The CUDA module from outside: found, refused with a reason, and never in the way of the other backends.
#include "model/cuda/module.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "model/cuda/cuda.h"
#include "model/error.h"
#include "model/registry.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

bool has_driver() { return dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) != nullptr; }

std::shared_ptr<const Network> tiny() { return random_network(tiny_config(Body::Plain, 2), 1); }

TEST(CudaModule, SaysWhyItCannotRun) {
  std::string reason;
  if (cuda::available(reason)) GTEST_SKIP() << "there is a GPU";
  EXPECT_FALSE(reason.empty());
  if (!has_driver()) {
    EXPECT_NE(reason.find("no NVIDIA driver"), std::string::npos) << reason;
  }
  try {
    create_engine(tiny(), {}, "cuda");
    FAIL() << "an engine without a GPU";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::Unsupported);
    EXPECT_NE(std::string(e.what()).find(reason), std::string::npos) << e.what();
  }
}

TEST(CudaModule, AutoGoesOnWithTheNextBackend) {
  std::string reason;
  if (cuda::available(reason)) GTEST_SKIP() << "there is a GPU";
  std::vector<std::string> lines;
  const auto engine =
      create_engine(tiny(), {}, "auto", [&](const std::string& line) { lines.push_back(line); });
  EXPECT_NE(engine->info().backend, "cuda");
  ASSERT_GE(lines.size(), 2U);
  EXPECT_NE(lines.front().find("backend cuda passed over: " + reason), std::string::npos) << lines.front();
}

// Loads, with everything it needs but a driver, and is of this build.
TEST(CudaModule, LoadsWithoutADriver) {
#ifdef CDSR_TEST_CUDA_MODULE
  void* const library = dlopen(CDSR_TEST_CUDA_MODULE, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto entry = reinterpret_cast<cuda::ModuleFunction>(dlsym(library, cuda::kModuleSymbol));
  ASSERT_NE(entry, nullptr) << dlerror();
  const cuda::Module& module = *entry();
  EXPECT_STREQ(module.build, cuda::kBuild);
  if (has_driver()) return;
  // Its errors are this program's: they are caught across the border.
  try {
    module.create(tiny(), {});
    FAIL() << "an engine without a driver";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::Unsupported);
    EXPECT_NE(std::string(e.what()).find("no NVIDIA driver"), std::string::npos) << e.what();
  }
#else
  GTEST_SKIP() << "this build has no CUDA module";
#endif
}

}  // namespace
}  // namespace cdsr
