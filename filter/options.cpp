#include "filter/options.h"

#include "filter/option_table.h"
#include "filter/shot/shot_list.h"
#include "model/error.h"

namespace cdsr {
namespace {

ChromaMode chroma_of(int32_t value) {
  switch (value) {
    case CDSR_CHROMA_SR:
      return ChromaMode::Sr;
    case CDSR_CHROMA_BICUBIC:
      return ChromaMode::Bicubic;
    default:
      return ChromaMode::Auto;
  }
}

ShotMode shots_of(int32_t value) {
  switch (value) {
    case CDSR_SHOTS_METADATA:
      return ShotMode::Metadata;
    case CDSR_SHOTS_FILE:
      return ShotMode::File;
    case CDSR_SHOTS_OFF:
      return ShotMode::Off;
    default:
      return ShotMode::Auto;
  }
}

std::vector<int64_t> shot_starts_of(const cdsr_options& options) {
  if (options.shots != CDSR_SHOTS_FILE) return {};
  if (options.shot_file == nullptr || *options.shot_file == '\0')
    fail(Errc::InvalidArgument, "option shot_file: must not be empty with shots = file");
  return read_shot_list(options.shot_file);
}

void check_drift(const cdsr_options& options) {
  // A live stream looks in the background, and goes by refresh.
  if (options.drift > 0 && options.live != 0)
    fail(Errc::InvalidArgument, "option drift = {}: must be 0 with live; refresh looks again there",
         options.drift);
}

void check_pass(const cdsr_options& options) {
  if (options.pass == 0) return;
  if (options.stats == nullptr || *options.stats == '\0')
    fail(Errc::InvalidArgument, "option stats: must not be empty with pass = {}", options.pass);
  // Which frame has which embedding would depend on the machine.
  if (options.live != 0)
    fail(Errc::InvalidArgument, "option live = {}: must be 0 with pass = {}", options.live, options.pass);
}

}  // namespace

SessionOptions session_options(const cdsr_options& options) {
  check_options(options);
  check_pass(options);
  check_drift(options);
  SessionOptions result;
  result.values = options;
  result.engine.precision = precision_from_string(word_of(*find_option("precision"), options.precision));
  result.engine.threads = options.threads;
  result.engine.cuda_context = options.cuda_context;
  result.engine.device = options.device;
  result.engine.memory_limit = memory_limit(options.memory);
  result.shots = shots_of(options.shots);
  result.shot_starts = shot_starts_of(options);
  result.chroma = chroma_of(options.chroma);
  return result;
}

}  // namespace cdsr
