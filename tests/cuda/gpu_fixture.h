// What every test on a GPU begins with.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "model/cuda/cuda.h"
#include "model/engine.h"

namespace cdsr::test {

inline void ok(cudaError_t error) { ASSERT_EQ(error, cudaSuccess) << cudaGetErrorString(error); }

/// Skipped where there is no GPU; tools/dev/gpu/check.sh takes no skipped test for a passed one.
template <typename Base = testing::Test>
class NeedsGpu : public Base {
 protected:
  void SetUp() override {
    std::string reason;
    if (!cuda::available(reason)) GTEST_SKIP() << reason;
  }
};

/// A variable of the environment, for the life of the object; then what it was before.
class Setting {
 public:
  /// nullptr: not set.
  Setting(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Setting() { set(before_ ? before_->c_str() : nullptr); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  void set(const char* value) const {
    if (value != nullptr)
      setenv(name_, value, 1);
    else
      unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

/// A frame as a shot's first: embedding, condition and queries.
inline void begin_shot(Engine& engine, const RowSource& frame) {
  const CdsrConfig& c = engine.network().config;
  std::vector<float> embedding(static_cast<size_t>(c.embedding())),
      queries(static_cast<size_t>(c.dqas()) * c.nf);
  engine.embed(frame, embedding);
  engine.condition(embedding);
  engine.measure_queries(frame, queries);
  engine.set_queries(queries);
}

}  // namespace cdsr::test
