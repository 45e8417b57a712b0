#include "tools/film/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "model/error.h"

namespace cdsr::film {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

pid_t start(const std::vector<std::string>& words, const std::filesystem::path& folder,
            const std::filesystem::path& log) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words)
    argv.push_back(const_cast<char*>(word.c_str()));  // exec's old signature
  argv.push_back(nullptr);
  const std::string where = std::filesystem::absolute(folder).string(),
                    text = std::filesystem::absolute(log).string();
  const pid_t child = fork();
  if (child < 0) fail(Errc::Io, "the system refuses a process for {}: {}", words[0], std::strerror(errno));
  if (child > 0) return child;
  // Only what may be called between fork and exec. It must not outlive its thread, nor the process: whoever
  // goes on writes the same files.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(text.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const int in = open("/dev/null", O_RDONLY);
  if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
      chdir(where.c_str()) != 0)
    _exit(126);
  execvp(argv[0], argv.data());
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string tail(const std::filesystem::path& log) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg(), most = 600;
  file.seekg(size > most ? size - most : 0);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void run(const std::vector<std::string>& words, const std::filesystem::path& folder,
         const std::filesystem::path& log, const std::string& what) {
  const int status = wait_for(start(words, folder, log));
  if (status == 127) fail(Errc::Io, "{}: {} cannot be run", what, words[0]);
  if (status != 0) fail(Errc::Io, "{}: {} ended with {}: {}", what, words[0], status, tail(log));
}

}  // namespace cdsr::film
