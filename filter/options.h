// cdsr_options, checked, in the types of the library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "filter/color/frame_sink.h"
#include "filter/include/cdsr/cdsr.h"
#include "filter/shot/tracker.h"
#include "model/engine.h"

namespace cdsr {

struct SessionOptions {
  int scale = 2;
  std::string model, backend;
  EngineOptions engine;  ///< its query is set from the model when `query` says so
  int query = CDSR_QUERY_MODEL;
  ShotMode shots = ShotMode::Auto;
  std::vector<int64_t> shot_starts;  ///< ShotMode::File
  double shot_threshold = 0;
  int refresh = 0, embed_frames = 1, shot_cache = 0;
  double strength = 1;
  double deadline = 0;
  bool live = false;
  int fade = 0;
  ChromaMode chroma = ChromaMode::Auto;
  cdsr_log_callback log = nullptr;
  void* log_opaque = nullptr;
};

/// The defaults of cdsr.h.
cdsr_options default_options();

/// Checks every member and reads the shot file. Throws InvalidArgument naming the option, its value and its
/// limits; Io for the shot file.
SessionOptions check_options(const cdsr_options& options);

/// The checks of the options that have setters.
double check_strength(double value);
double check_shot_threshold(double value);
int check_refresh(int value);
double check_deadline(double value);

}  // namespace cdsr
