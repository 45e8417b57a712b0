// A stream of frames: the pipeline with its model, engine, statistics and messages.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "filter/include/cdsr/cdsr.h"
#include "filter/log.h"
#include "filter/model_cache.h"
#include "filter/options.h"
#include "filter/pipeline.h"

namespace cdsr {

class Session {
 public:
  /// Creates the engine. Throws what create_engine() throws, and InvalidArgument when the model has another
  /// scale.
  Session(const std::shared_ptr<const Model>& model, const SessionOptions& options);
  /// With an engine that exists already. For tests.
  Session(std::shared_ptr<const Model> model, std::unique_ptr<Engine> engine, const SessionOptions& options,
          std::unique_ptr<Engine> background = nullptr);

  /// Checks both frames, upscales, and writes the colour tags of `out`. Throws Error; the session stays
  /// usable.
  Pipeline::Report process(const cdsr_frame& in, cdsr_frame& out, const Hints& hints,
                           Pipeline::Method method);
  void prepare(int32_t format, int width, int height);
  /// See Pipeline::finish(). Throws Io, and InvalidArgument when frames are missing.
  void finish();
  void reset();

  /// Takes the options that may change between two frames. Throws InvalidArgument, and nothing has changed
  /// then.
  void set_options(const cdsr_options& options);
  /// Of these, the runtime options are those in use.
  const cdsr_options& options() const { return options_; }

  Pipeline& pipeline() { return pipeline_; }
  std::span<const float> embedding() const { return pipeline_.embedding(); }
  const Log& log() const { return log_; }
  /// Of this library's version; its strings are the engine's.
  cdsr_stats stats() const;

 private:
  void count(const Pipeline::Report& report);
  void explain(const Frame& in, const Pipeline::Report& report);

  cdsr_options options_;  ///< of these, the runtime options count
  const int pass_;
  Log log_;
  std::shared_ptr<const Model> model_;
  Query query_;
  Pipeline pipeline_;
  cdsr_stats stats_{};
  int64_t redone_before_ = 0;  ///< by the engine, before the first frame that counts
  bool warned_of_guess_ = false, warned_of_redone_ = false;
  int told_width_ = 0, told_height_ = 0;
};

}  // namespace cdsr
