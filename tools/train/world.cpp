#include "tools/train/world.h"

#include "model/error.h"

namespace cdsr::train {
namespace {

/// Without the backtrace that LibTorch appends.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

World::World(const Place& place, torch::Device device, std::chrono::seconds timeout)
    : place_(place), timeout_(timeout) {
  if (alone()) return;
  try {
    group_ = std::make_unique<Group>(place, device, timeout);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    fail(Errc::Io, "rank {} of {}: no meeting at {}:{} within {} s: {}", place.rank, place.size,
         place.address, place.port, timeout.count(), first_line(e.what()));
  }
}

template <typename Action>
void World::together(const Action& action) {
  try {
    action();
  } catch (const std::exception& e) {
    lost(first_line(e.what()));
  }
}

void World::lost(const std::string& why) {
  lost_ = true;
  const std::string reason = group_->reason();
  if (!reason.empty()) fail(Errc::Io, "rank {} of {} stops: {}", place_.rank, place_.size, reason);
  fail(Errc::Io,
       "rank {} of {} stops: another process ended without a word, or did not answer within {} s ({})",
       place_.rank, place_.size, timeout_.count(), why);
}

void World::sum(torch::Tensor& tensor) {
  if (!alone()) together([&] { group_->sum(tensor); });
}

torch::Tensor World::gather(const torch::Tensor& rows) {
  torch::Tensor all = rows;
  if (!alone()) together([&] { all = group_->gather(rows); });
  return all;
}

void World::average(const std::vector<torch::Tensor>& tensors) {
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

std::vector<double> World::average(const std::vector<double>& values) {
  if (alone()) return values;
  torch::Tensor t = torch::tensor(values, torch::kDouble);
  average(std::vector<torch::Tensor>{t});
  return {t.data_ptr<double>(), t.data_ptr<double>() + t.numel()};
}

std::string World::broadcast(const std::string& bytes) {
  if (alone()) return bytes;
  torch::Tensor length = torch::full({1}, static_cast<int64_t>(bytes.size()), torch::kLong);
  together([&] { group_->broadcast(length); });
  torch::Tensor all = torch::empty({length.item<int64_t>()}, torch::kByte);
  if (first()) std::copy(bytes.begin(), bytes.end(), all.data_ptr<uint8_t>());
  together([&] { group_->broadcast(all); });
  const auto* data = reinterpret_cast<const char*>(all.data_ptr<uint8_t>());
  return {data, data + all.numel()};
}

void World::meet() { average(std::vector<double>{0}); }

void World::failed(const std::string& reason) noexcept {
  if (group_) group_->leave(fmt::format("rank {}: {}", place_.rank, reason), !lost_);
}

}  // namespace cdsr::train
