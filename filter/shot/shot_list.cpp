#include "filter/shot/shot_list.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "model/error.h"

namespace cdsr {
namespace {

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && blank(line.back())) line.remove_suffix(1);
  return line;
}

}  // namespace

std::vector<int64_t> parse_shot_list(std::string_view text, std::string_view name) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // editors on Windows begin files with it
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<int64_t> shots;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    int64_t frame = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), frame);
    if (error != std::errc() || rest != line.data() + line.size() || frame < 0) {
      fail(Errc::InvalidArgument, "{}:{}: \"{}\" is not a frame number (0 or more)", name, number,
           line.substr(0, 40));
    }
    if (!shots.empty() && frame <= shots.back()) {
      fail(Errc::InvalidArgument, "{}:{}: frame {} does not come after frame {}", name, number, frame,
           shots.back());
    }
    shots.push_back(frame);
  }
  return shots;
}

std::vector<int64_t> read_shot_list(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    fail(Errc::Io, "shot file {}: a directory, must be a text file", path.string());
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(Errc::Io, "shot file {}: {}", path.string(), std::strerror(errno));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) fail(Errc::Io, "shot file {}: cannot be read", path.string());
  return parse_shot_list(text, path.string());
}

}  // namespace cdsr
