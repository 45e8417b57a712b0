#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "model/error.h"
#include "model/half.h"
#include "model/weights.h"
#include "model/weights_header.h"

namespace cdsr {
namespace {

namespace fs = std::filesystem;

/// A file that appears under its name complete or not at all.
class AtomicFile {
 public:
  explicit AtomicFile(const fs::path& path) : path_(path) {
    static std::atomic<unsigned> counter = 0;
    temporary_ = path.string() + fmt::format(".tmp-{}-{}", getpid(), counter++);
    fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0) io_error("cannot create");
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (fd_ >= 0) close(fd_);
    if (!done_) unlink(temporary_.c_str());
  }

  void write(const void* data, size_t size) {
    const auto* p = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t n = ::write(fd_, p, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) io_error("cannot write");
      p += n;
      size -= static_cast<size_t>(n);
    }
  }

  void commit() {
    if (fsync(fd_) != 0) io_error("cannot flush");
    const int fd = std::exchange(fd_, -1);
    if (close(fd) != 0) io_error("cannot close");
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) io_error("cannot rename to " + path_.string());
    done_ = true;
    // The rename itself is durable once the folder is flushed; a file system that cannot is no failure.
    const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    const int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd >= 0) {
      fsync(folder_fd);
      close(folder_fd);
    }
  }

 private:
  [[noreturn]] void io_error(const std::string& what) const {
    fail(Errc::Io, "{}: {}: {}", temporary_, what, std::strerror(errno));
  }

  fs::path path_;
  std::string temporary_;
  int fd_ = -1;
  bool done_ = false;
};

void check(const NamedTensor& t) {
  uint64_t n = 1;
  for (int64_t s : t.shape)
    if (s < 0 || __builtin_mul_overflow(n, static_cast<uint64_t>(s), &n))
      fail(Errc::InvalidArgument, "tensor '{}': shape [{}] is impossible", t.name, fmt::join(t.shape, ", "));
  if (n != t.values.size())
    fail(Errc::InvalidArgument, "tensor '{}': shape [{}] needs {} values, there are {}", t.name,
         fmt::join(t.shape, ", "), n, t.values.size());
}

std::string header_json(const std::vector<NamedTensor>& tensors,
                        const std::map<std::string, std::string>& metadata, DType dtype) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string> names = {"__metadata__"};
  uint64_t at = 0;
  for (const NamedTensor& t : tensors) {
    if (t.name.empty() || !names.insert(t.name).second)
      fail(Errc::InvalidArgument, "tensor name '{}' is {}", t.name, t.name.empty() ? "empty" : "taken");
    check(t);
    const uint64_t end = at + t.values.size() * size_of(dtype);
    // emplace_back through the container: ordered_json's [] searches all names before it for each one.
    header.get_ref<nlohmann::ordered_json::object_t&>().emplace_back(
        t.name,
        nlohmann::ordered_json{{"dtype", to_string(dtype)}, {"shape", t.shape}, {"data_offsets", {at, end}}});
    at = end;
  }
  try {
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');  // so that the data is aligned
    return text;
  } catch (const nlohmann::json::exception& e) {
    fail(Errc::InvalidArgument, "a tensor name or metadata is not UTF-8: {}", e.what());
  }
}

std::vector<uint16_t> narrow(const NamedTensor& t, DType dtype) {
  std::vector<uint16_t> out(t.values.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const float v = t.values[i];
    out[i] = dtype == DType::F16 ? f32_to_f16(v) : f32_to_bf16(v);
    const float stored = dtype == DType::F16 ? f16_to_f32(out[i]) : bf16_to_f32(out[i]);
    if (std::isinf(stored) && !std::isinf(v))
      fail(Errc::InvalidArgument, "tensor '{}': value {} at {} is out of the range of {}", t.name, v, i,
           to_string(dtype));
  }
  return out;
}

}  // namespace

void write_weights(const fs::path& path, const std::vector<NamedTensor>& tensors,
                   const std::map<std::string, std::string>& metadata, DType dtype) {
  const std::string header = header_json(tensors, metadata, dtype);
  AtomicFile file(path);
  const uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  for (const NamedTensor& t : tensors) {
    if (dtype == DType::F32) {
      file.write(t.values.data(), t.values.size() * 4);
    } else {
      const std::vector<uint16_t> bits = narrow(t, dtype);
      file.write(bits.data(), bits.size() * 2);
    }
  }
  file.commit();
}

}  // namespace cdsr
