// Which of a training's processes this one is, and where it meets the others.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace cdsr::train {

struct Rendezvous {
  int rank = 0;         ///< 0 .. size - 1
  int size = 1;         ///< processes; 1: alone
  int local = 0;        ///< rank among the processes of this machine: which GPU is its own
  std::string address;  ///< where rank 0 listens: a host's name or address; empty when alone
  int port = 0;         ///< its TCP port
};

using Environment = std::function<std::optional<std::string>(const char* name)>;

/// Read off torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK), else Slurm's (SLURM_PROCID, SLURM_NTASKS,
/// SLURM_LOCALID); MASTER_ADDR and MASTER_PORT with both. With neither, or a single process: alone. Throws
/// InvalidArgument naming the variable that is missing or no number in its range.
Rendezvous rendezvous_from(const Environment& environment);

/// The same of this process's environment.
Rendezvous rendezvous_from_environment();

}  // namespace cdsr::train
