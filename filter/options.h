// cdsr_options, checked, in the types of the library.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/color/frame_sink.h"
#include "filter/include/cdsr/cdsr.h"
#include "filter/shot/tracker.h"
#include "model/engine.h"

namespace cdsr {

struct SessionOptions {
  cdsr_options values;   ///< every member in its range; its texts are the caller's, for the call alone
  EngineOptions engine;  ///< its query is set from the model when `values.query` says so
  ShotMode shots = ShotMode::Auto;
  std::vector<int64_t> shot_starts;  ///< ShotMode::File
  ChromaMode chroma = ChromaMode::Auto;
};

/// Checks every member and reads the shot file. Throws InvalidArgument naming the option, its value and what
/// is allowed; Io for the shot file.
SessionOptions session_options(const cdsr_options& options);

}  // namespace cdsr
