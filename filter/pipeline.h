// The path of a frame: colour, shot, embedding, super-resolution, colour. See pipeline.cpp.
#pragma once

#include <memory>
#include <span>

#include "filter/color/frame_sink.h"
#include "filter/color/frame_source.h"
#include "filter/embed/embedder.h"
#include "filter/frame.h"
#include "filter/shot/tracker.h"
#include "model/engine.h"

namespace cdsr {

class Pipeline {
 public:
  struct Settings {
    ShotMode shots = ShotMode::Auto;
    std::vector<int64_t> shot_starts;
    double shot_threshold = ShotDetector::kDefaultThreshold;
    ShotEmbedder::Settings embedding;
    FrameSink::Settings output;
  };

  /// What happened to a frame; times in milliseconds.
  struct Report {
    ShotEvent event;
    bool hit = false, embedded = false;
    double shot_ms = 0, embed_ms = 0, upscale_ms = 0, total_ms = 0;
    double color_ms = 0;  ///< summed over the engine's threads
  };

  enum class Method { Network, Bicubic };

  Pipeline(std::unique_ptr<Engine> engine, Settings settings);

  /// Upscales `in` into `out`. Allocates only when the size or format differs from the frame before.
  Report process(const Frame& in, const Frame& out, const Hints& hints, Method method);

  /// The next frame is frame 0 of shot 0; nothing is remembered.
  void reset();

  void set_strength(double strength) { output_.strength = static_cast<float>(strength); }
  void set_shot_threshold(double threshold) { tracker_.set_threshold(threshold); }
  void set_refresh(int refresh) { embedder_.set_refresh(refresh); }

  const Engine& engine() const { return *engine_; }
  /// Of the current shot; empty while it is not known.
  std::span<const float> embedding() const { return embedder_.embedding(); }

 private:
  void adapt(const Frame& in, Method method);

  std::unique_ptr<Engine> engine_;
  FrameSink::Settings output_;
  bool uses_thumbnails_;
  ShotTracker tracker_;
  ShotEmbedder embedder_;
  FrameSource source_;
  FrameSink sink_;
  const PixelFormat* format_ = nullptr;  ///< of the frame before
  int width_ = 0, height_ = 0;
  int planned_width_ = 0, planned_height_ = 0;  ///< what the engine is planned for
};

}  // namespace cdsr
