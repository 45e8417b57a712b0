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
#include "tools/train/group.h"

namespace cdsr::train {
namespace {

#if TORCH_VERSION_MAJOR >= 2
using ProcessGroup = c10d::Backend;
#else
using ProcessGroup = c10d::ProcessGroup;
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

c10::intrusive_ptr<c10d::Store> meet(const Place& place, std::chrono::seconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(place.port);
  options.isServer = place.rank == 0;
  options.numWorkers = static_cast<size_t>(place.size);
  options.timeout = timeout;
  return c10::make_intrusive<c10d::TCPStore>(place.address, options);
}

#ifdef CDSR_NCCL
c10::intrusive_ptr<ProcessGroup> nccl_group(const Place& place, const c10::intrusive_ptr<c10d::Store>& store,
                                            std::chrono::seconds timeout) {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store),
                                                     place.rank, place.size, options);
}
#endif

}  // namespace

struct Group::Connections {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<ProcessGroup> gloo, nccl;

  ProcessGroup& of(const torch::Tensor& tensor) const { return tensor.is_cuda() ? *nccl : *gloo; }
};

Group::Group(const Place& place, torch::Device device, std::chrono::seconds timeout)
    : place_(place), connections_(std::make_unique<Connections>()) {
#ifndef CDSR_NCCL
  if (device.is_cuda())
    fail(Errc::Unsupported,
         "--device {} in {} processes takes NCCL: this build has a LibTorch without it, or nccl.h was not "
         "found",
         device.str(), place.size);
#endif
  connections_->store = meet(place, timeout);
  const auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(gloo_device(place.address));
  connections_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", connections_->store), place.rank, place.size, options);
#ifdef CDSR_NCCL
  if (device.is_cuda()) connections_->nccl = nccl_group(place, connections_->store, timeout);
#endif
}

Group::~Group() = default;

void Group::sum(torch::Tensor& tensor) {
  std::vector<torch::Tensor> tensors = {tensor};
  connections_->of(tensor).allreduce(tensors)->wait();
}

torch::Tensor Group::gather(const torch::Tensor& rows) {
  std::vector<torch::Tensor> input = {rows.contiguous()};
  std::vector<std::vector<torch::Tensor>> parts(1);
  for (int i = 0; i < place_.size; ++i) parts[0].push_back(torch::empty_like(input[0]));
  connections_->of(rows).allgather(parts, input)->wait();
  return torch::cat(parts[0]);
}

void Group::broadcast(torch::Tensor& tensor) {
  std::vector<torch::Tensor> tensors = {tensor};
  connections_->gloo->broadcast(tensors)->wait();
}

void Group::leave(const std::string& reason, bool linger) noexcept {
  if (!connections_->gloo) return;
  try {
    c10d::Store& store = *connections_->store;
    if (store.add(kReasons, 1) == 1) store.set(kReason, std::vector<uint8_t>(reason.begin(), reason.end()));
    connections_->gloo.reset();
    store.add(kGone, 1);
    if (place_.rank != 0 || !linger) return;
    for (int i = 0; i < kGonePolls && store.add(kGone, 0) < place_.size; ++i)
      std::this_thread::sleep_for(kPoll);
  } catch (const std::exception&) {
    // rank 0 is gone already, and its store with it: there is nobody left to tell
  }
}

std::string Group::reason() noexcept {
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
