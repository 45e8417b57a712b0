// The order in which a strip's rows go through the layers of a segment: a few rows at a time, each layer as
// soon as its input is there, so that what one layer wrote is still in the cache when the next reads it, and
// a tensor keeps only the rows that somebody still needs.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "model/cpu/program.h"

namespace cdsr::cpu {

/// A strip's way through a segment. Owns the counters; reused for every strip, allocates when made only.
class RowSchedule {
 public:
  /// `ops`: the longest segment's.
  explicit RowSchedule(size_t ops) : begin_(ops), end_(ops), next_(ops), margin_(ops) {}

  /// Calls for rows [y0, y1) of a frame of `height` rows, in order:
  ///   visit.start(op, begin, end)
  ///       once for each op: rows it will make (the strip and its margins)
  ///   visit.room(op, keep, row, count)
  ///       before an op writes rows [row, row + count); rows of its output below `keep` are not needed any
  ///       more
  ///   visit.make(op, row, count)
  ///       count <= chunk, but for Write; with a chunk of two or more rows it ends at an even row, but for
  ///       the op's last: Winograd's kernel makes pairs
  /// `context`: rows around the strip that Write needs to see.
  template <typename Visitor>
  void run(const Segment& segment, int y0, int y1, int height, int chunk, int context, Visitor& visit) {
    const std::vector<Op>& ops = segment.ops;
    const int count = static_cast<int>(ops.size());
    for (int i = count - 1; i >= 0; --i) {
      int margin = 0;
      for (int c = i + 1; c < count; ++c)
        margin = std::max(margin, reach(ops[c], ops[i].out, margin_[c], context));
      margin_[i] = margin;
      begin_[i] = next_[i] = std::max(0, y0 - margin);
      end_[i] = std::min(height, y1 + margin);
    }
    for (int i = 0; i < count; ++i) visit.start(i, begin_[i], end_[i]);
    while (next_[count - 1] < end_[count - 1])
      for (int i = 0; i < count; ++i) {
        const int n = ready(ops, i, chunk, context);
        if (n <= 0) continue;
        visit.room(i, kept(ops, i, context), next_[i], n);
        visit.make(i, next_[i], n);
        next_[i] += n;
      }
  }

 private:
  static int radius(const Op& op, int context) { return op.kind == OpKind::Write ? context : op.radius; }

  /// Rows beyond the strip that `op`, with margin `margin`, needs of `tensor`.
  static int reach(const Op& op, int tensor, int margin, int context) {
    int rows = 0;
    if (op.in == tensor) rows = margin + radius(op, context);
    if (op.aux == tensor) rows = std::max(rows, margin + op.aux_radius);
    return rows;
  }

  static int producer(const std::vector<Op>& ops, int before, int tensor) {
    for (int i = before - 1; i >= 0; --i)
      if (ops[i].out == tensor) return i;
    return -1;
  }

  /// Rows that op i can make now.
  int ready(const std::vector<Op>& ops, int i, int chunk, int context) const {
    const Op& op = ops[i];
    int limit = end_[i];
    const auto wait_for = [&](int tensor, int radius) {
      const int p = tensor < 0 ? -1 : producer(ops, i, tensor);
      if (p >= 0 && next_[p] < end_[p]) limit = std::min(limit, next_[p] - radius);
    };
    wait_for(op.in, radius(op, context));
    wait_for(op.aux, op.aux_radius);
    // Write in pairs of rows, so that every strip starts at an even row of the output at any scale.
    const bool pairs = op.kind == OpKind::Write || chunk > 1;
    if (op.kind != OpKind::Write) limit = std::min(limit, next_[i] + chunk);
    if (pairs && limit < end_[i] && limit > 0) limit = limit / 2 * 2;
    return limit - next_[i];
  }

  /// First row of op i's output that an op still has to read.
  int kept(const std::vector<Op>& ops, int i, int context) const {
    int row = std::numeric_limits<int>::max();
    for (int c = i + 1; c < static_cast<int>(ops.size()); ++c) {
      if (next_[c] >= end_[c]) continue;
      if (ops[c].in == ops[i].out) row = std::min(row, next_[c] - radius(ops[c], context));
      if (ops[c].aux == ops[i].out) row = std::min(row, next_[c] - ops[c].aux_radius);
    }
    return std::min(row, next_[i]);
  }

  std::vector<int> begin_, end_, next_, margin_;
};

/// Boundaries of strip i of `count`: even, but for the frame's end.
inline int strip_begin(int i, int count, int height) {
  if (i == count) return height;
  return static_cast<int>(static_cast<int64_t>(i) * height / count) / 2 * 2;
}

}  // namespace cdsr::cpu
