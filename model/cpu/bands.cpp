#include "model/cpu/bands.h"

#include <algorithm>
#include <numeric>

#include "model/cpu/memory.h"
#include "model/picture_rows.h"

namespace cdsr::cpu {
namespace {

double macs_of(const Segment& segment) {
  return std::accumulate(segment.ops.begin(), segment.ops.end(), 0.0,
                         [](double sum, const Op& op) { return sum + op.macs; });
}

}  // namespace

Bands::Bands(const Program& program, int scale, int height)
    : program_(program), height_(height), rows_(height) {
  const auto& segments = program.segments;
  int reached = 0;
  for (size_t s = 0; s < segments.size(); ++s) {
    int radius = 0;
    for (const Op& op : segments[s].ops)
      radius += op.kind == OpKind::Write ? (kMostContext + scale - 1) / scale : op.radius;
    // Even, so that every range begins at an even row.
    radius_.push_back(static_cast<int>(round_up(radius, 2)));
    reached_.push_back(reached += radius_.back());
    if (segments[s].mean >= 0 || s + 1 == segments.size()) last_.push_back(static_cast<int>(s));
  }
}

void Bands::cut(int rows) {
  count_ = 1;
  rows_ = height_;
  if (!program_.cuttable || rows >= height_) return;
  rows_ = std::max(2, rows / 2 * 2);
  count_ = (height_ + rows_ - 1) / rows_;
  rows_ = static_cast<int>(round_up((height_ + count_ - 1) / count_, 2));
  count_ = (height_ + rows_ - 1) / rows_;
}

RowRange Bands::band(int i) const { return {i * rows_, std::min(height_, (i + 1) * rows_)}; }

RowRange Bands::rows(int pass, int segment, int i) const {
  const int around = margin(segment, last_[pass]);
  const RowRange own = band(i);
  return {std::max(0, own.begin - around), std::min(height_, own.end + around)};
}

int Bands::tensor_rows() const { return std::min(height_, rows_ + 2 * most_margin()); }

int Bands::fitting(int rows) const {
  return rows >= height_ ? height_ : std::max(2, (rows - 2 * most_margin()) / 2 * 2);
}

std::vector<RowRange> Bands::ranges(int segment) const {
  std::vector<RowRange> all;
  const int far = radius_[segment] + kMostContext + 2;
  for (int pass = 0; pass < passes(); ++pass) {
    if (segment < first_segment(pass) || segment > last_[pass]) continue;
    const int around = margin(segment, last_[pass]) + far;
    bool inside = false;
    for (int i = 0; i < count_; ++i) {
      const RowRange own = band(i);
      if (own.begin > around && own.end + around < height_) {
        if (inside) {  // on to those near the end
          i = std::max(i, (height_ - around) / rows_ - 2);
          continue;
        }
        inside = true;
      }
      const RowRange range = rows(pass, segment, i);
      if (std::find(all.begin(), all.end(), range) == all.end()) all.push_back(range);
    }
  }
  return all;
}

double Bands::work(int dense_rows) const {
  double all = 0;
  for (int pass = 0; pass < passes(); ++pass)
    for (int s = first_segment(pass); s <= last_[pass]; ++s) {
      const Segment& segment = program_.segments[s];
      double rows = rows_, factor = 1;
      if (!whole()) rows += 2 * margin(s, last_[pass]) + radius_[s];
      if (segment.ops.front().kind == OpKind::Dense) {
        factor = (dense_rows + 10.0) / dense_rows;
        if (!whole()) rows += dense_rows;
      }
      all += macs_of(segment) * factor * std::min(rows, static_cast<double>(height_)) / rows_;
    }
  return all;
}

double Bands::least_work() const {
  double all = 0;
  for (const Segment& segment : program_.segments) all += macs_of(segment);
  return all;
}

}  // namespace cdsr::cpu
