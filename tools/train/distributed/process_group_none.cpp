// This build has no c10d: its headers or Gloo's were not found.
#include "model/error.h"
#include "tools/train/distributed/process_group.h"

namespace cdsr::train {

struct ProcessGroup::Connections {};

ProcessGroup::ProcessGroup(const Rendezvous& rendezvous, torch::Device /*device*/,
                           std::chrono::seconds /*timeout*/)
    : rendezvous_(rendezvous) {
  fail(Errc::Unsupported,
       "this is process {} of {}, but this build trains in one process alone: install libgloo-dev, then "
       "configure and build again",
       rendezvous.rank, rendezvous.size);
}
ProcessGroup::~ProcessGroup() = default;
void ProcessGroup::sum(torch::Tensor& /*tensor*/) {}
torch::Tensor ProcessGroup::gather(const torch::Tensor& rows) { return rows; }
void ProcessGroup::broadcast(torch::Tensor& /*tensor*/) {}
void ProcessGroup::leave(const std::string& /*reason*/, bool /*linger*/) noexcept {}
std::string ProcessGroup::reason() noexcept { return {}; }

}  // namespace cdsr::train
