// Files that are there complete or not at all, whatever happens while they are written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace cdsr {

/// A file that appears under its name when it is committed. Until then it is a temporary file beside it (its
/// name with ".tmp-" and a number), which goes when the object does. Errors are Io; a file that was there
/// before is then untouched. For one thread.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const void* data, size_t size);
  /// Flushes to the disk and renames; afterwards the object is of no more use.
  void commit();

 private:
  [[noreturn]] void io_error(const std::string& what) const;

  std::filesystem::path path_;
  std::string temporary_;
  int fd_ = -1;
  bool done_ = false;
};

}  // namespace cdsr
