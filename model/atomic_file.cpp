#include "model/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "model/error.h"

namespace cdsr {

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  static std::atomic<unsigned> counter = 0;
  temporary_ = path.string() + fmt::format(".tmp-{}-{}", getpid(), counter++);
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) io_error("cannot create");
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!done_) unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t size) {
  const auto* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd_, p, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("cannot write");
    p += n;
    size -= static_cast<size_t>(n);
  }
}

void AtomicFile::commit() {
  if (fsync(fd_) != 0) io_error("cannot flush");
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) io_error("cannot close");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) io_error("cannot rename to " + path_.string());
  done_ = true;
  // The rename itself is durable once the folder is flushed; a file system that cannot is no failure.
  const std::filesystem::path folder =
      path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  const int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd >= 0) {
    fsync(folder_fd);
    close(folder_fd);
  }
}

void AtomicFile::io_error(const std::string& what) const {
  fail(Errc::Io, "{}: {}: {}", temporary_, what, std::strerror(errno));
}

}  // namespace cdsr
