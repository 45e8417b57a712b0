#include "tools/film/engines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/error.h"
#include "tools/film/driver.h"
#include "tools/film/process.h"

namespace cdsr::film {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string piece_line(const JobFolder& folder, const std::string& number) {
  return fmt::format("{} piece {} {}", quoted(this_program().string()),
                     quoted(fs::absolute(folder.path()).string()), number);
}

void run_parallel(const JobFolder& folder, const std::vector<size_t>& numbers, int jobs,
                  const std::string& hosts) {
  std::vector<std::string> words = {
      "parallel", "--will-cite", "--jobs",      std::to_string(jobs),     "--sshlogin",
      hosts,      "--halt",      "soon,fail=1", piece_line(folder, "{}"), ":::"};
  for (const size_t n : numbers) words.push_back(std::to_string(n));
  run(words, folder.path(), folder.path() / "engine.log", "GNU parallel");
}

void run_slurm(const JobFolder& folder, const std::vector<size_t>& numbers, int jobs,
               const std::string& more) {
  const fs::path log = folder.path() / "engine.log";
  std::vector<std::string> words = {"sbatch", "--wait", "--job-name=cdsr",
                                    fmt::format("--array={}%{}", fmt::join(numbers, ","), jobs),
                                    "--output=piece-%4a.out"};
  for (const std::string& word : words_of(more)) words.push_back(word);
  words.push_back("--wrap=exec " + piece_line(folder, "$SLURM_ARRAY_TASK_ID"));
  const int status = wait_for(start(words, folder.path(), log));
  std::string failed;
  for (const size_t n : numbers) {
    const fs::path out = folder.piece(n, "out");
    if (status != 0 && failed.empty() && !fs::exists(folder.piece(n, "done")))
      failed = fmt::format("\npiece {}: {}", n, fs::exists(out) ? tail(out) : "did not run");
    std::error_code ignored;
    fs::remove(out, ignored);
  }
  if (status == 127) fail(Errc::Io, "Slurm: sbatch cannot be run");
  if (status != 0) fail(Errc::Io, "Slurm: sbatch ended with {}: {}{}", status, tail(log), failed);
}

}  // namespace cdsr::film
