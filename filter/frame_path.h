// How a frame's pixels get to the engine and the picture gets back: through the processor's memory, or within
// the GPU's.
#pragma once

#include <memory>

#include "filter/color/frame_sink.h"
#include "filter/format/bars.h"
#include "filter/format/frame.h"
#include "filter/shot/thumbnail.h"
#include "model/engine.h"

namespace cdsr {

class FramePath {
 public:
  virtual ~FramePath() = default;

  /// The frame that all below is about, until the next. Its planes must stay valid. Allocates only for
  /// another width than the frame's before.
  virtual void bind(const Frame& in) = 0;

  /// Takes the bars off the bound frame (bars.h), where this way can: source() is what lies between them, and
  /// the picture is written there. Returns that part, which the engine has to be planned for; the whole frame
  /// without the call. `in` is the bound frame. known: nullptr, or what another run has found there.
  virtual Barred crop(const Frame& in, bool new_shot, const Barred* known) {
    static_cast<void>(new_shot);
    static_cast<void>(known);
    return {{0, 0, in.width, in.height}, {}};
  }

  /// For the engine; pixels are converted while it reads them.
  virtual const RowSource& source() const = 0;
  /// Makes it.
  virtual const Thumbnail& thumbnail() = 0;
  /// Looking at a new shot takes less than a copy of the frame: a live stream may wait for it.
  virtual bool embeds_at_once() const = 0;

  /// Into `out`, which has the input's format: by the network, and by bicubic interpolation alone. Returns
  /// how much of the picture was copied from the one before, 0 to 1.
  virtual double upscale(const Frame& out, const FrameSink::Settings& settings) = 0;
  virtual void interpolate(const Frame& out, const FrameSink::Settings& settings) = 0;

  /// Who is told of the rows of upscale(), where this way can (frame_sink.h); may be empty.
  virtual void set_progress(const RowsDone& /*progress*/) {}

  /// The next frame is upscaled whole, whatever it looks like.
  virtual void forget() {}

  /// What colour took since the last call, summed over the engine's threads; 0 where nobody measures.
  virtual double take_color_ms() = 0;
};

/// The ways to one engine, which must outlive the object.
class FramePaths {
 public:
  /// reuse: copy what looks as in the frame before (still_areas.h), where the engine can.
  explicit FramePaths(Engine& engine, bool reuse = false);

  /// Throws Unsupported for frames in a GPU's memory when the engine takes none.
  FramePath& of(const Frame& frame) { return frame.on_gpu ? gpu() : *host_; }
  FramePath& host() { return *host_; }
  /// Frames in a GPU's memory, where the engine takes them: the first use of everything that they need, for
  /// frames of this format and size. The engine must be planned and conditioned.
  void warm_gpu(const PixelFormat& format, int width, int height, const FrameSink::Settings& settings);
  /// See DeviceFrames::set_stream(). Throws as of().
  void set_gpu_stream(void* stream);

 private:
  FramePath& gpu();

  Engine& engine_;
  std::unique_ptr<FramePath> host_, gpu_;  ///< gpu_: nullptr where the engine takes no such frames
};

}  // namespace cdsr
