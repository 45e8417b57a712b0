#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef CDSR_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/version.h>

#include <cstdlib>
#include <thread>

#include "model/error.h"
#include "tools/train/distributed/process_group.h"

namespace cdsr::train {
namespace {

#if TORCH_VERSION_MAJOR >= 2
using C10dGroup = c10d::Backend;
#else
using C10dGroup = c10d::ProcessGroup;
#endif

constexpr std::chrono::milliseconds kPoll{50};
constexpr int kReasonPolls = 20;  // 1 s for the reason of a process that is gone: it was left before
constexpr int kGonePolls = 200;   // 10 s for all to hear it: they may be in the middle of a long step

constexpr const char *kReasons = "cdsr/reasons", *kReason = "cdsr/reason", *kGone = "cdsr/gone";

/// The interface to speak over: the one that GLOO_SOCKET_IFNAME names, as in PyTorch; loopback when rank 0 is
/// met there; else the one this machine's name leads to.
std::shared_ptr<gloo::transport::Device> gloo_device(const std::string& address) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr) return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  if (address == "localhost" || address.rfind("127.", 0) == 0)
    return c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  return c10d::ProcessGroupGloo::createDefaultDevice();
}

c10::intrusive_ptr<c10d::Store> meet(const Rendezvous& rendezvous, std::chrono::seconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(rendezvous.port);
  options.isServer = rendezvous.rank == 0;
  options.numWorkers = static_cast<size_t>(rendezvous.size);
  options.timeout = timeout;
  return c10::make_intrusive<c10d::TCPStore>(rendezvous.address, options);
}

#ifdef CDSR_NCCL
c10::intrusive_ptr<C10dGroup> nccl_group(const Rendezvous& rendezvous,
                                         const c10::intrusive_ptr<c10d::Store>& store,
                                         std::chrono::seconds timeout) {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store),
                                                     rendezvous.rank, rendezvous.size, options);
}
#endif

}  // namespace

struct ProcessGroup::Connections {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<C10dGroup> gloo, nccl;

  C10dGroup& of(const torch::Tensor& tensor) const { return tensor.is_cuda() ? *nccl : *gloo; }
};

ProcessGroup::ProcessGroup(const Rendezvous& rendezvous, torch::Device device, std::chrono::seconds timeout)
    : rendezvous_(rendezvous), connections_(std::make_unique<Connections>()) {
#ifndef CDSR_NCCL
  if (device.is_cuda())
    fail(Errc::Unsupported,
         "--device {} in {} processes takes NCCL: this build has a LibTorch without it, or nccl.h was not "
         "found",
         device.str(), rendezvous.size);
#endif
  connections_->store = meet(rendezvous, timeout);
  const auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(gloo_device(rendezvous.address));
  connections_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", connections_->store), rendezvous.rank, rendezvous.size,
      options);
#ifdef CDSR_NCCL
  if (device.is_cuda()) connections_->nccl = nccl_group(rendezvous, connections_->store, timeout);
#endif
}

ProcessGroup::~ProcessGroup() = default;

void ProcessGroup::sum(torch::Tensor& tensor) {
  std::vector<torch::Tensor> tensors = {tensor};
  connections_->of(tensor).allreduce(tensors)->wait();
}

torch::Tensor ProcessGroup::gather(const torch::Tensor& rows) {
  std::vector<torch::Tensor> input = {rows.contiguous()};
  std::vector<std::vector<torch::Tensor>> parts(1);
  for (int i = 0; i < rendezvous_.size; ++i) parts[0].push_back(torch::empty_like(input[0]));
  connections_->of(rows).allgather(parts, input)->wait();
  return torch::cat(parts[0]);
}

void ProcessGroup::broadcast(torch::Tensor& tensor) {
  std::vector<torch::Tensor> tensors = {tensor};
  connections_->gloo->broadcast(tensors)->wait();
}

void ProcessGroup::leave(const std::string& reason, bool linger) noexcept {
  if (!connections_->gloo) return;
  try {
    c10d::Store& store = *connections_->store;
    if (store.add(kReasons, 1) == 1) store.set(kReason, std::vector<uint8_t>(reason.begin(), reason.end()));
    connections_->gloo.reset();
    store.add(kGone, 1);
    if (rendezvous_.rank != 0 || !linger) return;
    for (int i = 0; i < kGonePolls && store.add(kGone, 0) < rendezvous_.size; ++i)
      std::this_thread::sleep_for(kPoll);
  } catch (const std::exception&) {
    // rank 0 is gone already, and its store with it: there is nobody left to tell
  }
}

std::string ProcessGroup::reason() noexcept {
  try {
    c10d::Store& store = *connections_->store;
    // Asked again and again: a wait that ran out would leave the connection to the store out of step.
    for (int i = 0; i < kReasonPolls; ++i) {
      if (store.check({kReason})) {
        const std::vector<uint8_t> bytes = store.get(kReason);
        return {bytes.begin(), bytes.end()};
      }
      std::this_thread::sleep_for(kPoll);
    }
  } catch (const std::exception&) {
    // as above
  }
  return {};
}

}  // namespace cdsr::train
