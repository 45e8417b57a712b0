// Small kernels, right and wrong ones, for the tests of the stand-in.
#pragma once

#include <cuda_runtime_api.h>

namespace cuda_on_cpu::test {

/// Loads all of them but launch_never_loaded()'s.
void load_test_kernels();

void launch_fill(float* values, int count, float value, cudaStream_t stream);
void launch_add(float* value, cudaStream_t stream);
void launch_never_loaded(float* value, cudaStream_t stream);
/// 0 .. 255 turned round in `bytes` of shared memory, with a barrier or without.
void launch_reverse(float* values, bool barrier, int bytes, cudaStream_t stream);
/// A shuffle that half of the warp does not come to.
void launch_lonely_shuffle(float* values, cudaStream_t stream);
/// A barrier that half of the threads do not come to.
void launch_early_return(float* values, cudaStream_t stream);
/// Values 0 to 7 to places 8 to 15, in two groups; with `wait` both are waited for, else the first alone.
void launch_copy_async(float* values, bool wait, cudaStream_t stream);
/// A 16 x 16 times B 16 x 8: A(row, k) = (row + 2 k) % 7, B(k, column) = (3 column + k) % 5.
void launch_product(float* values, cudaStream_t stream);

}  // namespace cuda_on_cpu::test
