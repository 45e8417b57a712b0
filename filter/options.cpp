#include "filter/options.h"

#include "filter/shot/shot_list.h"
#include "model/error.h"

namespace cdsr {
namespace {

int check(const char* option, int value, int low, int high) {
  if (value < low || value > high) {
    fail(Errc::InvalidArgument, "option {} = {}: must be {}..{}", option, value, low, high);
  }
  return value;
}

double check_unit(const char* option, double value) {
  if (!(value >= 0 && value <= 1)) {
    fail(Errc::InvalidArgument, "option {} = {}: must be 0..1", option, value);
  }
  return value;
}

std::string check_text(const char* option, const char* value) {
  if (value == nullptr || *value == '\0') fail(Errc::InvalidArgument, "option {}: must not be empty", option);
  return value;
}

Precision precision_of(int value) {
  switch (check("precision", value, CDSR_PRECISION_AUTO, CDSR_PRECISION_FP8)) {
    case CDSR_PRECISION_FP32:
      return Precision::Fp32;
    case CDSR_PRECISION_BF16:
      return Precision::Bf16;
    case CDSR_PRECISION_FP16:
      return Precision::Fp16;
    case CDSR_PRECISION_FP8:
      return Precision::Fp8;
    default:
      return Precision::Auto;
  }
}

ChromaMode chroma_of(int value) {
  switch (check("chroma", value, CDSR_CHROMA_AUTO, CDSR_CHROMA_BICUBIC)) {
    case CDSR_CHROMA_SR:
      return ChromaMode::Sr;
    case CDSR_CHROMA_BICUBIC:
      return ChromaMode::Bicubic;
    default:
      return ChromaMode::Auto;
  }
}

ShotMode shots_of(int value) {
  switch (check("shots", value, CDSR_SHOTS_AUTO, CDSR_SHOTS_OFF)) {
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

}  // namespace

double check_strength(double value) { return check_unit("strength", value); }
double check_shot_threshold(double value) { return check_unit("shot_threshold", value); }
int check_refresh(int value) { return check("refresh", value, 0, 1000000000); }

double check_deadline(double value) {
  if (!(value >= 0 && value <= 1e6)) {
    fail(Errc::InvalidArgument, "option deadline = {}: must be 0..1000000 ms", value);
  }
  return value;
}

cdsr_options default_options() {
  cdsr_options options{};
  options.version = CDSR_API_VERSION;
  options.scale = 2;
  options.model = "cdsr-rt-video";
  options.backend = "auto";
  options.precision = CDSR_PRECISION_AUTO;
  options.memory = 2048;
  options.shots = CDSR_SHOTS_AUTO;
  options.shot_threshold = ShotDetector::kDefaultThreshold;
  options.embed_frames = 1;
  options.shot_cache = 8;
  options.query = CDSR_QUERY_MODEL;
  options.strength = 1;
  options.chroma = CDSR_CHROMA_AUTO;
  options.fade = 12;
  return options;
}

SessionOptions check_options(const cdsr_options& options) {
  SessionOptions result;
  result.scale = check("scale", options.scale, 2, 4);
  result.model = check_text("model", options.model);
  result.backend = check_text("backend", options.backend);
  result.engine.precision = precision_of(options.precision);
  result.engine.threads = check("threads", options.threads, 0, 256);
  result.engine.cuda_context = options.cuda_context;
  result.engine.device = check("device", options.device, 0, 1023);
  result.engine.memory_limit = static_cast<size_t>(check("memory", options.memory, 0, 1 << 20)) << 20;
  result.shots = shots_of(options.shots);
  result.shot_threshold = check_shot_threshold(options.shot_threshold);
  result.refresh = check_refresh(options.refresh);
  result.embed_frames = check("embed_frames", options.embed_frames, 1, 64);
  result.shot_cache = check("shot_cache", options.shot_cache, 0, 256);
  result.query = check("query", options.query, CDSR_QUERY_MODEL, CDSR_QUERY_FRAME);
  result.strength = check_strength(options.strength);
  result.chroma = chroma_of(options.chroma);
  result.deadline = check_deadline(options.deadline);
  result.live = options.live != 0;
  result.fade = check("fade", options.fade, 0, 1000);
  result.log = options.log;
  result.log_opaque = options.log_opaque;
  if (result.shots == ShotMode::File) {
    result.shot_starts = read_shot_list(check_text("shot_file", options.shot_file));
  }
  return result;
}

}  // namespace cdsr
