// The pieces that a film is upscaled in, and the frames that they are made of. No files, no processes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filter/film/film.h"

namespace cdsr::film {

/// A decoded frame as FFmpeg's muxer `framecrc` lists it.
struct Mark {
  int64_t pts = 0, duration = 0;  ///< in units of the list's time base
  int64_t bytes = 0;
  std::string crc;
};

struct FrameList {
  int64_t numerator = 1, denominator = 1;  ///< of the time base, seconds
  std::vector<Mark> marks;

  double seconds(int64_t ticks) const {
    return static_cast<double>(ticks) * static_cast<double>(numerator) / static_cast<double>(denominator);
  }
};

/// Reads what `-f framecrc` wrote of one video stream. Throws InvalidArgument naming `name` and the line.
FrameList parse_framecrc(std::string_view text, const std::string& name);

/// Frames of the film, `count` from `first` on.
struct Piece {
  int64_t first = 0, count = 0;
  bool operator==(const Piece&) const = default;
};

/// Cuts a film into pieces of at most `longest` frames (1..), where shots begin if it can; a shot that is
/// longer is cut into equal parts.
std::vector<Piece> plan_pieces(const Film& film, int64_t longest);

/// Where to seek so that `frame` is the first that comes: between it and the one before, seconds. 0 for the
/// first.
double seek_time(const FrameList& frames, int64_t frame);

/// From the first frame of a piece to that after its last, seconds.
double duration(const FrameList& frames, const Piece& piece);

/// Whether these are the frames of the piece, by size and check sum.
bool are_frames_of(const FrameList& part, const FrameList& frames, const Piece& piece);

}  // namespace cdsr::film
