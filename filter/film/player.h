// The second pass: shots and embeddings come from a film's file, with what a person has set there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "filter/film/film.h"
#include "filter/shot/tracker.h"
#include "model/engine.h"

namespace cdsr {

class FilmPlayer {
 public:
  /// name: of the file, for messages. expected: what a film made by this session would say of its model.
  /// Throws InvalidArgument when the film was made with another model or `query`, its embeddings do not fit,
  /// or a shot has a sharpness that the model has not.
  FilmPlayer(Film film, std::string name, const Film& expected, const CdsrConfig& config);

  /// A frame's place, and what a person has set for its shot.
  struct Step {
    ShotEvent event;
    bool known = false;
    std::optional<float> strength, sharpness;
    bool skip = false;
    const Barred* bars = nullptr;  ///< around its picture; nullptr: to be looked for, the file is an old one
  };

  /// Places the next frame. Throws InvalidArgument when it has another size than the film, or the film has no
  /// such frame. Allocates nothing.
  Step next(int width, int height);

  /// Conditions the engine for the current frame. Throws InvalidArgument when its shot has no embedding.
  void install(Engine& engine);

  /// The engine was conditioned by somebody else.
  void reinstall() { installed_ = nullptr; }

  /// Of the current shot; empty when it has none.
  std::span<const float> embedding() const;

  /// Throws InvalidArgument when the film has more frames than came.
  void finish() const;

  /// The next frame is frame 0.
  void reset();

 private:
  struct Entry {
    FilmShot::Stretch frames;
    size_t shot = 0;
    bool begins = false;  ///< the first of its shot
  };

  const Film film_;
  const std::string name_;
  const Barred whole_;          ///< frame, without bars
  std::vector<Entry> entries_;  ///< by first frame
  size_t entry_ = 0;            ///< of the next frame
  int64_t frame_ = 0;           ///< the next
  size_t shot_ = 0;             ///< of the current frame
  const FilmShot::Look* look_ = nullptr;
  const FilmShot::Look* installed_ = nullptr;
};

}  // namespace cdsr
