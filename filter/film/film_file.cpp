// The file of a film: JSON, written for people to read and edit, read as from a stranger.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <nlohmann/json.hpp>

#include "filter/film/film.h"
#include "model/atomic_file.h"
#include "model/error.h"
#include "model/picture_rows.h"

namespace cdsr {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "cdsr-film";
constexpr int64_t kVersion = 2;
constexpr int64_t kVersionWithoutBars = 1;
constexpr int64_t kMostFrames = int64_t{1} << 40;
constexpr double kMostReading = 1e6;
constexpr int64_t kMostValues = int64_t{1} << 20;  ///< of one look

/// Errors of one file: where they are, then what.
class Place {
 public:
  explicit Place(std::string where) : where_(std::move(where)) {}
  Place at(const std::string& what) const { return Place(where_ + ": " + what); }

  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(Errc::InvalidArgument, "{}: {}", where_, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::string where_;
};

/// The beginning of a value, for messages.
std::string shown(const json& value) {
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  if (value.is_object()) return fmt::format("an object of {} members", value.size());
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() <= 40 ? text : text.substr(0, 40) + "...";
}

/// A JSON object, read member by member.
class Object {
 public:
  Object(const json& value, Place place, std::initializer_list<std::string_view> members)
      : value_(value), place_(std::move(place)) {
    if (!value.is_object()) place_.refuse("must be an object, not {}", shown(value));
    for (const auto& [key, _] : value.items())
      if (std::find(members.begin(), members.end(), key) == members.end())
        place_.refuse("no member is named {}", shown(key));
  }

  const Place& place() const { return place_; }
  bool has(const char* name) const { return value_.contains(name); }
  const json& member(const char* name) const {
    const auto found = value_.find(name);
    if (found == value_.end()) place_.refuse("{} is missing", name);
    return *found;
  }
  const json& list(const char* name) const {
    const json& value = member(name);
    if (!value.is_array()) place_.refuse("{} must be a list, not {}", name, shown(value));
    return value;
  }
  int64_t whole(const char* name, int64_t lowest, int64_t highest) const {
    const json& value = member(name);
    // A number beyond int64_t is read as an unsigned or a floating one.
    const bool fits = value.is_number_integer() && (!value.is_number_unsigned() || value <= INT64_MAX);
    if (!fits || value < lowest || value > highest)
      place_.refuse("{} = {}: must be a whole number, {}..{}", name, shown(value), lowest, highest);
    return value.get<int64_t>();
  }
  double number(const char* name, double lowest, double highest) const {
    const json& value = member(name);
    if (!value.is_number() || !(value.get<double>() >= lowest && value.get<double>() <= highest))
      place_.refuse("{} = {}: must be a number, {}..{}", name, shown(value), lowest, highest);
    return value.get<double>();
  }
  bool flag(const char* name) const {
    if (!has(name)) return false;
    const json& value = member(name);
    if (!value.is_boolean()) place_.refuse("{} = {}: must be true or false", name, shown(value));
    return value.get<bool>();
  }
  std::string text(const char* name) const {
    const json& value = member(name);
    if (!value.is_string()) place_.refuse("{} = {}: must be a string", name, shown(value));
    return value.get<std::string>();
  }

 private:
  const json& value_;
  Place place_;
};

std::vector<float> floats(const Object& object, const char* name) {
  const json& list = object.list(name);
  if (list.size() > kMostValues)
    object.place().refuse("{} has {} values: at most {} are allowed", name, list.size(), kMostValues);
  std::vector<float> values;
  values.reserve(list.size());
  for (const json& value : list) {
    const auto number = value.is_number() ? static_cast<float>(value.get<double>()) : NAN;
    if (!std::isfinite(number))
      object.place().refuse("{}[{}] = {}: must be a number of 32 bits", name, values.size(), shown(value));
    values.push_back(number);
  }
  return values;
}

FilmShot::Stretch stretch(const json& value, const Place& place, int64_t frames) {
  const auto whole = [&](const json& n) { return n.is_number_integer() && n >= 0 && n < frames; };
  if (!value.is_array() || value.size() != 2 || !whole(value[0]) || !whole(value[1]) || value[0] > value[1]) {
    place.refuse("frames has {}: must be pairs of the first and the last frame, 0..{}",
                 value.is_array() && value.size() == 2
                     ? fmt::format("[{}, {}]", shown(value[0]), shown(value[1]))
                     : shown(value),
                 frames - 1);
  }
  return {value[0].get<int64_t>(), value[1].get<int64_t>()};
}

DegradationReading reading(const json& value, const Place& place) {
  const Object all(value, place, {"words", "blur", "sharpening", "noise", "coding"});
  all.text("words");  // made of the numbers whenever they are written
  const auto part = [&](const char* name, std::initializer_list<std::string_view> members) {
    return Object(all.member(name), place.at(name), members);
  };
  const auto number = [](const Object& object, const char* name, double highest) {
    return static_cast<float>(object.number(name, 0, highest));
  };
  const Object blur = part("blur", {"along", "across", "degrees", "confidence"}),
               noise = part("noise", {"deviation", "confidence"}),
               coding = part("coding", {"codec", "confidence", "qp", "qp_confidence", "error"});
  DegradationReading r;
  r.blur = number(blur, "along", kMostReading);
  r.blur_across = number(blur, "across", kMostReading);
  r.blur_degrees = number(blur, "degrees", 180);
  r.blur_confidence = number(blur, "confidence", 1);
  r.sharpening = number(all, "sharpening", 1);
  r.noise = number(noise, "deviation", kMostReading);
  r.noise_confidence = number(noise, "confidence", 1);
  r.codec = coding.text("codec");
  r.codec_confidence = number(coding, "confidence", 1);
  r.qp = number(coding, "qp", 51);
  r.qp_confidence = number(coding, "qp_confidence", 1);
  r.coding_error = number(coding, "error", kMostReading);
  return r;
}

FilmShot::Look look(const json& value, const Place& place, int64_t frames) {
  const Object object(value, place, {"frame", "reading", "embedding", "queries"});
  FilmShot::Look result;
  result.frame = object.whole("frame", 0, frames - 1);
  result.embedding = floats(object, "embedding");
  if (object.has("queries")) result.queries = floats(object, "queries");
  if (object.has("reading")) result.reading = reading(object.member("reading"), place.at("reading"));
  return result;
}

FilmShot::Bars bars(const json& value, const Place& place, const Film& film) {
  const Object object(value, place, {"frame", "picture", "colour"});
  FilmShot::Bars result;
  result.frame = object.whole("frame", 0, film.frames - 1);
  const json& picture = object.list("picture");
  const bool whole = picture.size() == 4 && std::all_of(picture.begin(), picture.end(), [](const json& n) {
                       return n.is_number_integer() && n >= 0 && n <= kMostSide;
                     });
  Area& area = result.barred.picture;
  if (whole)
    area = {picture[0].get<int>(), picture[1].get<int>(), picture[2].get<int>(), picture[3].get<int>()};
  if (!whole || area.width < 1 || area.height < 1 || area.x + area.width > film.width ||
      area.y + area.height > film.height)
    place.refuse("picture = {}: must be x, y, width and height within {}x{}",
                 picture.size() <= 4 ? picture.dump() : shown(picture), film.width, film.height);
  const std::vector<float> colour = floats(object, "colour");
  const bool shares =
      std::all_of(colour.begin(), colour.end(), [](float share) { return share >= 0 && share <= 1; });
  if (colour.size() != result.barred.colour.size() || !shares)
    place.refuse("colour must be four shares, 0..1");
  std::copy(colour.begin(), colour.end(), result.barred.colour.begin());
  return result;
}

/// A shot of a film of whose shots there are `shots`.
FilmShot shot(const json& value, const Place& place, const Film& film, int64_t shots) {
  const Object object(value, place,
                      {"shot", "frames", "time", "score", "known", "looks", "bars", "strength", "sharpness",
                       "skip", "like", "lock"});
  const int64_t frames = film.frames;
  FilmShot result;
  for (const json& s : object.list("frames")) result.frames.push_back(stretch(s, place, frames));
  if (result.frames.empty()) place.refuse("frames is empty");
  result.time = object.number("time", -1e12, 1e12);
  result.score = object.number("score", 0, 1);
  result.known = object.flag("known");
  for (const json& l : object.list("looks")) {
    result.looks.push_back(look(l, place.at(fmt::format("look {}", result.looks.size())), frames));
    if (result.looks.size() > 1 && result.looks.back().frame <= result.looks.end()[-2].frame)
      place.refuse("look at frame {} follows that at frame {}: must ascend", result.looks.back().frame,
                   result.looks.end()[-2].frame);
  }
  if (object.has("bars") && !film.bars_known)
    place.refuse("bars are of version {}, this file is of {}", kVersion, kVersionWithoutBars);
  if (object.has("bars")) {
    for (const json& b : object.list("bars")) {
      result.bars.push_back(bars(b, place.at(fmt::format("bars {}", result.bars.size())), film));
      if (result.bars.size() > 1 && result.bars.back().frame <= result.bars.end()[-2].frame)
        place.refuse("bars at frame {} follow those at frame {}: must ascend", result.bars.back().frame,
                     result.bars.end()[-2].frame);
    }
  }
  if (object.has("strength")) result.strength = object.number("strength", 0, 1);
  if (object.has("sharpness")) result.sharpness = object.number("sharpness", 0, 1);
  result.skip = object.flag("skip");
  if (object.has("like")) result.like = object.whole("like", 0, shots - 1);
  result.lock = object.flag("lock");
  return result;
}

/// Every frame is in one shot, and only one; shots come in the order of their first frames.
void check_frames(const Film& film, const Place& place) {
  struct Piece {
    FilmShot::Stretch frames;
    size_t shot;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < film.shots.size(); ++i) {
    const int64_t first = film.shots[i].frames.front().first;
    if (i > 0 && first <= film.shots[i - 1].frames.front().first)
      place.refuse("shot {} begins at frame {}, not after shot {}", i, first, i - 1);
    for (const FilmShot::Stretch& s : film.shots[i].frames) {
      if (s.first < first) place.refuse("shot {}: frame {} comes after frame {}", i, s.first, first);
      pieces.push_back({s, i});
    }
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.frames.first < b.frames.first; });
  int64_t next = 0;
  for (const Piece& p : pieces) {
    if (p.frames.first > next)
      place.refuse("frames {}..{} are in no shot: frames = {}", next, p.frames.first - 1, film.frames);
    if (p.frames.first < next)
      place.refuse("shot {}: frame {} is in another shot too", p.shot, p.frames.first);
    next = p.frames.last + 1;
  }
  if (next != film.frames)
    place.refuse("frames {}..{} are in no shot: frames = {}", next, film.frames - 1, film.frames);
}

void check_likes(const Film& film, const Place& place) {
  for (size_t i = 0; i < film.shots.size(); ++i) {
    const std::optional<int64_t> like = film.shots[i].like;
    if (like && film.shots[static_cast<size_t>(*like)].looks.empty())
      place.refuse("shot {}: like = {}: that shot has no embedding", i, *like);
  }
}

template <typename T>
std::string list_text(const std::vector<T>& values) {
  return fmt::format("[{}]", fmt::join(values, ","));
}

std::string list_text(const std::vector<float>& values) {
  std::vector<std::string> texts;
  for (const float value : values) {
    if (!std::isfinite(value)) fail(Errc::Internal, "an embedding is not finite: {}", value);
    // Nine digits are the same float again; -0 alone would be read as a whole number, without its sign.
    texts.push_back(value == 0 && std::signbit(value) ? "-0.0" : fmt::format("{:.9g}", value));
  }
  return list_text<std::string>(texts);
}

std::string reading_text(const DegradationReading& r) {
  return fmt::format(
      R"({{"words": {}, "blur": {{"along": {}, "across": {}, "degrees": {}, "confidence": {}}}, )"
      R"("sharpening": {}, "noise": {{"deviation": {}, "confidence": {}}}, )"
      R"("coding": {{"codec": {}, "confidence": {}, "qp": {}, "qp_confidence": {}, "error": {}}}}})",
      json(describe(r)).dump(), r.blur, r.blur_across, r.blur_degrees, r.blur_confidence, r.sharpening,
      r.noise, r.noise_confidence, json(r.codec).dump(), r.codec_confidence, r.qp, r.qp_confidence,
      r.coding_error);
}

std::string look_text(const FilmShot::Look& look) {
  std::string text = fmt::format("{{\"frame\": {}, ", look.frame);
  if (look.reading) text += fmt::format("\"reading\": {},\n     ", reading_text(*look.reading));
  text += fmt::format("\"embedding\": {}", list_text(look.embedding));
  if (!look.queries.empty()) text += ", \"queries\": " + list_text(look.queries);
  return text + "}";
}

std::vector<std::string> bars_texts(const FilmShot& shot) {
  std::vector<std::string> texts;
  for (const FilmShot::Bars& bars : shot.bars) {
    const Area& a = bars.barred.picture;
    const std::vector<float> colour(bars.barred.colour.begin(), bars.barred.colour.end());
    texts.push_back(fmt::format("{{\"frame\": {}, \"picture\": [{}, {}, {}, {}], \"colour\": {}}}",
                                bars.frame, a.x, a.y, a.width, a.height, list_text(colour)));
  }
  return texts;
}

std::string shot_text(const FilmShot& shot, size_t index) {
  std::vector<std::string> frames, looks;
  for (const FilmShot::Stretch& s : shot.frames) frames.push_back(fmt::format("[{}, {}]", s.first, s.last));
  for (const FilmShot::Look& look : shot.looks) looks.push_back(look_text(look));
  std::string text = fmt::format("  {{\"shot\": {}, \"frames\": {}, \"time\": {}, \"score\": {}", index,
                                 list_text(frames), shot.time, shot.score);
  if (shot.known) text += ", \"known\": true";
  if (!shot.bars.empty()) text += fmt::format(",\n   \"bars\": [{}]", fmt::join(bars_texts(shot), ", "));
  if (shot.strength) text += fmt::format(", \"strength\": {}", *shot.strength);
  if (shot.sharpness) text += fmt::format(", \"sharpness\": {}", *shot.sharpness);
  if (shot.skip) text += ", \"skip\": true";
  if (shot.like) text += fmt::format(", \"like\": {}", *shot.like);
  if (shot.lock) text += ", \"lock\": true";
  return text + fmt::format(",\n   \"looks\": [{}]}}", fmt::join(looks, ",\n    "));
}

}  // namespace

Film parse_film(std::string_view text, std::string_view name) {
  const Place place{std::string(name)};
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& e) {
    place.refuse("no film file: JSON ends or breaks at byte {} of {}", e.byte, text.size());
  } catch (const json::out_of_range&) {
    place.refuse("no film file: a number is beyond 64 bits");
  }
  const Object object(
      root, place,
      {"format", "version", "model", "scale", "weights", "query", "width", "height", "frames", "shots"});
  if (object.text("format") != kFormat) place.refuse("format must be \"{}\": no film file", kFormat);
  const int64_t version = object.whole("version", 0, INT64_MAX);
  if (version != kVersion && version != kVersionWithoutBars)
    place.refuse("version = {}: this library knows {} and {}", version, kVersionWithoutBars, kVersion);
  Film film;
  film.bars_known = version != kVersionWithoutBars;
  film.model = object.text("model");
  film.weights = object.text("weights");
  film.scale = static_cast<int>(object.whole("scale", 2, 4));
  const std::string query = object.text("query");
  if (query != "shot" && query != "frame") place.refuse("query = {}: must be shot or frame", shown(query));
  film.query = query_from_string(query);
  film.width = static_cast<int>(object.whole("width", 1, 65536));
  film.height = static_cast<int>(object.whole("height", 1, 65536));
  film.frames = object.whole("frames", 1, kMostFrames);
  const json& shots = object.list("shots");
  for (const json& value : shots) {
    const auto index = static_cast<int64_t>(film.shots.size());
    const Place here = place.at(fmt::format("shot {}", index));
    film.shots.push_back(shot(value, here, film, static_cast<int64_t>(shots.size())));
    if (value.contains("shot") && value["shot"] != index)
      here.refuse("shot = {}: must be its place in the list", shown(value["shot"]));
  }
  check_frames(film, place);
  check_likes(film, place);
  return film;
}

std::string film_text(const Film& film) {
  std::vector<std::string> shots;
  for (size_t i = 0; i < film.shots.size(); ++i) shots.push_back(shot_text(film.shots[i], i));
  return fmt::format(
      "{{\"format\": \"{}\", \"version\": {},\n"
      " \"model\": {}, \"scale\": {}, \"weights\": {}, \"query\": \"{}\",\n"
      " \"width\": {}, \"height\": {}, \"frames\": {},\n"
      " \"shots\": [\n{}\n ]}}\n",
      kFormat, film.bars_known ? kVersion : kVersionWithoutBars, json(film.model).dump(), film.scale,
      json(film.weights).dump(), to_string(film.query), film.width, film.height, film.frames,
      fmt::join(shots, ",\n"));
}

Film read_film(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) fail(Errc::Io, "film file {}: {}", path.string(), error.message());
  if (size > kMostFilmBytes)
    fail(Errc::InvalidArgument, "{}: {} bytes: a film file has at most {}", path.string(), size,
         kMostFilmBytes);
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(Errc::Io, "film file {}: {}", path.string(), std::strerror(errno));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) fail(Errc::Io, "film file {}: cannot be read", path.string());
  return parse_film(text, path.string());
}

void write_film(const std::filesystem::path& path, const Film& film) {
  const std::string text = film_text(film);
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace cdsr
