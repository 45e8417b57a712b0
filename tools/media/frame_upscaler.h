// A picture in the format it is stored in, through libcdsr.
#pragma once

#include <memory>
#include <string>

#include "filter/session.h"
#include "tools/media/av.h"
#include "tools/media/upscaler.h"

namespace cdsr::tools {

/// What the filters make of the same frame, bit for bit: grey, alpha and depth stay. Not for several threads
/// at once.
class FrameUpscaler {
 public:
  /// scale: 0 for a file, which has its own. Throws what loading and creating an engine throw.
  FrameUpscaler(const std::string& model, int scale, const EngineArguments& arguments);

  int scale() const { return scale_; }

  /// `in` of a format that libcdsr has, else as grey or R'G'B' (frame_to_samples()). The result has the
  /// format of what was upscaled, and the input's properties and side data. `name` is for messages; `done`
  /// may be empty.
  AvPtr<AVFrame> operator()(const AVFrame& in, const std::string& name, const RowsDone& done);

 private:
  const int scale_;
  std::unique_ptr<Session> session_;
};

}  // namespace cdsr::tools
