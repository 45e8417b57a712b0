// Several processes connected by LibTorch's c10d. process_group_none.cpp stands in where that cannot be
// built.
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <memory>
#include <string>

#include "tools/train/distributed/rendezvous.h"

namespace cdsr::train {

/// CPU tensors travel by Gloo, those of a CUDA device by NCCL; rank 0 keeps a store of words where they meet.
/// Every process makes the same calls of sum(), gather() and broadcast() in the same order. They throw what
/// LibTorch throws when another process is gone (at once with Gloo) or does not answer before the timeout.
class ProcessGroup {
 public:
  /// Waits for all processes until the timeout. Throws Unsupported when this build has not what the device
  /// takes, else what LibTorch throws.
  ProcessGroup(const Rendezvous& rendezvous, torch::Device device, std::chrono::seconds timeout);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  void sum(torch::Tensor& tensor);
  torch::Tensor gather(const torch::Tensor& rows);  ///< along dimension 0, by rank
  void broadcast(torch::Tensor& tensor);            ///< from rank 0; on the CPU

  /// Leaves a reason, the first of all processes, and ends the connections, so that the others look for it.
  /// With `linger` rank 0, whose store goes with it, waits for them a while. A second time nothing.
  void leave(const std::string& reason, bool linger) noexcept;
  /// The reason that another process left; empty when none appears within a moment.
  std::string reason() noexcept;

 private:
  struct Connections;
  const Rendezvous rendezvous_;
  std::unique_ptr<Connections> connections_;
};

}  // namespace cdsr::train
