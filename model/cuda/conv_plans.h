// The convolutions of a network on one size of frames that cuDNN runs because it was measured to be faster.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <span>

#include "model/cuda/conv_shape.h"
#include "model/cuda/driver.h"
#include "model/cuda/plan_cache.h"

namespace cdsr::cuda {

/// A convolution and the own kernel's way of running it, with the same addresses.
struct TunableCall {
  ConvCall call;
  std::function<void(cudaStream_t)> own;
};

/// Of one engine, and one thread at a time. The context must be current, at the end of its life too.
class ConvPlans {
 public:
  virtual ~ConvPlans() = default;

  /// Decides for every shape among `calls`: from what this process or `cache` knows for `key`, else by
  /// measuring on `stream`, and then tells both. The calls' memory must hold finite values; what they write
  /// to is overwritten. Takes up to a minute where nothing is
  /// known: what is not measured by then keeps the own kernel. What cuDNN refuses or fails at is not used:
  /// throws Device only for a lost device.
  /// Plans that need more than most_workspace bytes are not used.
  virtual void tune(std::span<const TunableCall> calls, const PlanKey& key, const PlanCache& cache,
                    size_t most_workspace, cudaStream_t stream) = 0;

  /// Queues the call if its shape was decided for cuDNN; false otherwise. May be captured.
  virtual bool run(const ConvCall& call, cudaStream_t stream) const = 0;

  /// Bytes of device memory the plans work in.
  virtual size_t workspace() const = 0;
};

/// nullptr without cuDNN, and with CDSR_CUDNN=off; `log` gets the reason. The context must be current.
std::unique_ptr<ConvPlans> make_conv_plans(const LogLine& log);
/// 91900 for 9.19.0; 0 where make_conv_plans() gives nullptr.
int64_t cudnn_version();

}  // namespace cdsr::cuda
