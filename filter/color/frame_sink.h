// Strips of upscaled R'G'B', or of a luma network Y', from the engine into the output frame.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "filter/color/frame_source.h"
#include "filter/color/resample.h"
#include "filter/format/frame.h"
#include "model/windows.h"

namespace cdsr {

/// Where an output's chroma comes from. Auto: interpolated where the input's is subsampled. There the network
/// knows no more of it than the input's planes say, and on compressed clips they measure better.
enum class ChromaMode { Auto, Sr, Bicubic };

/// Whether chroma is interpolated from the input's.
inline bool interpolates(ChromaMode mode, const PixelFormat& format) {
  return mode == ChromaMode::Bicubic || (mode == ChromaMode::Auto && format.log2_w + format.log2_h > 0);
}

/// Writes columns [x, x + n) of a component's row, x a multiple of 8: codes, or nominal values, dithered.
void store_row(const RowKernels& kernels, const Frame& out, int component, int row, int x, int n, bool codes,
               const float* src);

/// Gets how many of all rows of a picture the network has made; one call at a time, from any thread.
using RowsDone = std::function<void(int done, int all)>;

class FrameSink final : public WindowSink {
 public:
  struct Settings {
    float strength = 1;           ///< 0: bicubic .. 1: the network
    bool bicubic_chroma = false;  ///< chroma interpolated from the input's
    Colour colour = Colour::Rgb;  ///< what the network gives; Luma needs bicubic_chroma
  };

  explicit FrameSink(const RowKernels& kernels = row_kernels()) : kernels_(kernels) {}

  /// Writes to `out` from now on: `source`'s frame at `scale` times its size, same format and colour. Both
  /// must outlive the use. Allocates nothing.
  void bind(const FrameSource& source, const Frame& out, int scale, const Settings& settings);

  /// Told of the rows of write(), not of write_columns(); may be empty.
  void set_progress(RowsDone progress) { progress_ = std::move(progress); }

  int context() const override;
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override;
  int margin() const override;
  void write_columns(int y, int rows, int x, int n, const float* const src[3], ptrdiff_t stride) override;

  /// The whole frame by bicubic interpolation, each component's codes for themselves, without a network.
  void write_bicubic();

  int64_t take_time() const { return nanoseconds_.exchange(0, std::memory_order_relaxed); }

 private:
  struct Strip {
    int y, rows;
    int x, n;          ///< columns
    int above, below;  ///< context rows that exist
    const float* const* src;
    ptrdiff_t stride;
    std::array<bool, 3> excess;  ///< the network makes a component whose input leaves its legal codes
  };
  class ColorTile;

  void write_strip(int y, int rows, int x, int n, const float* const src[3], ptrdiff_t stride);
  /// Of columns [x, x + columns), rows [y, y + rows) of the picture.
  void write_interpolated(int y, int rows, int x, int columns, int component);
  /// Does the input under these columns and rows leave the legal codes of a component?
  bool has_excess(int y, int rows, int x, int columns, int component) const;
  /// The luma plane from a luma network, neither clipped nor converted.
  void write_luma(const Strip& strip);
  void count_time(std::chrono::steady_clock::time_point start);
  void store(int component, int row, int x, int n, bool codes, const float* src) const;
  /// Interpolation of a component, across and down.
  const BicubicTaps& across(int component) const;
  const BicubicTaps& down(int component) const;
  bool halves_rows() const;
  bool writes_luma() const;

  const RowKernels& kernels_;
  const FrameSource* source_ = nullptr;
  Frame out_;
  int scale_ = 2;
  Settings settings_;
  BicubicTaps picture_;                              ///< bicubic, luma grid
  BicubicTaps chroma_picture_x_, chroma_picture_y_;  ///< bicubic, chroma grid
  Halver halve_x_, halve_y_;
  RowsDone progress_;
  std::mutex progress_mutex_;
  int rows_done_ = 0;
  mutable std::atomic<int64_t> nanoseconds_{0};
};

}  // namespace cdsr
