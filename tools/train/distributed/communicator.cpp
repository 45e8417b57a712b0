#include "tools/train/distributed/communicator.h"

#include "model/error.h"

namespace cdsr::train {
namespace {

/// Without the backtrace that LibTorch appends.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Communicator::Communicator(const Rendezvous& rendezvous, torch::Device device, std::chrono::seconds timeout)
    : rendezvous_(rendezvous), timeout_(timeout) {
  if (alone()) return;
  try {
    group_ = std::make_unique<ProcessGroup>(rendezvous, device, timeout);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    fail(Errc::Io, "rank {} of {}: no meeting at {}:{} within {} s: {}", rendezvous.rank, rendezvous.size,
         rendezvous.address, rendezvous.port, timeout.count(), first_line(e.what()));
  }
}

template <typename Action>
void Communicator::together(const Action& action) {
  try {
    action();
  } catch (const std::exception& e) {
    lost(first_line(e.what()));
  }
}

void Communicator::lost(const std::string& why) {
  lost_ = true;
  const std::string reason = group_->reason();
  if (!reason.empty()) fail(Errc::Io, "rank {} of {} stops: {}", rendezvous_.rank, rendezvous_.size, reason);
  fail(Errc::Io,
       "rank {} of {} stops: another process ended without a word, or did not answer within {} s ({})",
       rendezvous_.rank, rendezvous_.size, timeout_.count(), why);
}

void Communicator::sum(torch::Tensor& tensor) {
  if (!alone()) together([&] { group_->sum(tensor); });
}

torch::Tensor Communicator::gather(const torch::Tensor& rows) {
  torch::Tensor all = rows;
  if (!alone()) together([&] { all = group_->gather(rows); });
  return all;
}

void Communicator::average(const std::vector<torch::Tensor>& tensors) {
  if (alone() || tensors.empty()) return;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> flat;
  flat.reserve(tensors.size());
  for (const torch::Tensor& t : tensors) flat.push_back(t.flatten());
  torch::Tensor all = torch::cat(flat);
  sum(all);
  all.div_(size());
  int64_t at = 0;
  for (const torch::Tensor& t : tensors) {
    t.copy_(all.slice(0, at, at + t.numel()).view_as(t));
    at += t.numel();
  }
}

std::vector<double> Communicator::average(const std::vector<double>& values) {
  if (alone()) return values;
  torch::Tensor t = torch::tensor(values, torch::kDouble);
  average(std::vector<torch::Tensor>{t});
  return {t.data_ptr<double>(), t.data_ptr<double>() + t.numel()};
}

std::string Communicator::broadcast(const std::string& bytes) {
  if (alone()) return bytes;
  torch::Tensor length = torch::full({1}, static_cast<int64_t>(bytes.size()), torch::kLong);
  together([&] { group_->broadcast(length); });
  torch::Tensor all = torch::empty({length.item<int64_t>()}, torch::kByte);
  if (first()) std::copy(bytes.begin(), bytes.end(), all.data_ptr<uint8_t>());
  together([&] { group_->broadcast(all); });
  const auto* data = reinterpret_cast<const char*>(all.data_ptr<uint8_t>());
  return {data, data + all.numel()};
}

void Communicator::barrier() { average(std::vector<double>{0}); }

void Communicator::failed(const std::string& reason) noexcept {
  if (group_) group_->leave(fmt::format("rank {}: {}", rendezvous_.rank, reason), !lost_);
}

}  // namespace cdsr::train
