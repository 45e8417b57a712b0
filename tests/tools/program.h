// The program `cdsr` as a test starts it: run to its end, or started and left alone.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cdsr::tools {

struct Outcome {
  int status;          ///< of its exit, -1 when it was killed
  std::string output;  ///< stdout and stderr
};

/// Runs `cdsr ARGUMENTS`, words as a shell takes them.
inline Outcome cdsr(const std::string& arguments) {
  Outcome result{-1, {}};
  FILE* pipe = popen(("'" CDSR_PROGRAM "' " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) result.output.append(buffer, n);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

/// Starts `cdsr WORDS` with these environment variables more; stdout and stderr go to a file.
/// `file_limit`: bytes of a file from which on writing fails, as on a full disk.
inline pid_t start_cdsr(std::vector<std::string> words, const std::filesystem::path& text,
                        const std::map<std::string, std::string>& variables = {},
                        rlim_t file_limit = RLIM_INFINITY) {
  words.insert(words.begin(), CDSR_PROGRAM);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const int fd = open(text.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  dup2(fd, 1);
  dup2(fd, 2);
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  if (file_limit != RLIM_INFINITY) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{file_limit, file_limit};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  execv(argv[0], argv.data());
  _exit(127);
}

}  // namespace cdsr::tools
