// Other programs, run to their end.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace cdsr::film {

/// A text cut at its spaces.
std::vector<std::string> words_of(const std::string& text);

/// Starts words[0] with its arguments in a folder; stdin is empty, stdout and stderr go to `log`, which is
/// written anew. It is killed when this thread ends. Throws Io when the system refuses.
pid_t start(const std::vector<std::string>& words, const std::filesystem::path& folder,
            const std::filesystem::path& log);

/// Waits for one of one's own children. Returns its status: 0 done, else what a shell would call it (128 +
/// signal).
int wait_for(pid_t child);

/// The last lines of a log, for a message.
std::string tail(const std::filesystem::path& log);

/// Runs a program and throws Io with the tail of its log unless it succeeds. what: what failed, for the
/// message.
void run(const std::vector<std::string>& words, const std::filesystem::path& folder,
         const std::filesystem::path& log, const std::string& what);

}  // namespace cdsr::film
