// The C edge: checks handles and versions, maps exceptions to status codes, keeps messages, and fills the
// structs of the callers, whatever their version (abi.h).
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "filter/abi.h"
#include "filter/color/color_spec.h"
#include "filter/format/frame.h"
#include "filter/format/pixel_format.h"
#include "filter/include/cdsr/cdsr.h"
#include "filter/model_cache.h"
#include "filter/option_table.h"
#include "filter/options.h"
#include "filter/session.h"
#include "filter/version.h"
#include "model/error.h"
#include "model/registry.h"

struct cdsr_model {
  std::shared_ptr<const cdsr::Model> model;
  std::atomic<int64_t> references{1};
};

struct cdsr_session {
  cdsr::Session session;
  std::string error;
};

namespace {

namespace abi = cdsr::abi;
using cdsr::Errc;
using cdsr::fail;

thread_local std::string last_error;

int status_of(Errc code) {
  switch (code) {
    case Errc::InvalidArgument:
      return CDSR_ERROR_INVALID_ARGUMENT;
    case Errc::Unsupported:
      return CDSR_ERROR_UNSUPPORTED;
    case Errc::OutOfMemory:
      return CDSR_ERROR_OUT_OF_MEMORY;
    case Errc::Io:
      return CDSR_ERROR_IO;
    case Errc::BadWeights:
      return CDSR_ERROR_BAD_WEIGHTS;
    case Errc::Device:
      return CDSR_ERROR_DEVICE;
    case Errc::Internal:
      break;
  }
  return CDSR_ERROR_INTERNAL;
}

/// Keeps the message of a failure; when even that has no memory, the status alone must do.
int keep(std::string& error, int status, const char* message) noexcept {
  try {
    error = message;
  } catch (...) {
    error.clear();
  }
  return status;
}

/// Runs a body; whatever it throws becomes a status and a message in `error`.
template <typename Body>
int guarded(std::string& error, Body body) noexcept {
  try {
    body();
    return CDSR_OK;
  } catch (const cdsr::Error& e) {
    return keep(error, status_of(e.code()), e.what());
  } catch (const std::bad_alloc&) {
    return keep(error, CDSR_ERROR_OUT_OF_MEMORY, "the system has no more memory");
  } catch (const std::exception& e) {
    return keep(error, CDSR_ERROR_INTERNAL, e.what());
  } catch (...) {
    return keep(error, CDSR_ERROR_INTERNAL, "unknown exception");
  }
}

void check_version(const char* type, uint32_t version) {
  if (version < CDSR_API_VERSION_OLDEST || version > CDSR_API_VERSION) {
    fail(Errc::InvalidArgument, "{}: version {}; this library knows {}..{}", type, version,
         CDSR_API_VERSION_OLDEST, CDSR_API_VERSION);
  }
}

/// A struct that the caller gave: not NULL and of a version that is known. abi.h alone reads and writes it.
template <typename T>
T* given(const char* type, T* pointer) {
  if (pointer == nullptr) fail(Errc::InvalidArgument, "{} is NULL", type);
  check_version(type, pointer->version);
  return pointer;
}

template <typename T>
T& handle(const char* type, T* pointer) {
  if (pointer == nullptr) fail(Errc::InvalidArgument, "{} is NULL", type);
  return *pointer;
}

/// A call on a session: failures go to its message and its log.
template <typename Body>
int on_session(cdsr_session* session, Body body) noexcept {
  if (session == nullptr) return keep(last_error, CDSR_ERROR_INVALID_ARGUMENT, "cdsr_session is NULL");
  const int status = guarded(session->error, [&] { body(session->session); });
  if (status < 0) session->session.log()(CDSR_LOG_ERROR, "{}", session->error);
  return status;
}

template <typename T>
int set_one(cdsr_session* session, T cdsr_options::*member, T value) noexcept {
  return on_session(session, [&](cdsr::Session& self) {
    cdsr_options options = self.options();
    options.*member = value;
    self.set_options(options);
  });
}

cdsr_frame default_frame() {
  cdsr_frame frame{};
  frame.matrix = CDSR_MATRIX_UNSPECIFIED;
  return frame;
}

cdsr_frame_info frame_info(const cdsr::Pipeline::Report& report) {
  cdsr_frame_info info{};
  info.new_shot = report.event.entered() ? 1 : 0;
  info.shot = report.event.shot;
  info.hit = report.hit ? 1 : 0;
  info.embedded = report.embedded ? 1 : 0;
  info.late = report.late ? 1 : 0;
  info.pending = report.pending ? 1 : 0;
  info.bicubic = report.bicubic ? 1 : 0;
  info.score = report.event.score;
  info.shot_ms = report.shot_ms;
  info.embed_ms = report.embed_ms;
  info.upscale_ms = report.upscale_ms;
  info.total_ms = report.total_ms;
  info.reused = report.reused;
  return info;
}

int process(cdsr_session* session, const cdsr_frame* in, cdsr_frame* out, const cdsr_hints* hints,
            cdsr_frame_info* info, cdsr::Pipeline::Method method) {
  return on_session(session, [&](cdsr::Session& self) {
    const cdsr_frame input = abi::read(given("cdsr_frame in", in), default_frame());
    cdsr_frame output = abi::read(given("cdsr_frame out", out), default_frame());
    const cdsr_hints host = hints == nullptr ? cdsr_hints{} : abi::read(given("cdsr_hints", hints), {});
    if (info != nullptr) given("cdsr_frame_info", info);
    const cdsr::Hints known = {host.cut != 0, host.discontinuity != 0, host.time};
    const cdsr::Pipeline::Report report = self.process(input, output, known, method);
    abi::write(out, output);
    if (info != nullptr) abi::write(info, frame_info(report));
  });
}

}  // namespace

const char* cdsr_version(void) { return CDSR_VERSION_STRING; }

int cdsr_api_version(void) { return CDSR_API_VERSION; }

const char* cdsr_strerror(int status) {
  switch (status) {
    case CDSR_OK:
      return "success";
    case CDSR_ERROR_INVALID_ARGUMENT:
      return "invalid argument";
    case CDSR_ERROR_UNSUPPORTED:
      return "not supported";
    case CDSR_ERROR_OUT_OF_MEMORY:
      return "out of memory";
    case CDSR_ERROR_IO:
      return "input/output error";
    case CDSR_ERROR_BAD_WEIGHTS:
      return "bad weights file";
    case CDSR_ERROR_DEVICE:
      return "GPU failed or lost";
    case CDSR_ERROR_INTERNAL:
      return "internal error";
    default:
      return "unknown status";
  }
}

const char* cdsr_last_error(void) { return last_error.c_str(); }

int cdsr_frame_default(cdsr_frame* frame, uint32_t version) {
  return guarded(last_error, [&] {
    handle("cdsr_frame", frame);
    check_version("cdsr_frame", version);
    abi::write(frame, default_frame(), version);
  });
}

int cdsr_format_supported(int32_t format, int32_t matrix) {
  return guarded(last_error, [&] {
    const cdsr::PixelFormat* found = cdsr::find_format(format);
    if (found == nullptr) fail(Errc::InvalidArgument, "no pixel format {}", format);
    cdsr::resolve_color(*found, 1, 1, matrix, CDSR_RANGE_UNSPECIFIED, CDSR_CHROMA_LOCATION_UNSPECIFIED);
  });
}

const char* cdsr_format_name(int32_t format) {
  const cdsr::PixelFormat* found = cdsr::find_format(format);
  return found == nullptr ? nullptr : found->name;
}

int32_t cdsr_format_from_name(const char* name) {
  const cdsr::PixelFormat* found = name == nullptr ? nullptr : cdsr::find_format(std::string_view(name));
  return found == nullptr ? CDSR_FORMAT_NONE : found->id;
}

int cdsr_plane_size(int32_t format, int32_t plane, int32_t width, int32_t height, size_t* row_bytes,
                    int32_t* rows) {
  return guarded(last_error, [&] {
    const cdsr::PixelFormat* found = cdsr::find_format(format);
    if (found == nullptr) fail(Errc::InvalidArgument, "no pixel format {}", format);
    if (plane < 0 || plane > 3) fail(Errc::InvalidArgument, "plane {}: must be 0..3", plane);
    constexpr int kMost = 4 * cdsr::kMaxSide;
    if (width < 1 || width > kMost || height < 1 || height > kMost)
      fail(Errc::InvalidArgument, "a picture of {}x{}: each side must be 1..{}", width, height, kMost);
    size_t& bytes = handle("row_bytes", row_bytes);
    int32_t& count = handle("rows", rows);
    const cdsr::PlaneSize size = cdsr::plane_size(*found, plane, width, height);
    bytes = size.row_bytes;
    count = size.rows;
  });
}

int cdsr_model_open(cdsr_model** model, const char* name, int32_t scale) {
  return guarded(last_error, [&] {
    handle("cdsr_model **", model) = nullptr;
    if (name == nullptr || *name == '\0') fail(Errc::InvalidArgument, "model name: must not be empty");
    if (scale < 2 || scale > 4) fail(Errc::InvalidArgument, "scale {}: must be 2..4", scale);
    *model = new cdsr_model{cdsr::open_model(name, scale)};
  });
}

cdsr_model* cdsr_model_ref(cdsr_model* model) {
  if (model != nullptr) model->references.fetch_add(1, std::memory_order_relaxed);
  return model;
}

void cdsr_model_unref(cdsr_model** model) {
  if (model == nullptr) return;
  cdsr_model* const dropped = std::exchange(*model, nullptr);
  if (dropped != nullptr && dropped->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete dropped;
}

int cdsr_model_get_info(const cdsr_model* model, cdsr_model_info* info) {
  return guarded(last_error, [&] {
    const cdsr::Model& self = *handle("cdsr_model", model).model;
    const cdsr::CdsrConfig& config = self.network->config;
    cdsr_model_info filled{};
    filled.scale = config.scale;
    filled.name = config.name.c_str();
    filled.path = self.path.c_str();
    filled.parameters = cdsr::parameter_count(config);
    filled.macs_per_pixel = cdsr::mac_count(config).sr_per_pixel;
    filled.query = config.query == cdsr::Query::Shot ? CDSR_QUERY_SHOT : CDSR_QUERY_FRAME;
    abi::write(given("cdsr_model_info", info), filled);
  });
}

const char* cdsr_model_metadata(const cdsr_model* model, const char* key) {
  if (model == nullptr || key == nullptr) return nullptr;
  const auto& metadata = model->model->metadata;
  const auto found = metadata.find(std::string_view(key));
  return found == metadata.end() ? nullptr : found->second.c_str();
}

int cdsr_options_default(cdsr_options* options, uint32_t version) {
  return guarded(last_error, [&] {
    handle("cdsr_options", options);
    check_version("cdsr_options", version);
    abi::write(options, cdsr::default_options(), version);
  });
}

const cdsr_option* const* cdsr_option_list(void) { return cdsr::option_list(); }

const char* cdsr_option_word(const char* name, int32_t value) {
  const cdsr_option* option = name == nullptr ? nullptr : cdsr::find_option(name);
  return option == nullptr ? nullptr : cdsr::word_of(*option, value);
}

int cdsr_options_set(cdsr_options* options, const char* name, const char* text) {
  return guarded(last_error, [&] {
    if (name == nullptr || text == nullptr) fail(Errc::InvalidArgument, "option name or text is NULL");
    cdsr::set_option(*given("cdsr_options", options), name, text);
  });
}

int cdsr_backend_available(const char* name) {
  return guarded(last_error, [&] {
    const std::string_view wanted = name == nullptr ? "" : name;
    for (const cdsr::Backend& backend : cdsr::backends()) {
      if (wanted != backend.name) continue;
      std::string reason;
      if (!backend.available(reason))
        fail(Errc::Unsupported, "backend {} cannot run here: {}", wanted, reason);
      return;
    }
    fail(Errc::InvalidArgument, "no backend is named '{}'", wanted);
  });
}

int cdsr_session_create(cdsr_session** session, cdsr_model* model, const cdsr_options* options) {
  return guarded(last_error, [&] {
    handle("cdsr_session **", session) = nullptr;
    const cdsr_options chosen = options == nullptr
                                    ? cdsr::default_options()
                                    : abi::read(given("cdsr_options", options), cdsr::default_options());
    const cdsr::SessionOptions checked = cdsr::session_options(chosen);
    const auto weights = model != nullptr ? model->model : cdsr::open_model(chosen.model, chosen.scale);
    *session = new cdsr_session{cdsr::Session(weights, checked), {}};
  });
}

void cdsr_session_destroy(cdsr_session** session) {
  if (session != nullptr) delete std::exchange(*session, nullptr);
}

const char* cdsr_session_error(const cdsr_session* session) {
  return session == nullptr ? cdsr_last_error() : session->error.c_str();
}

int cdsr_session_process(cdsr_session* session, const cdsr_frame* in, cdsr_frame* out,
                         const cdsr_hints* hints, cdsr_frame_info* info) {
  return process(session, in, out, hints, info, cdsr::Pipeline::Method::Network);
}

int cdsr_session_bicubic(cdsr_session* session, const cdsr_frame* in, cdsr_frame* out,
                         const cdsr_hints* hints, cdsr_frame_info* info) {
  return process(session, in, out, hints, info, cdsr::Pipeline::Method::Bicubic);
}

int cdsr_session_prepare(cdsr_session* session, int32_t format, int32_t width, int32_t height) {
  return on_session(session, [&](cdsr::Session& self) { self.prepare(format, width, height); });
}

int cdsr_session_finish(cdsr_session* session) {
  return on_session(session, [](cdsr::Session& self) { self.finish(); });
}

int cdsr_session_set_cuda_stream(cdsr_session* session, void* stream) {
  return on_session(session, [&](cdsr::Session& self) { self.pipeline().set_gpu_stream(stream); });
}

int cdsr_session_reset(cdsr_session* session) {
  return on_session(session, [](cdsr::Session& self) { self.reset(); });
}

int cdsr_session_set_options(cdsr_session* session, const cdsr_options* options) {
  return on_session(session, [&](cdsr::Session& self) {
    self.set_options(abi::read(given("cdsr_options", options), self.options()));
  });
}

int cdsr_session_set_strength(cdsr_session* session, double strength) {
  return set_one(session, &cdsr_options::strength, strength);
}

int cdsr_session_set_shot_threshold(cdsr_session* session, double shot_threshold) {
  return set_one(session, &cdsr_options::shot_threshold, shot_threshold);
}

int cdsr_session_set_refresh(cdsr_session* session, int32_t refresh) {
  return set_one(session, &cdsr_options::refresh, refresh);
}

int cdsr_session_set_deadline(cdsr_session* session, double deadline) {
  return set_one(session, &cdsr_options::deadline, deadline);
}

int cdsr_session_embedding(const cdsr_session* session, float* values, int32_t capacity) {
  int count = 0;
  const int status = guarded(last_error, [&] {
    const std::span<const float> known = handle("cdsr_session", session).session.embedding();
    if (capacity < 0 || (values == nullptr && capacity > 0)) {
      fail(Errc::InvalidArgument, "capacity {} of {} values", capacity, values == nullptr ? "no" : "the");
    }
    std::copy_n(known.begin(), std::min(known.size(), static_cast<size_t>(capacity)), values);
    count = static_cast<int>(known.size());
  });
  return status < 0 ? status : count;
}

int cdsr_session_get_stats(const cdsr_session* session, cdsr_stats* stats) {
  return guarded(last_error, [&] {
    const cdsr_session& self = handle("cdsr_session", session);
    abi::write(given("cdsr_stats", stats), self.session.stats());
  });
}
