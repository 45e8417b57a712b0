#include "model/cuda/plan_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "model/atomic_file.h"
#include "model/cuda/hash.h"
#include "model/error.h"

namespace cdsr::cuda {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "cdsr-plans";
constexpr int kVersion = 1;
constexpr size_t kMostBytes = size_t{64} << 20;
constexpr size_t kMostChoices = 256;
constexpr double kMostMicroseconds = 1e9;

json key_json(const PlanKey& k) {
  return {{"gpu", k.gpu},         {"capability", k.capability}, {"multiprocessors", k.multiprocessors},
          {"driver", k.driver},   {"cudnn", k.cudnn},           {"build", k.build},
          {"network", k.network}, {"precision", k.precision},   {"width", k.width},
          {"height", k.height}};
}

json choices_json(const std::vector<PlanChoice>& choices) {
  json all = json::array();
  for (const PlanChoice& c : choices)
    all.push_back({{"shape", c.shape},
                   {"candidate", c.candidate},
                   {"engine", c.engine},
                   {"plan", c.plan},
                   {"own_us", c.own_us},
                   {"fastest_us", c.fastest_us}});
  return all;
}

std::string check_sum(const json& choices) {
  return fmt::format("{:016x}", hash_bytes(choices.dump(-1, ' ', true)));
}

[[noreturn]] void bad(const std::string& what) { fail(Errc::Io, "{}", what); }

/// An object with exactly these members.
const json& object(const json& value, const char* what, const std::set<std::string>& members) {
  if (!value.is_object()) bad(fmt::format("{} is no object", what));
  for (const auto& [name, unused] : value.items())
    if (!members.contains(name)) bad(fmt::format("{} has an unknown member '{}'", what, name));
  for (const std::string& name : members)
    if (!value.contains(name)) bad(fmt::format("{} has no member '{}'", what, name));
  return value;
}

std::string text_of(const json& value, const char* what) {
  if (!value.is_string()) bad(fmt::format("{} is no text", what));
  return value.get<std::string>();
}

int64_t integer_of(const json& value, const char* what, int64_t least, int64_t most) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
    bad(fmt::format("{} is no integer in range", what));
  const auto number = value.get<int64_t>();
  if (number < least || number > most)
    bad(fmt::format("{} is {}, must be {} to {}", what, number, least, most));
  return number;
}

double time_of(const json& value, const char* what) {
  if (!value.is_number()) bad(fmt::format("{} is no number", what));
  const auto us = value.get<double>();
  if (!(us >= 0 && us <= kMostMicroseconds))
    bad(fmt::format("{} is {}, must be 0 to {}", what, us, kMostMicroseconds));
  return us;
}

PlanChoice choice_of(const json& value) {
  object(value, "a choice", {"shape", "candidate", "engine", "plan", "own_us", "fastest_us"});
  PlanChoice c;
  c.shape = text_of(value["shape"], "shape");
  c.candidate = static_cast<int>(integer_of(value["candidate"], "candidate", -1, 10000));
  c.engine = integer_of(value["engine"], "engine", -1, 1000000);
  c.plan = text_of(value["plan"], "plan");
  c.own_us = time_of(value["own_us"], "own_us");
  c.fastest_us = time_of(value["fastest_us"], "fastest_us");
  if (c.candidate < 0 && (c.engine != -1 || !c.plan.empty()))
    bad("a choice of the own kernel names a cuDNN engine");
  return c;
}

/// What `file` holds. Only what this user wrote and nobody else can write counts: the text goes into cuDNN.
std::string read_own_file(const std::filesystem::path& path, bool& absent) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  absent = fd < 0 && errno == ENOENT;
  if (fd < 0) bad(std::strerror(errno));
  const struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  struct stat s {};
  if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) bad("it is no plain file");
  if (s.st_uid != geteuid() || (s.st_mode & (S_IWGRP | S_IWOTH)) != 0) bad("others can write it");
  if (static_cast<size_t>(s.st_size) > kMostBytes)
    bad(fmt::format("it has {} bytes, the limit is {}", s.st_size, kMostBytes));
  std::string text(static_cast<size_t>(s.st_size), '\0');
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = read(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) bad("it cannot be read to its end");
    at += static_cast<size_t>(n);
  }
  return text;
}

}  // namespace

std::string PlanKey::file_name() const {
  return fmt::format("plans-{:016x}.json", hash_bytes(key_json(*this).dump(-1, ' ', true)));
}

std::string to_text(const PlanKey& key, const std::vector<PlanChoice>& choices) {
  const json all = choices_json(choices);
  const json file = {{"format", kFormat},
                     {"version", kVersion},
                     {"key", key_json(key)},
                     {"choices", all},
                     {"check", check_sum(all)}};
  return file.dump(1, ' ', true) + "\n";
}

std::vector<PlanChoice> choices_from_text(const std::string& text, const PlanKey& key) {
  const json file = json::parse(text, nullptr, false);
  if (file.is_discarded()) bad("it is no JSON, or not all of it");
  // The version first: what else there is may be another version's.
  if (!file.is_object() || file.value("format", json()) != kFormat)
    bad(fmt::format("its format is not {}", kFormat));
  if (file.value("version", json()) != kVersion) bad(fmt::format("its version is not {}", kVersion));
  object(file, "the file", {"format", "version", "key", "choices", "check"});
  if (file["key"] != key_json(key)) bad("it is of another GPU, driver, cuDNN, build, network or size");
  const json& all = file["choices"];
  if (!all.is_array() || all.size() > kMostChoices)
    bad(fmt::format("choices is no list of at most {}", kMostChoices));
  if (file["check"] != check_sum(all)) bad("its check sum is wrong");
  std::vector<PlanChoice> choices;
  std::set<std::string> shapes;
  for (const json& value : all) {
    choices.push_back(choice_of(value));
    if (!shapes.insert(choices.back().shape).second)
      bad(fmt::format("it has '{}' twice", choices.back().shape));
  }
  return choices;
}

std::filesystem::path plan_folder(const std::function<const char*(const char*)>& get) {
  const auto value = [&](const char* name) {
    const char* const text = get(name);
    return std::string(text != nullptr ? text : "");
  };
  const std::string asked = value("CDSR_PLAN_CACHE");
  if (asked == "off") return {};
  if (!asked.empty()) return asked;
  // The XDG specification: a path that is not absolute is to be ignored.
  if (const std::filesystem::path xdg = value("XDG_CACHE_HOME"); xdg.is_absolute()) return xdg / "cdsr";
  if (const std::filesystem::path home = value("HOME"); home.is_absolute()) return home / ".cache" / "cdsr";
  return {};
}

PlanCache::PlanCache(std::filesystem::path folder, LogLine log)
    : folder_(std::move(folder)), log_(std::move(log)) {}

void PlanCache::say(const std::string& line) const {
  if (log_) log_(line);
}

std::vector<PlanChoice> PlanCache::load(const PlanKey& key) const {
  if (folder_.empty()) return {};
  const std::filesystem::path path = folder_ / key.file_name();
  bool absent = false;
  try {
    return choices_from_text(read_own_file(path, absent), key);
  } catch (const Error& e) {
    if (!absent) say(fmt::format("{} is not used and will be made again: {}", path.string(), e.what()));
    return {};
  }
}

void PlanCache::store(const PlanKey& key, const std::vector<PlanChoice>& choices) const {
  if (folder_.empty()) return;
  const std::filesystem::path path = folder_ / key.file_name();
  try {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);  // AtomicFile says what it means
    const std::string text = to_text(key, choices);
    AtomicFile file(path);
    file.write(text.data(), text.size());
    file.commit();
    // Whatever the umask: load() takes no file that others can write.
    std::filesystem::permissions(path,
                                 std::filesystem::perms::group_write | std::filesystem::perms::others_write,
                                 std::filesystem::perm_options::remove, error);
  } catch (const Error& e) {
    say(fmt::format("the choice of convolutions cannot be kept: {}", e.what()));
  }
}

}  // namespace cdsr::cuda
