// What a first pass knows of a film, and its file: shots, embeddings, and what a person has set for a shot.
// The file is JSON that film.schema.json describes; README.md in this folder says what may be edited.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filter/format/bars.h"
#include "model/config.h"
#include "model/degradation_reader.h"

namespace cdsr {

struct FilmShot {
  /// Frames in a row, both included.
  struct Stretch {
    int64_t first = 0, last = 0;
    bool operator==(const Stretch&) const = default;
  };
  /// What the network is told from a frame on.
  struct Look {
    int64_t frame = 0;
    std::vector<float> embedding;
    std::vector<float> queries;                      ///< of the DQAs; empty without any, and for Query::Frame
    std::optional<DegradationReading> reading = {};  ///< of the embedding, for people; nothing comes of it
    bool operator==(const Look&) const = default;
  };

  /// The bars around the picture from a frame on.
  struct Bars {
    int64_t frame = 0;
    Barred barred;
    bool operator==(const Bars&) const = default;
  };

  std::vector<Stretch> frames;  ///< ascending; more than one where a flash lies between
  double time = 0;              ///< of its first frame, seconds
  double score = 0;             ///< of the detector there, 0..1
  bool known = false;           ///< its scene was remembered from an earlier shot
  std::vector<Look> looks;      ///< ascending; empty when all its frames went without the network

  std::vector<Bars> bars;  ///< ascending; before the first there are none

  // What a person may set.
  std::optional<double> strength;   ///< 0..1, in place of the option
  std::optional<double> sharpness;  ///< the same of that option
  bool skip = false;                ///< interpolated
  std::optional<int64_t> like;      ///< the shot whose last look counts for this one
  bool lock = false;                ///< another first pass keeps its looks and all of the above

  bool operator==(const FilmShot&) const = default;
};

struct Film {
  std::string model;    ///< CdsrConfig::name
  std::string weights;  ///< Model::hash
  int scale = 2;
  Query query = Query::Shot;
  int width = 0, height = 0;  ///< of the input, pixels
  int64_t frames = 0;
  bool bars_known = true;       ///< false: of version 1, which says nothing of bars
  std::vector<FilmShot> shots;  ///< by first frame; together they have every frame once

  bool operator==(const Film&) const = default;
};

/// Largest file that is read, bytes.
inline constexpr size_t kMostFilmBytes = size_t{128} << 20;

/// Reads the text of a file and checks that all of it fits together. Throws InvalidArgument naming `name`,
/// the place, what was found and what is allowed.
Film parse_film(std::string_view text, std::string_view name);

/// The text of a file; floats come back as the same bits. Throws Internal when a number is not finite.
std::string film_text(const Film& film);

/// Throws Io when it cannot be read, and what parse_film() throws.
Film read_film(const std::filesystem::path& path);

/// Atomically. Throws Io.
void write_film(const std::filesystem::path& path, const Film& film);

/// `count` frames of a film as one of their own: frame `first` becomes frame 0, and no shot refers to one
/// that is left out. They are upscaled to the same bits. Throws InvalidArgument for frames that the film has
/// not.
Film cut_film(const Film& film, int64_t first, int64_t count);

/// What the network is told in `frame` of a shot; nullptr when the shot has no look. Shot `like` counts.
const FilmShot::Look* look_at(const Film& film, const FilmShot& shot, int64_t frame);

/// The bars in `frame` of a shot; `whole`, the frame without any, when it has none there.
const Barred* bars_at(const FilmShot& shot, int64_t frame, const Barred& whole);

}  // namespace cdsr
