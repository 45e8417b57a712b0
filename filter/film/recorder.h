// The first pass: writes down what is found of each shot.
#pragma once

#include <filesystem>
#include <optional>
#include <span>

#include "filter/film/film.h"
#include "filter/log.h"
#include "filter/model_cache.h"
#include "filter/shot/tracker.h"
#include "model/degradation_reader.h"

namespace cdsr {

/// What every Film made with a model says of it.
Film empty_film(const Model& model, Query query);

/// Allocates for every shot.
class FilmRecorder {
 public:
  /// Reads the file that is there, if any, for its locked shots. Throws what read_film() throws, so that no
  /// other file is overwritten, and InvalidArgument when shots of another model are locked. reader: of the
  /// model's embeddings; without one the film says nothing of degradations.
  FilmRecorder(std::filesystem::path path, Film empty, std::optional<DegradationReader> reader, Log log);

  /// Throws InvalidArgument when a frame has another size than those before, or than the film whose shots are
  /// locked.
  void check(int width, int height) const;

  /// The next frame, which check() let pass. known: its shot's scene is remembered. time: nanoseconds.
  void enter(int width, int height, const ShotEvent& event, bool known, int64_t time);

  /// The bars of that frame; not called where nobody looks for any.
  void crop(const Barred& found);

  /// What the network is told in that frame; not called for a frame without the network.
  void learn(std::span<const float> embedding, std::span<const float> queries);

  /// Throws Io, and InvalidArgument when there was no frame.
  void write() const;

  /// The next frame is frame 0.
  void reset();

 private:
  void keep_locked(Film& film) const;

  const std::filesystem::path path_;
  const Film empty_;
  const std::optional<DegradationReader> reader_;
  const Log log_;
  Film before_;  ///< what the file was; without shots when none of them is locked
  Film film_;
  size_t shot_ = 0;  ///< of the current frame
};

}  // namespace cdsr
