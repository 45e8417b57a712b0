// The stand-in for a GPU is tested too: each kind of fault is committed here and must be seen, and each right
// use beside it must pass. What ends the program is a death test.
#include "tests/cuda/on_cpu/stand_in.h"

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/cuda/on_cpu/stand_in_kernels.h"

namespace cuda_on_cpu::test {
namespace {

/// Faults that a call makes the stand-in see.
template <typename Call>
int64_t faults(const Call& call) {
  const int64_t before = cuda_on_cpu_faults();
  call();
  return cuda_on_cpu_faults() - before;
}

class StandIn : public testing::Test {
 protected:
  void SetUp() override {
    cudaFree(nullptr);
    cudaMalloc(reinterpret_cast<void**>(&data_), kBytes);
    cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&other_, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&event_, cudaEventDisableTiming);
    load_test_kernels();
  }
  void TearDown() override {
    cudaEventDestroy(event_);
    cudaStreamDestroy(other_);
    cudaStreamDestroy(stream_);
    cudaFree(data_);
  }
  std::vector<float> fetch(int count) const {
    std::vector<float> values(static_cast<size_t>(count));
    cudaMemcpy(values.data(), data_, sizeof(float) * values.size(), cudaMemcpyDeviceToHost);
    return values;
  }
  static constexpr size_t kBytes = 4 * 1000;
  float* data_ = nullptr;
  cudaStream_t stream_ = nullptr, other_ = nullptr;
  cudaEvent_t event_ = nullptr;
};
using StandInDeath = StandIn;

TEST_F(StandIn, MemoryIsPoisonedUntilItIsWritten) {
  EXPECT_TRUE(std::isnan(fetch(1)[0]));
  launch_fill(data_, 5, 1.5F, stream_);
  EXPECT_TRUE(std::isnan(fetch(5)[4])) << "nothing waited for the stream";
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(fetch(5)[4], 1.5F);
}

TEST_F(StandInDeath, AKernelStaysInItsMemory) {
  EXPECT_DEATH(
      {
        launch_fill(data_, 4096 + 4, 1, stream_);
        cudaStreamSynchronize(stream_);
      },
      "outside 4000 bytes of device memory, at byte 4096, kernel fill");
  EXPECT_EQ(faults([&] {
              float* small = nullptr;
              cudaMalloc(reinterpret_cast<void**>(&small), 8);
              launch_fill(small, 3, 1, stream_);
              cudaFree(small);
            }),
            1);
}

TEST_F(StandInDeath, TheProcessorStaysOutOfDeviceMemory) {
  EXPECT_DEATH(*data_ = 1, "by the processor in 4000 bytes of device memory");
}

TEST_F(StandIn, ThreadsNeedBarriers) {
  launch_reverse(data_, true, 256 * 4, stream_);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(fetch(256)[3], 252);
  launch_reverse(data_, false, 256 * 4, stream_);
  cudaStreamSynchronize(stream_);
  bool right = true;
  const auto values = fetch(256);
  for (int i = 0; i < 256; ++i)
    right = right && values[static_cast<size_t>(i)] == static_cast<float>(255 - i);
  EXPECT_FALSE(right);
}

TEST_F(StandIn, SharedMemoryHasItsSize) {
  EXPECT_EQ(faults([&] {
              launch_reverse(data_, true, 255 * 4, stream_);
              cudaStreamSynchronize(stream_);
            }),
            1);
  EXPECT_EQ(faults([&] { launch_reverse(data_, true, 48 * 1024 + 4, stream_); }), 1) << "not asked for";
  EXPECT_NE(cudaGetLastError(), cudaSuccess);
}

TEST_F(StandInDeath, AWarpMeetsWhole) {
  EXPECT_DEATH(
      {
        launch_lonely_shuffle(data_, stream_);
        cudaStreamSynchronize(stream_);
      },
      "threads that wait for each other for ever");
}

TEST_F(StandInDeath, ABarrierIsForAllThreads) {
  EXPECT_DEATH(
      {
        launch_early_return(data_, stream_);
        cudaStreamSynchronize(stream_);
      },
      "a barrier that some of the block's threads do not come to in kernel early_return");
}

TEST_F(StandIn, CopiesArriveWhenTheyAreWaitedFor) {
  std::vector<float> values(8);
  for (int i = 0; i < 8; ++i) values[static_cast<size_t>(i)] = static_cast<float>(i);
  cudaMemcpy(data_, values.data(), 32, cudaMemcpyHostToDevice);
  launch_copy_async(data_, true, stream_);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(fetch(16)[8 + 4], 4) << "the first group was waited for";
  EXPECT_GT(faults([&] {
              launch_copy_async(data_, false, stream_);
              cudaStreamSynchronize(stream_);
            }),
            0);
  EXPECT_TRUE(std::isnan(fetch(16)[8 + 4]));
}

TEST_F(StandIn, StreamsWaitWhenTold) {
  launch_fill(data_, 1, 1, stream_);
  launch_add(data_, other_);
  cudaStreamSynchronize(other_);
  EXPECT_TRUE(std::isnan(fetch(1)[0]));
  cudaStreamSynchronize(stream_);
  launch_fill(data_, 1, 1, stream_);
  cudaEventRecord(event_, stream_);
  cudaStreamWaitEvent(other_, event_, 0);
  launch_add(data_, other_);
  cudaStreamSynchronize(other_);
  EXPECT_EQ(fetch(1)[0], 2);
}

TEST_F(StandIn, WhatACaptureForbids) {
  void* p = nullptr;
  const auto captured = [&](const auto& call) {
    cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal);
    call();
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream_, &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    return error;
  };
  EXPECT_EQ(captured([&] { launch_fill(data_, 1, 1, stream_); }), cudaSuccess);
  EXPECT_EQ(faults([&] { EXPECT_NE(captured([&] { cudaMalloc(&p, 4); }), cudaSuccess); }), 1);
  EXPECT_EQ(faults([&] { EXPECT_NE(captured([&] { cudaStreamSynchronize(stream_); }), cudaSuccess); }), 1);
  EXPECT_EQ(faults([&] { EXPECT_NE(captured([&] { cudaEventRecord(event_, stream_); }), cudaSuccess); }), 1);
  float pageable = 0;
  EXPECT_EQ(faults([&] {
              captured([&] { cudaMemcpyAsync(data_, &pageable, 4, cudaMemcpyHostToDevice, stream_); });
            }),
            1);
  EXPECT_EQ(faults([&] { captured([&] { launch_never_loaded(data_, stream_); }); }), 1);
}

TEST_F(StandIn, CopiesAreOfTheirMemory) {
  std::vector<float> host(1001);
  EXPECT_EQ(faults([&] { cudaMemcpy(data_, host.data(), kBytes + 4, cudaMemcpyHostToDevice); }), 1);
  EXPECT_EQ(faults([&] { cudaMemcpy(host.data(), data_, 4, cudaMemcpyHostToDevice); }), 1);
  EXPECT_EQ(faults([&] { cudaMemcpy(data_, host.data(), kBytes, cudaMemcpyHostToDevice); }), 0);
}

// As FFmpeg's frames: made in a context of their own, filled and read by rectangles.
TEST_F(StandIn, AHostsFramesLiveInItsContext) {
  CUcontext context = nullptr, popped = nullptr;
  EXPECT_EQ(cuCtxCreate(&context, nullptr, 0, 0), CUDA_SUCCESS);
  CUdeviceptr frame = 0;
  EXPECT_EQ(cuMemAlloc(&frame, 256), CUDA_SUCCESS);
  std::vector<unsigned char> rows(32), got(32);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<unsigned char>(i);
  CUDA_MEMCPY2D up{}, down{};
  up.srcMemoryType = down.dstMemoryType = CU_MEMORYTYPE_HOST;
  up.dstMemoryType = down.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  up.srcHost = rows.data();
  down.dstHost = got.data();
  up.dstDevice = down.srcDevice = frame;
  up.srcPitch = down.dstPitch = 8;
  up.dstPitch = down.srcPitch = 64;
  up.WidthInBytes = down.WidthInBytes = 8;
  up.Height = down.Height = 4;
  EXPECT_EQ(cuMemcpy2DAsync(&up, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpy2DAsync(&down, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(nullptr), CUDA_SUCCESS);
  EXPECT_EQ(got, rows);
  EXPECT_EQ(cuCtxPopCurrent(&popped), CUDA_SUCCESS);
  EXPECT_EQ(faults([&] { EXPECT_NE(cuMemcpy2DAsync(&up, nullptr), CUDA_SUCCESS); }), 1) << "another's frame";
  const int64_t allocations = cuda_on_cpu_allocations();
  EXPECT_EQ(faults([&] { EXPECT_EQ(cuCtxDestroy(context), CUDA_SUCCESS); }), 1) << "the frame was not freed";
  EXPECT_EQ(cuda_on_cpu_allocations(), allocations - 1) << "it went with its context";
}

TEST_F(StandIn, MatrixInstructionsFollowTheManual) {
  // C = A B of whole numbers, which are exact; A and B by ldmatrix from rows of 16 halves.
  launch_product(data_, stream_);
  cudaStreamSynchronize(stream_);
  const auto values = fetch(16 * 8);
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      float want = 0;
      for (int k = 0; k < 16; ++k)
        want += static_cast<float>((row + 2 * k) % 7) * static_cast<float>((3 * column + k) % 5);
      EXPECT_EQ(values[static_cast<size_t>(row * 8 + column)], want) << row << " " << column;
    }
}

}  // namespace
}  // namespace cuda_on_cpu::test
