#include "model/weights.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "model/error.h"
#include "model/half.h"
#include "model/weights_header.h"

namespace cdsr {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is read in place");

constexpr size_t kLengthBytes = 8;
// The limit of the format's own reader.
constexpr uint64_t kMaxHeader = 100'000'000;

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// Bytes of a tensor, or failure when they do not fit 64 bits.
uint64_t checked_bytes(const HeaderEntry& e, const std::string& file) {
  uint64_t n = size_of(e.dtype);
  for (int64_t s : e.shape)
    if (__builtin_mul_overflow(n, static_cast<uint64_t>(s), &n))
      fail(Errc::BadWeights, "{}: tensor '{}': shape {} has more than 2^64 bytes", file, printable(e.name),
           shape_text(e.shape));
  return n;
}

struct Mapping {
  void* address = MAP_FAILED;
  size_t size = 0;

  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (address != MAP_FAILED) munmap(address, size);
  }
};

struct Descriptor {
  int fd = -1;

  explicit Descriptor(int value) : fd(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

const char* to_string(DType dtype) {
  switch (dtype) {
    case DType::F16:
      return "F16";
    case DType::BF16:
      return "BF16";
    case DType::I64:
      return "I64";
    default:
      return "F32";
  }
}

size_t size_of(DType dtype) {
  if (dtype == DType::I64) return 8;
  return dtype == DType::F32 ? 4 : 2;
}

int64_t TensorView::count() const { return static_cast<int64_t>(bytes / size_of(dtype)); }

std::vector<float> TensorView::to_float() const {
  if (dtype == DType::I64) fail(Errc::Internal, "tensor '{}' is I64: no weights", printable(name));
  std::vector<float> out(bytes / size_of(dtype));
  if (out.empty()) return out;
  if (dtype == DType::F32) {
    std::memcpy(out.data(), data, bytes);
    return out;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, data + 2 * i, 2);
    out[i] = dtype == DType::F16 ? f16_to_f32(bits) : bf16_to_f32(bits);
  }
  return out;
}

WeightsFile WeightsFile::parse(const std::byte* data, size_t size, std::string name,
                               WholeNumbers whole_numbers) {
  WeightsFile file;
  file.name_ = std::move(name);
  const std::string& n = file.name_;
  if (size < kLengthBytes)
    fail(Errc::BadWeights, "{}: {} bytes, a safetensors file has at least {}", n, size, kLengthBytes);
  uint64_t length = 0;
  std::memcpy(&length, data, kLengthBytes);
  if (length > kMaxHeader)
    fail(Errc::BadWeights, "{}: header length {} is over the limit of {} bytes: not a safetensors file?", n,
         length, kMaxHeader);
  if (length > size - kLengthBytes)
    fail(Errc::BadWeights, "{}: header length {}, but only {} bytes follow: the file is truncated", n, length,
         size - kLengthBytes);

  WeightsHeader header = parse_weights_header(
      {reinterpret_cast<const char*>(data) + kLengthBytes, static_cast<size_t>(length)}, n, whole_numbers);
  file.metadata_ = std::move(header.metadata);

  // By place in the file; empty tensors stay in the header's order.
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const HeaderEntry& a, const HeaderEntry& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  const std::byte* base = data + kLengthBytes + length;
  const uint64_t available = size - kLengthBytes - length;
  uint64_t at = 0;
  for (HeaderEntry& e : header.entries) {
    const std::string shown = printable(e.name);
    if (e.begin != at)
      fail(Errc::BadWeights, "{}: tensor '{}': data begins at {}, expected {} ({})", n, shown, e.begin, at,
           e.begin < at ? "it overlaps the tensor before it" : "there is a gap before it");
    if (e.end < e.begin)
      fail(Errc::BadWeights, "{}: tensor '{}': data_offsets [{}, {}] run backwards", n, shown, e.begin,
           e.end);
    if (e.end > available)
      fail(Errc::BadWeights,
           "{}: tensor '{}': data ends at {}, but the file has {} bytes of data: it is truncated", n, shown,
           e.end, available);
    const uint64_t expected = checked_bytes(e, n);
    if (e.end - e.begin != expected)
      fail(Errc::BadWeights, "{}: tensor '{}': {} {} needs {} bytes, data_offsets [{}, {}] have {}", n, shown,
           to_string(e.dtype), shape_text(e.shape), expected, e.begin, e.end, e.end - e.begin);
    at = e.end;
    file.tensors_.push_back(
        {std::move(e.name), e.dtype, std::move(e.shape), base + e.begin, e.end - e.begin});
  }
  if (at != available)
    fail(Errc::BadWeights, "{}: {} bytes after the last tensor, expected none", n, available - at);
  return file;
}

WeightsFile WeightsFile::open(const std::filesystem::path& path, WholeNumbers whole_numbers) {
  const std::string name = path.string();
  // O_NONBLOCK: opening a named pipe must not wait for a writer; regular files ignore it.
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.fd < 0) fail(Errc::Io, "{}: cannot open: {}", name, std::strerror(errno));
  struct stat info = {};
  if (fstat(descriptor.fd, &info) != 0) fail(Errc::Io, "{}: cannot stat: {}", name, std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    fail(Errc::Io, "{}: {}, must be a regular file", name,
         S_ISDIR(info.st_mode) ? "a directory" : "a special file");
  if (info.st_size == 0) fail(Errc::BadWeights, "{}: the file is empty", name);

  auto mapping = std::make_shared<Mapping>();
  mapping->size = static_cast<size_t>(info.st_size);
  mapping->address = mmap(nullptr, mapping->size, PROT_READ, MAP_PRIVATE, descriptor.fd, 0);
  if (mapping->address == MAP_FAILED) fail(Errc::Io, "{}: cannot map: {}", name, std::strerror(errno));
  WeightsFile file =
      parse(static_cast<const std::byte*>(mapping->address), mapping->size, name, whole_numbers);
  file.mapping_ = std::move(mapping);
  return file;
}

const TensorView* WeightsFile::find(std::string_view name) const {
  for (const TensorView& t : tensors_)
    if (t.name == name) return &t;
  return nullptr;
}

}  // namespace cdsr
