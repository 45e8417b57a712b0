#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "model/atomic_file.h"
#include "model/error.h"
#include "model/half.h"
#include "model/weights.h"
#include "model/weights_header.h"

namespace cdsr {
namespace {

namespace fs = std::filesystem;

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
  if (dtype == DType::I64) fail(Errc::InvalidArgument, "{}: weights cannot be I64", path.string());
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
