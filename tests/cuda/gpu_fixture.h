// What every test on a GPU begins with.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/cuda/cuda.h"
#include "model/engine.h"

namespace cdsr::test {

inline void ok(cudaError_t error) { ASSERT_EQ(error, cudaSuccess) << cudaGetErrorString(error); }

/// Skipped where there is no GPU; tools/gpu/check.sh takes no skipped test for a passed one.
template <typename Base = testing::Test>
class NeedsGpu : public Base {
 protected:
  void SetUp() override {
    std::string reason;
    if (!cuda::available(reason)) GTEST_SKIP() << reason;
  }
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
