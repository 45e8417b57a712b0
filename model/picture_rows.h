// Pictures on their way into an engine and out of it, a few rows at a time.
#pragma once

#include <cstddef>
#include <vector>

namespace cdsr {

/// Longest side of a low-resolution frame.
inline constexpr int kMostSide = 65536;
/// Most rows of context a sink may ask for.
inline constexpr int kMostContext = 4;

/// Both ends of a frame that lies in the memory of a backend's device, where the backend reads and writes it
/// itself. What else it is, its backend says.
class DeviceStages {
 public:
  virtual ~DeviceStages() = default;
};

/// Gives the engine a low-resolution frame as rows of three planes, R'G'B' clipped to [0,1], or for a network
/// of Colour::Luma of one, Y', whose nominal range is [0,1] but which may leave it: planes 1 and 2 are then
/// null, in read() and in write(). read() is called from several engine threads at once and may ask for the
/// same rows more than once.
class RowSource {
 public:
  virtual ~RowSource() = default;
  /// Writes rows [y, y + rows) of the three planes: row r of plane p starts at dst[p] + r * stride (floats).
  /// 0 <= y, y + rows <= height. Writes exactly `width` floats a row.
  virtual void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const = 0;
  /// The frame in the engine's device, which then does not call read(); else nullptr.
  virtual DeviceStages* device() const { return nullptr; }
};

/// Takes the super-resolved frame from the engine, in strips, from several engine threads at once. Every
/// output row is given exactly once; strips come in any order.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Extra rows above and below each strip that write() needs to see (for vertical chroma filters), 0 to
  /// kMostContext.
  virtual int context() const { return 0; }
  /// Rows [y, y + rows) of the scale x size frame. Row r of plane p is at src[p] + r * stride (floats), for r
  /// from -min(context(), y) to rows + min(context(), out_height - y - rows) - 1. Values are not clipped. y
  /// and rows are even, except that the last strip may end at an odd height.
  virtual void write(int y, int rows, const float* const src[3], ptrdiff_t stride) = 0;
  /// The frame in the engine's device, which then does not call write(): that of its source. Else nullptr.
  virtual DeviceStages* device() const { return nullptr; }
};

/// Planar float picture in memory, R', G', B', or Y' alone (planes 1 and 2 are then neither read nor
/// written), as source and as sink.
// NOLINTNEXTLINE(bugprone-reserved-identifier): clang-tidy 14 means its implied copy loop
struct Image {
  int width = 0, height = 0;
  std::vector<float> plane[3];  ///< width * height each

  Image() = default;
  Image(int w, int h);
};

class ImageSource final : public RowSource {
 public:
  explicit ImageSource(const Image& image) : image_(image) {}
  void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const override;

 private:
  const Image& image_;
};

class ImageSink final : public RowSink {
 public:
  explicit ImageSink(Image& image) : image_(image) {}
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override;

 private:
  Image& image_;
};

}  // namespace cdsr
