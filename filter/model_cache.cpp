#include "filter/model_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <tuple>
#include <utility>

#include "model/error.h"
#include "model/find_model.h"
#include "model/weights.h"

namespace cdsr {
namespace {

/// Path, size and time of change: a file that was written anew is another file.
using FileKey = std::tuple<std::string, uintmax_t, std::filesystem::file_time_type::rep>;

FileKey key_of(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    fail(Errc::Io, "model {}: a directory, must be a .safetensors file", path.string());
  const auto canonical = std::filesystem::canonical(path, error);
  const auto size = error ? 0 : std::filesystem::file_size(canonical, error);
  const auto time =
      error ? std::filesystem::file_time_type() : std::filesystem::last_write_time(canonical, error);
  if (error) fail(Errc::Io, "model {}: {}", path.string(), error.message());
  return {canonical.string(), size, time.time_since_epoch().count()};
}

/// FNV-1a over words of eight bytes: a byte at a time would be felt with large files.
uint64_t hash_bytes(const void* data, size_t size, uint64_t hash) {
  const auto* p = static_cast<const std::byte*>(data);
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, p + at, std::min(sizeof word, size - at));
    hash = (hash ^ word) * 0x100000001b3ULL;
  }
  return hash;
}

std::string hash_of(const WeightsFile& file) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  const auto config = file.metadata().find("cdsr.config");
  if (config != file.metadata().end()) hash = hash_bytes(config->second.data(), config->second.size(), hash);
  for (const TensorView& tensor : file.tensors()) {
    hash = hash_bytes(tensor.name.data(), tensor.name.size(), hash);
    hash = hash_bytes(tensor.data, tensor.bytes, hash);
  }
  return fmt::format("{:016x}", hash);
}

std::shared_ptr<const Model> load(const std::filesystem::path& path) {
  const WeightsFile file = WeightsFile::open(path);
  auto model = std::make_shared<Model>();
  model->path = path.string();
  model->hash = hash_of(file);
  model->network = load_network(file);
  model->metadata.insert(file.metadata().begin(), file.metadata().end());
  model->golden = golden_in(file.metadata(), model->path);
  model->reader = reader_in(file.metadata(), model->network->config, model->path);
  return model;
}

}  // namespace

std::shared_ptr<const Model> open_model(const std::string& name, int scale) {
  // Held while loading: a second session that asks for the same file waits for it instead of reading it too.
  static std::mutex mutex;
  static std::map<FileKey, std::weak_ptr<const Model>> models;

  const std::filesystem::path path = find_model(name, scale);
  const std::lock_guard lock(mutex);
  const FileKey key = key_of(path);
  std::shared_ptr<const Model> model = models[key].lock();
  if (model == nullptr) {
    std::erase_if(models, [](const auto& entry) { return entry.second.expired(); });
    model = load(path);
    models[key] = model;
  }
  const CdsrConfig& config = model->network->config;
  if (config.scale != scale) {
    fail(Errc::InvalidArgument, "model {} upscales by {}, not by {}", model->path, config.scale, scale);
  }
  return model;
}

}  // namespace cdsr
