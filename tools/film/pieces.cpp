#include "tools/film/pieces.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/error.h"

namespace cdsr::film {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(trimmed(text.substr(at, end - at)));
    at = end + 1;
  }
  return parts;
}

bool read(std::string_view text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// "#tb 0: 1/25"
bool read_time_base(std::string_view line, FrameList& list) {
  const auto parts = split(line.substr(line.find(':') + 1), '/');
  return parts.size() == 2 && read(parts[0], list.numerator) && read(parts[1], list.denominator) &&
         list.numerator > 0 && list.denominator > 0;
}

/// "0, dts, pts, duration, bytes, 0xcrc"
bool read_mark(std::string_view line, Mark& mark) {
  const auto parts = split(line, ',');
  if (parts.size() < 6 || parts[0] != "0") return false;
  mark.crc = parts[5];
  return read(parts[2], mark.pts) && read(parts[3], mark.duration) && read(parts[4], mark.bytes);
}

}  // namespace

FrameList parse_framecrc(std::string_view text, const std::string& name) {
  FrameList list;
  const auto lines = split(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    bool good = true;
    if (line.starts_with("#tb 0:")) {
      good = read_time_base(line, list);
    } else if (!line.empty() && !line.starts_with('#')) {
      Mark mark;
      good = read_mark(line, mark);
      list.marks.push_back(std::move(mark));
    }
    if (!good)
      fail(Errc::InvalidArgument, "{}:{}: \"{}\" is no frame of framecrc", name, i + 1, line.substr(0, 60));
  }
  return list;
}

std::vector<Piece> plan_pieces(const Film& film, int64_t longest) {
  // Where a piece may begin: where the shot of a frame is not that of the one before.
  std::vector<int64_t> starts;
  for (const FilmShot& shot : film.shots)
    for (const FilmShot::Stretch& s : shot.frames) starts.push_back(s.first);
  std::sort(starts.begin(), starts.end());
  starts.push_back(film.frames);

  std::vector<Piece> pieces;
  int64_t begin = 0;
  for (size_t i = 1; i < starts.size(); ++i) {
    // As many stretches as fit.
    if (i + 1 < starts.size() && starts[i + 1] - begin <= longest) continue;
    const int64_t count = starts[i] - begin;
    const int64_t parts = (count + longest - 1) / longest;
    for (int64_t p = 0; p < parts; ++p) {
      const int64_t from = begin + count * p / parts, to = begin + count * (p + 1) / parts;
      pieces.push_back({from, to - from});
    }
    begin = starts[i];
  }
  return pieces;
}

double seek_time(const FrameList& frames, int64_t frame) {
  if (frame == 0) return 0;
  const auto at = static_cast<size_t>(frame);
  return (frames.seconds(frames.marks[at - 1].pts) + frames.seconds(frames.marks[at].pts)) / 2;
}

double duration(const FrameList& frames, const Piece& piece) {
  const auto first = static_cast<size_t>(piece.first), end = static_cast<size_t>(piece.first + piece.count);
  const Mark& last = frames.marks[end - 1];
  const int64_t until = end < frames.marks.size() ? frames.marks[end].pts : last.pts + last.duration;
  return frames.seconds(until - frames.marks[first].pts);
}

bool are_frames_of(const FrameList& part, const FrameList& frames, const Piece& piece) {
  if (static_cast<int64_t>(part.marks.size()) != piece.count) return false;
  return std::equal(part.marks.begin(), part.marks.end(), frames.marks.begin() + piece.first,
                    [](const Mark& a, const Mark& b) { return a.bytes == b.bytes && a.crc == b.crc; });
}

}  // namespace cdsr::film
