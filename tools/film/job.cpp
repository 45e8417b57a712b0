#include "tools/film/job.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "model/atomic_file.h"
#include "model/error.h"

namespace cdsr::film {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uint64_t kHashStart = 0xcbf29ce484222325ULL;

uint64_t add_to_hash(uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

json to_json(const Job& job) {
  return {{"input", job.input},          {"bytes", job.bytes},     {"library", job.library},
          {"ffmpeg", job.ffmpeg},        {"options", job.options}, {"encoder", job.encoder},
          {"longest_piece", job.longest}};
}

/// Reads a file of ours; whatever is wrong with it is one error.
template <typename Read>
auto read_json(const fs::path& path, Read read) {
  const std::string text = read_text(path);
  try {
    return read(json::parse(text));
  } catch (const json::exception& e) {
    fail(Errc::InvalidArgument, "{}: damaged, or not of `cdsr film`: {}", path.string(), e.what());
  }
}

}  // namespace

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(Errc::Io, "{}: {}", path.string(), std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) fail(Errc::Io, "{}: cannot be read", path.string());
  return text;
}

void write_text(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

std::string file_hash(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(Errc::Io, "{}: {}", path.string(), std::strerror(errno));
  uint64_t hash = kHashStart;
  std::string block(1 << 16, '\0');
  do {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash = add_to_hash(hash, std::string_view(block).substr(0, static_cast<size_t>(file.gcount())));
  } while (file);
  if (file.bad()) fail(Errc::Io, "{}: cannot be read", path.string());
  return fmt::format("{:016x}", hash);
}

std::string film_hash(const Film& film, const Piece& piece) {
  return fmt::format("{:016x}", add_to_hash(kHashStart, film_text(cut_film(film, piece.first, piece.count))));
}

fs::path JobFolder::piece(size_t number, const char* extension) const {
  return path_ / fmt::format("piece-{:04}.{}", number, extension);
}

void JobFolder::open(const Job& job) const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) fail(Errc::Io, "{}: {}", path_.string(), error.message());
  if (!fs::exists(path_ / "job.json")) return write_text(path_ / "job.json", to_json(job).dump(1) + "\n");
  const json wanted = to_json(job), found = to_json(this->job());
  for (const auto& [key, value] : wanted.items()) {
    if (found[key] != value)
      fail(Errc::InvalidArgument,
           "{}: begun with {} = {}, now {}: go on as it was begun, or remove the folder", path_.string(), key,
           found[key].dump(), value.dump());
  }
}

Job JobFolder::job() const {
  return read_json(path_ / "job.json", [](const json& value) {
    Job job;
    value.at("input").get_to(job.input);
    value.at("bytes").get_to(job.bytes);
    value.at("library").get_to(job.library);
    value.at("ffmpeg").get_to(job.ffmpeg);
    value.at("options").get_to(job.options);
    value.at("encoder").get_to(job.encoder);
    value.at("longest_piece").get_to(job.longest);
    return job;
  });
}

void JobFolder::write_done(size_t number, const Done& done) const {
  const json record = {{"first", done.piece.first},
                       {"count", done.piece.count},
                       {"bytes", done.bytes},
                       {"hash", done.hash},
                       {"film", done.film}};
  write_text(piece(number, "done"), record.dump() + "\n");
}

std::optional<Done> JobFolder::done(size_t number, const Piece& piece, const Film& film) const {
  const fs::path record = this->piece(number, "done"), file = this->piece(number, "mkv");
  std::error_code error;
  if (!fs::exists(record, error)) return std::nullopt;
  const Done done = read_json(record, [](const json& value) {
    return Done{{value.at("first").get<int64_t>(), value.at("count").get<int64_t>()},
                value.at("bytes").get<int64_t>(),
                value.at("hash").get<std::string>(),
                value.at("film").get<std::string>()};
  });
  const auto bytes = fs::file_size(file, error);
  if (error || done.piece != piece || done.film != film_hash(film, piece) ||
      static_cast<int64_t>(bytes) != done.bytes || file_hash(file) != done.hash)
    return std::nullopt;
  return done;
}

}  // namespace cdsr::film
