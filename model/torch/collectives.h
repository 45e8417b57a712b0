// The other processes of a training that runs in several, as the modules see them.
#pragma once

#include <torch/torch.h>

namespace cdsr::nn {

/// Every process must make the same calls in the same order. Errors are the implementation's. For one thread.
class Collectives {
 public:
  virtual ~Collectives() = default;

  virtual int size() const = 0;  ///< processes, this one included
  /// Sums a tensor over all processes, in place; every process then holds the same bits.
  virtual void sum(torch::Tensor& tensor) = 0;
  /// The rows (dimension 0) of all processes, in the order of their ranks. No gradient passes.
  virtual torch::Tensor gather(const torch::Tensor& rows) = 0;
};

/// The sum over all processes, through which gradients pass: each process's loss counts.
torch::Tensor sum_over(Collectives& collectives, const torch::Tensor& tensor);

/// `norm` in training mode with the statistics of all processes' pictures, as if they were one batch: each
/// must hold as many. Updates the running statistics.
torch::Tensor sync_batch_norm(torch::nn::BatchNorm2dImpl& norm, const torch::Tensor& x,
                              Collectives& collectives);

}  // namespace cdsr::nn
