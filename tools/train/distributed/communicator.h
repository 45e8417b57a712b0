// The processes of a training: each makes a part of every batch, and all hold the same weights.
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "model/torch/collectives.h"
#include "tools/train/distributed/process_group.h"

namespace cdsr::train {

/// Every process makes the same calls in the same order; alone each call returns at once. A call that another
/// process does not answer throws Io: at once when that process has ended (its own reason in the message if
/// it gave one), else after the timeout. For one thread, but for what autograd calls from its own.
class Communicator : public nn::Collectives {
 public:
  /// Alone.
  Communicator() = default;
  /// Meets the other processes, if there are any, at `rendezvous.address`. Throws Unsupported when this build
  /// has not what that takes, Io when they do not come in time.
  Communicator(const Rendezvous& rendezvous, torch::Device device, std::chrono::seconds timeout);

  int rank() const { return rendezvous_.rank; }
  int size() const override { return rendezvous_.size; }
  bool alone() const { return rendezvous_.size == 1; }
  /// Whether this process validates, logs and writes files for all.
  bool first() const { return rendezvous_.rank == 0; }
  /// What modules that must know of others are given: null when alone.
  nn::Collectives* collectives() { return alone() ? nullptr : this; }

  void sum(torch::Tensor& tensor) override;
  torch::Tensor gather(const torch::Tensor& rows) override;
  /// Replaces each tensor by its mean over the processes; one message for all of them. Same type and device.
  void average(const std::vector<torch::Tensor>& tensors);
  /// The mean of each number.
  std::vector<double> average(const std::vector<double>& values);
  /// Rank 0's bytes, everywhere.
  std::string broadcast(const std::string& bytes);
  /// Returns when all have called it.
  void barrier();

  /// This process ends for a reason: the others hear it in place of a lost connection. No more calls then.
  void failed(const std::string& reason) noexcept;

 private:
  [[noreturn]] void lost(const std::string& why);
  template <typename Action>
  void together(const Action& action);

  Rendezvous rendezvous_;
  std::chrono::seconds timeout_{0};
  bool lost_ = false;  // another process failed, or this one thinks so
  std::unique_ptr<ProcessGroup> group_;
};

}  // namespace cdsr::train
