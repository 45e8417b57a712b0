#include "tools/train/distributed/rendezvous.h"

#include <charconv>
#include <cstdlib>

#include "model/error.h"

namespace cdsr::train {
namespace {

/// A launcher's names for rank, size and local rank.
struct Launcher {
  const char *rank, *size, *local;
};
constexpr Launcher kLaunchers[] = {{"RANK", "WORLD_SIZE", "LOCAL_RANK"},
                                   {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"}};

std::string text(const Environment& environment, const char* name, const char* because) {
  const auto value = environment(name);
  if (!value || value->empty())
    fail(Errc::InvalidArgument, "{} is set, but {} is not: a training in several processes needs both",
         because, name);
  return *value;
}

int number(const Environment& environment, const char* name, const char* because, int low, int high) {
  const std::string value = text(environment, name, because);
  int n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (error != std::errc() || end != value.data() + value.size() || n < low || n > high)
    fail(Errc::InvalidArgument, "{} is '{}', must be a number from {} to {}", name, value, low, high);
  return n;
}

}  // namespace

Rendezvous rendezvous_from(const Environment& environment) {
  for (const Launcher& names : kLaunchers) {
    if (!environment(names.size)) continue;
    Rendezvous rendezvous;
    rendezvous.size = number(environment, names.size, names.size, 1, 65536);
    if (rendezvous.size == 1) return {};
    rendezvous.rank = number(environment, names.rank, names.size, 0, rendezvous.size - 1);
    rendezvous.local = number(environment, names.local, names.size, 0, rendezvous.size - 1);
    rendezvous.address = text(environment, "MASTER_ADDR", names.size);
    rendezvous.port = number(environment, "MASTER_PORT", names.size, 1, 65535);
    return rendezvous;
  }
  return {};
}

Rendezvous rendezvous_from_environment() {
  return rendezvous_from([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

}  // namespace cdsr::train
