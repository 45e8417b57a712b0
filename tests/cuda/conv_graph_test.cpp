// Every convolution graph the networks need, offered to cuDNN for GPUs that are not here: cuDNN 9 builds
// graphs against a description of a device. Its kernels are generated and compiled too (one graph of each
// kind); only loading them fails, with the toolkit's stub in place of a driver.
//
// The descriptions are written by hand. What cuDNN says for sm_90 is no proof: it reads more from a live
// Hopper.
#include "model/cuda/conv_graph.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace cdsr::cuda {
namespace {

const char* const kA100 = R"({"deviceName": "NVIDIA A100-SXM4-80GB", "deviceVer": 800, "driverVer": 13000,
  "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536,
  "multiProcessorCount": 108, "smClockRateKHz": 1410000, "memClockRateKHz": 1215000, "l2CacheSize": 41943040,
  "warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 166912,
  "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "pciDeviceId": 0, "maxCtasPerSM": 32,
  "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0, "supportCoopLaunch": 1,
  "totalGlobalMem": 85899345920, "cudaDeviceId": 0})";
const char* const kH200 = R"({"deviceName": "NVIDIA H200", "deviceVer": 900, "driverVer": 13000,
  "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536,
  "multiProcessorCount": 132, "smClockRateKHz": 1980000, "memClockRateKHz": 3201000, "l2CacheSize": 62914560,
  "warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
  "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "pciDeviceId": 0, "maxCtasPerSM": 32,
  "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0, "supportCoopLaunch": 1,
  "totalGlobalMem": 150754820096, "cudaDeviceId": 0})";

const Cudnn* cudnn(std::string& reason) {
  // By their paths: what is loaded answers to its name from then on.
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) == nullptr)
    dlopen(CDSR_TEST_CUDA_STUB, RTLD_NOW | RTLD_GLOBAL);
  return Cudnn::find(reason);
}

/// 3x3 convolutions of cdsr-10 at 960x540.
ConvGraphShape plain() {
  ConvGraphShape s;
  s.width = 960;
  s.height = 540;
  s.in = s.in_pitch = s.out = s.out_pitch = 64;
  return s;
}
ConvGraphShape dense(int layer) {
  ConvGraphShape s = plain();
  s.in = 64 + 32 * layer;
  s.in_pitch = s.out_pitch = 192;
  s.out = 32;
  s.slope = 0.2F;
  return s;
}
ConvGraphShape dense_end(bool outer) {
  ConvGraphShape s = plain();
  s.in = s.in_pitch = s.first_pitch = s.out_pitch = 192;
  s.scale = outer ? 0.04F : 0.2F;
  s.first_scale = outer ? 0.2F : 1.0F;
  if (outer) {
    s.out_pitch = s.second_pitch = 64;
    s.second_scale = 1;
  }
  return s;
}
ConvGraphShape activated() {
  ConvGraphShape s = plain();
  s.slope = 0.1F;
  return s;
}
ConvGraphShape skipped() {
  ConvGraphShape s = plain();
  s.first_pitch = 64;
  s.first_scale = 1;
  return s;
}

/// The dense blocks' in fp8: their input is a buffer of its own, residuals are fp16.
ConvGraphShape in_fp8(ConvGraphShape s) {
  s.fp8 = true;
  s.fp8_out = s.out == 32;
  if (s.first_pitch > 0) s.first_pitch = s.out_pitch = 64;
  return s;
}

class ConvGraphs : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string reason;
    cudnn_ = cudnn(reason);
    if (cudnn_ == nullptr) GTEST_SKIP() << reason;
    const std::string json = GetParam();
    device_.emplace(*cudnn_, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    device_->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                 static_cast<int64_t>(json.size()), json.data());
    ASSERT_TRUE(device_->try_finish()) << cudnn_->complaint();
  }
  const Cudnn* cudnn_ = nullptr;
  std::optional<Descriptor> device_;
};

TEST_P(ConvGraphs, HaveEngines) {
  std::vector<ConvGraphShape> shapes = {plain(),  activated(), skipped(),        dense(0),       dense(1),
                                        dense(2), dense(3),    dense_end(false), dense_end(true)};
  for (const ConvGraphShape& half : {plain(), dense(0), dense_end(true)}) {
    shapes.push_back(half);
    shapes.back().bf16 = true;
  }
  for (const ConvGraphShape& shape : shapes) {
    const ConvGraph graph(*cudnn_, shape, nullptr, &*device_);
    const auto candidates = graph.candidates();
    EXPECT_FALSE(candidates.empty()) << shape.text();
    // The engine takes those alone: deterministic, fp32 sums, nothing but kernels in a capture.
    for (const ConvGraph::Candidate& c : candidates) {
      EXPECT_TRUE(c.exact) << shape.text() << " engine " << c.engine;
      EXPECT_TRUE(c.native_graph) << shape.text() << " engine " << c.engine;
    }
    RecordProperty(shape.text(), static_cast<int>(candidates.size()));
  }
}

// From Ada on: on an A100 cuDNN refuses each of them.
TEST_P(ConvGraphs, InFp8HaveEnginesWhereTheGpuHasIt) {
  for (const ConvGraphShape& shape :
       {dense(0), dense(1), dense(2), dense(3), dense_end(false), dense_end(true)}) {
    const ConvGraph graph(*cudnn_, in_fp8(shape), nullptr, &*device_);
    size_t usable = 0;
    for (const ConvGraph::Candidate& c : graph.candidates())
      if (c.exact && c.native_graph) ++usable;
    EXPECT_EQ(usable > 0, GetParam() == kH200) << in_fp8(shape).text();
    RecordProperty(in_fp8(shape).text(), static_cast<int>(usable));
  }
}

TEST_P(ConvGraphs, TakeTheTensorsOfACall) {
  for (const ConvGraphShape& shape : {plain(), dense(0), dense_end(true), in_fp8(dense(0))}) {
    ConvCall call;
    call.shape = shape;
    call.in = call.weights = call.bias = call.first = call.second = call.factor = call.out_scale = &call;
    call.out = &call;
    for (void* workspace : {static_cast<void*>(nullptr), static_cast<void*>(&call)})
      EXPECT_NO_THROW(variant_pack(*cudnn_, call, workspace)) << shape.text();
  }
}

TEST_P(ConvGraphs, CompileUpToTheDriver) {
  const ConvGraph graph(*cudnn_, dense(0), nullptr, &*device_);
  const auto candidates = graph.candidates();
  ASSERT_FALSE(candidates.empty());
  if (graph.plan(candidates.front())) return;  // with a driver
  EXPECT_NE(cudnn_->complaint().find("cuLibraryLoadData"), std::string::npos) << cudnn_->complaint();
}

INSTANTIATE_TEST_SUITE_P(Devices, ConvGraphs, testing::Values(kA100, kH200),
                         [](const auto& info) { return info.index == 0 ? "sm_80" : "sm_90"; });

}  // namespace
}  // namespace cdsr::cuda
