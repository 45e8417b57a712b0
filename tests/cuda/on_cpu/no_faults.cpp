// Tests on the stand-in: the module is the one compiled for it, and a test in which it saw a fault has
// failed.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/cuda/on_cpu/stand_in.h"

namespace {

class NoFaults : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { before_ = cuda_on_cpu_faults(); }
  void OnTestEnd(const testing::TestInfo&) override {
    EXPECT_EQ(cuda_on_cpu_faults(), before_) << "the stand-in saw faults, see above";
  }
  int64_t before_ = 0;
};

const bool ready = [] {
  setenv("CDSR_CUDA_MODULE", CDSR_TEST_CUDA_MODULE, 0);
  testing::UnitTest::GetInstance()->listeners().Append(new NoFaults);
  return true;
}();

}  // namespace
