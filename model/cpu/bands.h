// Frames that are too large for the memory go through a program in bands: all its segments on the rows of one
// band and what they need of its neighbours, then the next band. A whole tensor then has a band's rows alone,
// and rows around it are made again for the neighbour, so the bits are those of the whole frame.
//
// Behind a mean nothing is known before all bands have been summed. So the program is run once for each mean,
// as far as the segment whose output it is, and at last to its end: its passes. A frame that is not cut keeps
// its whole tensors, and each pass goes on where the one before ended.
#pragma once

#include <vector>

#include "model/cpu/program.h"

namespace cdsr::cpu {

/// Rows [begin, end) of a frame.
struct RowRange {
  int begin = 0, end = 0;
  int size() const { return end - begin; }
  bool operator==(const RowRange&) const = default;
};

class Bands {
 public:
  /// `program` must outlive the object. Not cut. `scale`: of the network.
  Bands(const Program& program, int scale, int height);

  /// Cuts the frame into bands of about `rows` rows each, an even number and at most so many; not at all
  /// where the frame has no more, or where the program has nothing whole.
  void cut(int rows);
  bool whole() const { return count_ == 1; }
  int count() const { return count_; }
  RowRange band(int i) const;

  int passes() const { return static_cast<int>(last_.size()); }
  /// The segments of a pass.
  int first_segment(int pass) const { return whole() && pass > 0 ? last_[pass - 1] + 1 : 0; }
  int last_segment(int pass) const { return last_[pass]; }
  /// Rows of its output that a segment makes in a pass for a band: the band, and what the segments behind it
  /// need around it.
  RowRange rows(int pass, int segment, int band) const;
  /// The first row that whole tensors have meanwhile.
  int first_row(int pass, int band) const { return rows(pass, first_segment(pass), band).begin; }
  /// Rows that a whole tensor must have room for.
  int tensor_rows() const;
  /// The most rows of a band: what a mean is taken of at once.
  int band_rows() const { return rows_; }
  /// Every range of rows that a segment is run for; of those far from the frame's ends, which differ in their
  /// place alone, one.
  std::vector<RowRange> ranges(int segment) const;

  /// The most rows for bands whose whole tensors have `rows` rows at most, if any: at least 2.
  int fitting(int rows) const;

  /// Multiply-accumulates for a pixel of the frame, rows made again included, with dense blocks in strips of
  /// `dense_rows`; and without cuts.
  double work(int dense_rows) const;
  double least_work() const;

 private:
  int margin(int segment, int last) const { return reached_[last] - reached_[segment]; }
  /// Rows above and below a band that whole tensors have at most.
  int most_margin() const { return margin(0, last_.back()); }

  const Program& program_;
  int height_, rows_, count_ = 1;
  std::vector<int> last_;     ///< by pass
  std::vector<int> radius_;   ///< by segment: rows of its input around those of its output; even
  std::vector<int> reached_;  ///< by segment: the sum of those up to it
};

}  // namespace cdsr::cpu
