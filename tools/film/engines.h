// Hands the pieces of a film to what else runs processes: GNU parallel, Slurm. Every machine must see the
// folder, the input and the programs under the same paths. No scheduler of our own.
#pragma once

#include <string>
#include <vector>

#include "tools/film/job.h"

namespace cdsr::film {

/// The command that makes a piece, for a shell anywhere; `number` may be one of its variables.
std::string piece_line(const JobFolder& folder, const std::string& number);

/// Through GNU parallel, `jobs` at a time on each of `hosts` (as for --sshlogin: names with commas, `:` for
/// this machine). Returns once all are through or one has failed. Throws Io with parallel's words.
void run_parallel(const JobFolder& folder, const std::vector<size_t>& numbers, int jobs,
                  const std::string& hosts);

/// As one Slurm job array, `jobs` of it at a time; more: sbatch's options, as one would type them. Returns
/// once the array has ended. Throws Io with sbatch's words, and those of the first piece that failed.
void run_slurm(const JobFolder& folder, const std::vector<size_t>& numbers, int jobs,
               const std::string& more);

}  // namespace cdsr::film
