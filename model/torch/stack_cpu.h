// The stack of convolutions on a processor: forward and backward in oneDNN's own layout throughout.
//
// Operation by operation LibTorch brings every convolution's input and output into that layout and back: half
// of a training step. Here a picture is brought there once and its gradient back once.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace cdsr::nn {

/// Weights of one picture's layers: head, blocks, tail; all 3x3, stride 1, padding 1.
struct StackWeights {
  std::vector<torch::Tensor> weight, bias;  ///< out x in x 3 x 3; out
};

/// Whether stack_cpu() can take it: built with oneDNN, a processor with AVX2, fp32 pictures on it, inner
/// widths that are all the same and multiples of what its vectors hold (8; with AVX-512 16).
bool stack_cpu_takes(const torch::Tensor& x, const StackWeights& weights);

/// tail(f_n) of stack.h's stack_forward() with leaky ReLUs of `slope`, B x out x H x W in fp32,
/// differentiable by the weights and not by x (B x in x H x W, fp32). With bf16, on a processor that
/// multiplies bfloat16: products in it, sums in fp32, features and their gradients kept in it, gradients of
/// weights in fp32. All in fp32 otherwise. For one thread at a time.
torch::Tensor stack_cpu(const torch::Tensor& x, const StackWeights& weights, double slope, bool bf16);

}  // namespace cdsr::nn
