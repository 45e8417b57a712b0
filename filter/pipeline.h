// The path of a frame: colour, shot, embedding, super-resolution, colour. See pipeline.cpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "filter/color/frame_sink.h"
#include "filter/deadline.h"
#include "filter/embed/background_embedder.h"
#include "filter/embed/embedder.h"
#include "filter/film/player.h"
#include "filter/film/recorder.h"
#include "filter/format/frame.h"
#include "filter/frame_path.h"
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
    double strength = 1;  ///< 0: bicubic .. 1: the network
    ChromaMode chroma = ChromaMode::Auto;
    double deadline_ms = 0;  ///< 0: none
    bool reuse = true;       ///< copy what looks as in the frame before, where the engine can
    // Two passes over a film; not for live streams.
    std::unique_ptr<FilmRecorder> recorder;  ///< the first: frames are looked at and interpolated
    std::unique_ptr<FilmPlayer> player;      ///< the second: nothing is looked at
  };

  /// What happened to a frame; times in milliseconds.
  struct Report {
    ShotEvent event;
    bool hit = false, embedded = false;
    bool late = false;     ///< bicubic, because the network would have missed the deadline
    bool pending = false;  ///< live: the shot's embedding is not known yet
    bool bicubic = false;  ///< the network had no part in the picture
    double reused = 0;     ///< share of the picture copied from the one before
    double shot_ms = 0, embed_ms = 0, upscale_ms = 0, total_ms = 0;
    double color_ms = 0;  ///< summed over the engine's threads
  };

  enum class Method { Network, Bicubic };

  /// background: an engine of its own for looking at new shots while the stream goes on; nullptr: a new shot
  /// waits for its embedding.
  Pipeline(std::unique_ptr<Engine> engine, Settings settings, std::unique_ptr<Engine> background = nullptr);

  /// Plans for frames of this format and size before the first of them comes, and measures how long they will
  /// take.
  void prepare(const PixelFormat& format, int width, int height);

  /// Upscales `in` into `out`. Allocates only when the size, the format or the bars differ from before.
  Report process(const Frame& in, const Frame& out, const Hints& hints, Method method);

  /// The stream has ended: writes the file of a first pass, or checks that a second one had all its frames.
  void finish() const;

  /// The next frame is frame 0 of shot 0; nothing is remembered.
  void reset();

  void set_strength(double strength) { strength_ = static_cast<float>(strength); }
  /// Throws InvalidArgument for more than 0 when the network has no other sharpness; nothing has changed
  /// then.
  void set_sharpness(double sharpness);
  void set_shot_threshold(double threshold) { tracker_.set_threshold(threshold); }
  void set_refresh(int refresh) { embedder_.set_refresh(refresh); }
  /// Throws Unsupported when the engine has no frames in a GPU.
  void set_gpu_stream(void* stream) { paths_.set_gpu_stream(stream); }
  /// Told of the rows of a frame in the processor's memory as the network makes them; may be empty.
  void set_progress(const RowsDone& progress) { paths_.host().set_progress(progress); }
  void set_deadline(double ms) { deadline_.set_limit(ms); }
  double predicted_ms() const { return deadline_.predicted(); }
  double wait_ms() const { return deadline_.wait(); }

  const Engine& engine() const { return *engine_; }
  /// Of the current shot; empty while it is not known.
  std::span<const float> embedding() const {
    return player_ != nullptr ? player_->embedding() : embedder_.embedding();
  }

 private:
  void adapt(const PixelFormat& format, int width, int height, Method method);
  /// Asks the film of two passes, if this is one, for the frame's place; nothing unless it is the second.
  std::optional<FilmPlayer::Step> look_up(const Frame& in);
  /// Finds the frame's place among the shots, and whether its shot is remembered.
  void find_shot(FramePath& path, const Frame& in, const Hints& hints,
                 const std::optional<FilmPlayer::Step>& known, Report& report);
  /// Takes the bars off the frame, and plans the engine for what lies between them.
  void crop(FramePath& path, const Frame& in, const std::optional<FilmPlayer::Step>& known, Method method,
            const Report& report);
  /// Gives the engine a sharpness. Throws InvalidArgument when the network has not that one.
  void sharpen(float sharpness);
  /// The engine is to be conditioned anew before the next frame.
  void reinstall();
  /// Plans the engine, unless it is planned for this size.
  void plan(int width, int height);
  FrameSink::Settings output_settings(const PixelFormat& format, float strength) const;
  /// Makes the engine ready for the frame of its shot; returns the network's share in the picture, 0..1.
  float embed(const FramePath& path, const Frame& in, Method method, Report& report);

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<BackgroundEmbedder> background_;
  float strength_;
  float sharpness_ = 0;  ///< of the option
  ChromaMode chroma_;
  bool uses_thumbnails_;
  ShotTracker tracker_;
  ShotEmbedder embedder_;
  Deadline deadline_;
  FramePaths paths_;
  const std::unique_ptr<FilmRecorder> recorder_;
  const std::unique_ptr<FilmPlayer> player_;
  const PixelFormat* format_ = nullptr;  ///< of the frame before
  int width_ = 0, height_ = 0;
  int known_width_ = 0, known_height_ = 0;  ///< the size that a plan has succeeded for
  int planned_width_ = 0,
      planned_height_ = 0;  ///< what the engine is planned for: a frame, or the picture in it
};

}  // namespace cdsr
