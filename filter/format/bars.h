// Bars around a picture: letterbox, pillarbox. The network sees the picture alone, as if the clip had been
// cropped, and the bars keep their colour: nothing rings into them.
#pragma once

#include <array>

#include "filter/color/frame_source.h"
#include "filter/format/frame.h"

namespace cdsr {

/// A part of a frame, in pixels; aligned to its chroma.
struct Area {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Area&) const = default;
};

/// A picture with bars around it. The whole frame: without.
struct Barred {
  Area picture;
  /// Of the bars: each component's code as a share of its highest, 0..1, so that it holds for any depth.
  std::array<float, 4> colour = {};
  bool operator==(const Barred&) const = default;
};

/// The view of a part of a frame.
Frame cropped(const Frame& frame, const Area& area);

/// Follows the bars of a stream. Allocates nothing.
class Bars {
 public:
  /// The part of the frame that is picture. Bars are looked for on the first frame of a shot: rows and
  /// columns at the frame's edges whose every sample is of one colour, where a picture begins that is none of
  /// it in most of its first row or column; text and stars on black have no bars. Once a frame shows
  /// something else in them the whole frame is picture, for the rest of the shot.
  Barred follow(const Frame& frame, bool new_shot);

  /// Takes what follow() has found in this frame before, in another run. Throws InvalidArgument when the
  /// picture is not within the frame or not on the grid of its chroma.
  void take(const Frame& frame, const Barred& known);

  /// Writes the bars of the last frame into one that is `scale` times as large.
  void fill(const Frame& out, int scale) const;

 private:
  /// How many rows (columns) from an edge on are a bar; `edge` names it: 0 top, 1 bottom, 2 left, 3 right.
  int measure(int edge) const;
  bool is_bar(const Area& area) const;
  /// Most pixels of a row or column are of another brightness.
  bool is_picture(const Area& line) const;
  /// Of the rows (columns) of the first chroma sample behind a bar one is of a picture.
  bool begins_picture(int edge, const Area& inside) const;
  void find(const Frame& frame);

  FrameSource source_;
  Area area_;
  int low_[4] = {}, high_[4] = {};  ///< codes that count as the bars' colour
  int colour_[4] = {};
};

}  // namespace cdsr
