// Upscaling parts of a frame: for a caller that knows that the rest looks as it did before.
#pragma once

#include <span>

#include "model/engine.h"

namespace cdsr {

/// Low-resolution pixels of a frame. x and width are multiples of kWindowColumns, y and height of
/// kWindowRows, but where the window ends with the frame. Winograd's tiles and the pattern of the dither then
/// lie as in the whole frame, at every scale and in halved chroma too.
struct Window {
  int x = 0, y = 0, width = 0, height = 0;
};
inline constexpr int kWindowColumns = 16, kWindowRows = 8;

/// How far from a sample of the input the bits of the output may depend on it, in low-resolution pixels.
struct Reach {
  int columns = 0, rows = 0;
};

/// A frame that can be read in part.
class WindowSource : public RowSource {
 public:
  /// Columns [x, x + n) of what read() gives.
  virtual void read_columns(int y, int rows, int x, int n, float* const dst[3], ptrdiff_t stride) const = 0;
};

/// A frame that can be written in part.
class WindowSink : public RowSink {
 public:
  /// Columns to the left and right of its own that write_columns() looks at, as far as the frame has them.
  virtual int margin() const = 0;
  /// Columns [x, x + n) of what write() takes. src[p] + r * stride is where column 0 would be.
  virtual void write_columns(int y, int rows, int x, int n, const float* const src[3], ptrdiff_t stride) = 0;
};

/// What a backend implements that can.
class WindowBackend {
 public:
  virtual ~WindowBackend() = default;

  /// Whether this network can: nothing in it may look at the whole frame.
  virtual bool has_windows() const = 0;
  /// Plans made from now on are for upscale_windows() too.
  virtual void want_windows() = 0;
  virtual Reach reach() const = 0;
  /// Another number whenever the same frame may get other bits than before.
  virtual uint64_t state() const = 0;
  /// The bits that upscale() gives there. `windows` do not overlap; at most kMostWindows. Allocates nothing.
  virtual void upscale_windows(const WindowSource& frame, WindowSink& out,
                               std::span<const Window> windows) = 0;
};
inline constexpr int kMostWindows = 256;

/// nullptr where the engine's backend or network cannot.
WindowBackend* window_backend(Engine& engine);

}  // namespace cdsr
