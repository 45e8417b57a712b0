// An address space that is too narrow: an error, wherever the memory ends, and never a crash.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "model/error.h"
#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

constexpr size_t kKibi = 1024;

size_t address_space() {
  size_t pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%zu", &pages) != 1) pages = 0;
  if (file != nullptr) std::fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

struct Child {
  int signal = 0;
  int status = -1;  ///< 0: all went well, 1: an OutOfMemory, others: something else
  std::string text;
};

/// The whole life of an engine in a process that may take `room` bytes more than it has.
Child run_in(size_t room, const std::shared_ptr<const Network>& network, const EngineOptions& options) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  const pid_t pid = fork();
  if (pid == 0) {
    const rlimit limit{address_space() + room, address_space() + room};
    setrlimit(RLIMIT_AS, &limit);
    int status = 0;
    try {
      const Image in = test_image(100, 90);
      run_backend("cpu", network, options, in);
    } catch (const Error& e) {
      status = e.code() == Errc::OutOfMemory ? 1 : 2;
      const ssize_t written = write(ends[1], e.what(), std::string_view(e.what()).size());
      (void)written;
    } catch (const std::bad_alloc&) {
      status = 1;
    } catch (...) {
      status = 3;
    }
    _exit(status);
  }
  close(ends[1]);
  Child child;
  char buffer[512];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    child.text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status))
    child.signal = WTERMSIG(status);
  else
    child.status = WEXITSTATUS(status);
  return child;
}

TEST(CpuNarrowMemory, IsAnErrorWhereverItEnds) {
  int errors = 0, runs = 0;
  for (const char* name : {"cdsr-rt", "cdsr-rt-dqa", "cdsr-2"}) {
    CdsrConfig config = config_by_name(name, 2);
    config.blocks = std::min(config.blocks, 2);
    const auto network = random_network(config, 1);
    EngineOptions options;
    options.threads = 2;
    options.query = Query::Frame;
    int good = 0;  // in a row
    for (size_t room = 0; good < 3 && room < (size_t{1} << 30); room += 256 * kKibi + room / 32) {
      SCOPED_TRACE(fmt::format("{}, {} KiB", name, room / kKibi));
      const Child child = run_in(room, network, options);
      EXPECT_EQ(child.signal, 0);
      EXPECT_TRUE(child.status == 0 || child.status == 1) << child.status << ' ' << child.text;
      good = child.status == 0 ? good + 1 : 0;
      errors += child.status == 1 ? 1 : 0;
      runs += child.status == 0 ? 1 : 0;
    }
    EXPECT_GE(good, 3) << name;
  }
  EXPECT_GT(errors, 20);
  EXPECT_GE(runs, 9);
}

}  // namespace
}  // namespace cdsr
