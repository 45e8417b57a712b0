// What has not changed since the frame before is not upscaled again, but copied. With the dynamic filters of
// a shot the network looks a few pixels far; where the input is equal as far as that, so is the output, bit
// for bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "filter/color/frame_sink.h"
#include "filter/format/frame_memory.h"
#include "model/windows.h"

namespace cdsr {

class StillAreas {
 public:
  /// `engine` must outlive the object. Nothing is ever found where its backend or network cannot upscale
  /// parts.
  explicit StillAreas(Engine& engine);

  /// Plans of the engine made from now on are for it, and frames are kept.
  void enable();

  /// The next frame is upscaled whole.
  void forget() { kept_ = false; }

  /// Upscales the frame of `source` through `sink`, which is bound to `out` with `settings`. Returns how much
  /// of the picture was copied, 0 to 1. Allocates for another format or size than the frame's before.
  double upscale(const FrameSource& source, FrameSink& sink, const Frame& out,
                 const FrameSink::Settings& settings);

 private:
  /// What the kept output depends on beside the kept input.
  struct Key {
    uint64_t state = 0;
    float strength = 0;
    bool bicubic_chroma = false;
    int32_t matrix = 0, range = 0, chroma_location = 0;
    bool operator==(const Key&) const = default;
  };

  void resize(const Frame& in, const Frame& out);
  /// The kept output can be used for a frame like this.
  bool matches(const Frame& in, const Key& key) const;
  /// Marks the cells of `in` that differ from the kept input; false once most of them do.
  bool compare(const Frame& in);
  /// The windows of everything that the marked cells may have changed, and the share of the rest. 0: all of
  /// the frame is to be made.
  double cover();
  /// Marks what the marked cells may have changed; returns how many blocks.
  int64_t touch();
  void add(Window window);
  int64_t cost(const Window& window) const;

  Engine& engine_;
  WindowBackend* const backend_;
  bool enabled_ = false, kept_ = false;
  int scale_ = 2;
  Key key_;
  FrameMemory in_, out_;
  int around_columns_ = 0, around_rows_ = 0;  ///< how far a changed sample may be seen
  int margin_columns_ = 0;                    ///< what is computed beside a window
  int columns_ = 0, blocks_ = 0, rows_ = 0;   ///< cells across, blocks of kWindowColumns, both down
  std::vector<uint8_t> changed_;              ///< [rows_][columns_]
  std::vector<uint8_t> across_, touched_;     ///< [rows_][blocks_]
  std::vector<Window> windows_;
};

}  // namespace cdsr
