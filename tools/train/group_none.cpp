// This build has no c10d: its headers or Gloo's were not found.
#include "model/error.h"
#include "tools/train/group.h"

namespace cdsr::train {

struct Group::Connections {};

Group::Group(const Place& place, torch::Device /*device*/, std::chrono::seconds /*timeout*/) : place_(place) {
  fail(Errc::Unsupported,
       "this is process {} of {}, but this build trains in one process alone: install libgloo-dev, then "
       "configure and build again",
       place.rank, place.size);
}
Group::~Group() = default;
void Group::sum(torch::Tensor& /*tensor*/) {}
torch::Tensor Group::gather(const torch::Tensor& rows) { return rows; }
void Group::broadcast(torch::Tensor& /*tensor*/) {}
void Group::leave(const std::string& /*reason*/, bool /*linger*/) noexcept {}
std::string Group::reason() noexcept { return {}; }

}  // namespace cdsr::train
