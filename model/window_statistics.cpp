#include "model/window_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace cdsr {
namespace {

constexpr int kLeast = 8;   // a side with statistics
constexpr int kOrders = 4;  // of differences
constexpr int kEnergyBlock = 4;
constexpr std::array<double, 7> kQuantiles = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999};
// Floors of the logarithms, in nominal units: about a quarter of an 8-bit code, and its square.
constexpr double kFloor = 1e-3, kSquareFloor = 1e-6, kEnergyFloor = 1e-7;

}  // namespace

/// x at (y + max(dy, 0), x + max(dx, 0)) less x at (y + max(-dy, 0), x + max(-dx, 0)): smaller by |dy| and
/// |dx|.
void WindowStatistics::difference(const Plane& in, int dy, int dx, Plane& out) {
  out.width = in.width - std::abs(dx);
  out.height = in.height - std::abs(dy);
  out.data.resize(static_cast<size_t>(out.width) * out.height);
  for (int y = 0; y < out.height; ++y) {
    const float* const a = in.row(y + std::max(dy, 0)) + std::max(dx, 0);
    const float* const b = in.row(y + std::max(-dy, 0)) + std::max(-dx, 0);
    float* const to = &out.data[static_cast<size_t>(y) * out.width];
    for (int x = 0; x < out.width; ++x) to[x] = a[x] - b[x];
  }
}

WindowStatistics::Strength WindowStatistics::strength_of(const Plane& p) {
  Strength s;
  for (int y = 0; y < p.height; ++y) {
    // A row in float, rows in double: one order, whatever the machine.
    float magnitude = 0, square = 0;
    const float* const row = p.row(y);
    for (int x = 0; x < p.width; ++x) {
      magnitude += std::fabs(row[x]);
      square += row[x] * row[x];
    }
    s.magnitude += magnitude;
    s.square += square;
  }
  const double count = static_cast<double>(p.width) * p.height;
  return {s.magnitude / count, s.square / count};
}

void WindowStatistics::sort_energies(const Plane& p) {
  energies_.clear();
  for (int y = 0; y + kEnergyBlock <= p.height; y += kEnergyBlock)
    for (int x = 0; x + kEnergyBlock <= p.width; x += kEnergyBlock) {
      double sum = 0;
      for (int j = 0; j < kEnergyBlock; ++j)
        for (int i = 0; i < kEnergyBlock; ++i)
          sum += static_cast<double>(p.row(y + j)[x + i]) * p.row(y + j)[x + i];
      energies_.push_back(sum / (kEnergyBlock * kEnergyBlock));
    }
  std::sort(energies_.begin(), energies_.end());
}

/// log of mean |difference| across the edges of blocks over that inside.
double WindowStatistics::edge_ratio(const Plane& p, bool across, int block) {
  double sum[2] = {}, count[2] = {};
  for (int y = 0; y < p.height; ++y)
    for (int x = 0; x < p.width; ++x) {
      const int edge = (across ? x : y) % block == block - 1;
      sum[edge] += std::fabs(p.row(y)[x]);
      ++count[edge];
    }
  // A window of one block has no edges: flat ones.
  return std::log((sum[1] / std::max(count[1], 1.0) + kFloor) / (sum[0] / count[0] + kFloor));
}

double WindowStatistics::share_below(const Plane& p, double limit) {
  double count = 0;
  for (float v : p.data) count += std::fabs(v) < limit;
  return count / static_cast<double>(p.data.size());
}

WindowStatistics::WindowStatistics() {
  constexpr size_t kUsual = 48 * 48;
  for (Plane* p : {&whole_, &a_, &b_}) p->data.reserve(kUsual);
  energies_.reserve(kUsual / (kEnergyBlock * kEnergyBlock));
}

void WindowStatistics::run(const LumaWindow& w, std::span<float> out) {
  if (w.width < kLeast || w.height < kLeast) return std::fill(out.begin(), out.end(), 0.0F);
  whole_.width = w.width;
  whole_.height = w.height;
  whole_.data.clear();
  double sum = 0;
  for (int y = 0; y < w.height; ++y)
    for (int x = 0; x < w.width; ++x) {
      whole_.data.push_back(w.data[y * w.row + x]);
      sum += whole_.data.back();
    }
  size_t at = 0;
  const auto give = [&](double value) { out[at++] = static_cast<float>(value); };
  constexpr std::array<std::array<int, 2>, 4> kDirections = {{{0, 1}, {1, 0}, {1, 1}, {1, -1}}};
  for (int step = 1; step <= 2; ++step)
    for (const auto& [dy, dx] : kDirections) {
      a_ = whole_;
      for (int order = 0; order < kOrders; ++order) {
        // A small window has no room for all: what does not fit counts as flat.
        Strength s;
        if (a_.width > step && a_.height > step) {
          difference(a_, dy * step, dx * step, b_);
          std::swap(a_, b_);
          s = strength_of(a_);
        }
        give(std::log(s.magnitude + kFloor));
        give(0.5 * std::log(s.square + kSquareFloor));
      }
    }
  difference(whole_, 0, 1, a_);
  difference(a_, 1, 0, b_);
  difference(b_, 0, 1, a_);
  difference(a_, 1, 0, b_);
  sort_energies(b_);
  for (double q : kQuantiles)
    give(0.5 * std::log(energies_[static_cast<size_t>(q * static_cast<double>(energies_.size() - 1))] +
                        kEnergyFloor));
  difference(whole_, 0, 1, a_);
  difference(whole_, 1, 0, b_);
  for (int block : {8, 4}) {
    give(edge_ratio(a_, true, block));
    give(edge_ratio(b_, false, block));
  }
  for (double codes : {0.5, 1.5}) {
    give(share_below(a_, codes / 255));
    give(share_below(b_, codes / 255));
  }
  give(2 * sum / (static_cast<double>(w.width) * w.height) - 1);
  spectrum_.run(whole_.data, w.width, w.height, out.subspan(at));
}

}  // namespace cdsr
