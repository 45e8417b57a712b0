// The folder of a film that is being upscaled: everything that is needed to go on after a crash, here or on
// another machine that sees the same folder.
//
//   job.json          what is to be done, written once
//   film.json         shots and embeddings of the first pass; may be edited before the second
//   frames.crc        every frame of the input, as decoded
//   piece-0007.json   the part of film.json that a piece is made with
//   piece-0007.mkv    the piece, upscaled and encoded
//   piece-0007.done   what it must be; a piece without it is to be made
//
// Every file but the logs appears whole or not at all.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/film/pieces.h"

namespace cdsr::film {

/// What the pieces depend on. Compare with ==.
struct Job {
  std::string input;                 ///< absolute path
  int64_t bytes = 0;                 ///< of the input
  std::string library;               ///< version of libcdsr
  std::string ffmpeg;                ///< the program
  std::string options;               ///< of the filter, as after `cdsr=`; may be empty
  std::vector<std::string> encoder;  ///< FFmpeg's options for a piece's video
  int64_t longest = 0;               ///< frames of a piece, at most

  bool operator==(const Job&) const = default;
};

/// What is known of a piece that is finished.
struct Done {
  Piece piece;
  int64_t bytes = 0;
  std::string hash;  ///< of its file, 16 hexadecimal digits
  std::string film;  ///< of the part of the film's file that it was made with: an edit makes it anew
};

class JobFolder {
 public:
  explicit JobFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path film() const { return path_ / "film.json"; }
  std::filesystem::path frames() const { return path_ / "frames.crc"; }
  std::filesystem::path piece(size_t number, const char* extension) const;

  /// Makes the folder and writes the job, or checks that the one there is the same. Throws InvalidArgument
  /// naming what differs, and Io.
  void open(const Job& job) const;
  /// Throws InvalidArgument or Io when there is none.
  Job job() const;

  void write_done(size_t number, const Done& done) const;
  /// The record of a piece whose file is as it says, made with the film as it is now; nothing when the piece
  /// is to be made (again).
  std::optional<Done> done(size_t number, const Piece& piece, const Film& film) const;

 private:
  std::filesystem::path path_;
};

/// What Done::film is for a piece of a film.
std::string film_hash(const Film& film, const Piece& piece);

/// FNV-1a of a file, 16 hexadecimal digits: against damage, not intent. Throws Io.
std::string file_hash(const std::filesystem::path& path);

/// The whole of a file. Throws Io.
std::string read_text(const std::filesystem::path& path);

/// Atomically. Throws Io.
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace cdsr::film
