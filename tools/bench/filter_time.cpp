#include "tools/bench/filter_time.h"

#include <cmath>
#include <cstdint>

#include "cdsr/cdsr.h"
#include "model/error.h"

namespace cdsr::tools {
namespace {

/// yuv420p planes in one vector.
struct Frame420 {
  std::vector<uint8_t> bytes;
  cdsr_frame frame;

  Frame420(int width, int height) {
    const int cw = (width + 1) / 2, ch = (height + 1) / 2;
    bytes.resize(static_cast<size_t>(width) * height + 2 * static_cast<size_t>(cw) * ch);
    cdsr_frame_default(&frame, CDSR_API_VERSION);
    frame.format = CDSR_FORMAT_YUV420P;
    frame.width = width;
    frame.height = height;
    frame.plane[0] = bytes.data();
    frame.plane[1] = bytes.data() + static_cast<size_t>(width) * height;
    frame.plane[2] = static_cast<uint8_t*>(frame.plane[1]) + static_cast<size_t>(cw) * ch;
    frame.stride[0] = width;
    frame.stride[1] = frame.stride[2] = cw;
  }
};

}  // namespace

struct FilterTimer::Impl {
  Frame420 in, out;
  cdsr_session* session = nullptr;
  std::vector<double> frame, upscale, shot;

  explicit Impl(const FilterRun& run)
      : in(run.width, run.height), out(run.width * run.scale, run.height * run.scale) {}
  ~Impl() { cdsr_session_destroy(&session); }

  cdsr_frame_info process() {
    cdsr_frame_info info{};
    info.version = CDSR_API_VERSION;
    if (cdsr_session_process(session, &in.frame, &out.frame, nullptr, &info) < 0)
      fail(Errc::Internal, "filter: {}", cdsr_session_error(session));
    return info;
  }
};

FilterTimer::FilterTimer(const FilterRun& run) : impl_(std::make_unique<Impl>(run)) {
  for (size_t i = 0; i < impl_->in.bytes.size(); ++i)
    impl_->in.bytes[i] = static_cast<uint8_t>(126 + 100 * std::sin(0.013 * static_cast<double>(i)) *
                                                        std::cos(7.1e-5 * static_cast<double>(i)));
  cdsr_options options;
  cdsr_options_default(&options, CDSR_API_VERSION);
  const std::string weights = run.weights.string();
  options.model = weights.c_str();
  options.scale = run.scale;
  options.backend = run.backend.c_str();
  if (cdsr_options_set(&options, "precision", to_string(run.engine.precision)) < 0)
    fail(Errc::Internal, "filter: {}", cdsr_last_error());
  options.threads = run.engine.threads;
  options.query = run.engine.query == Query::Shot ? CDSR_QUERY_SHOT : CDSR_QUERY_FRAME;
  options.reuse = 0;  // the same frame again and again
  if (const auto limit = run.engine.memory_limit) options.memory = static_cast<int32_t>(*limit >> 20);
  if (cdsr_session_create(&impl_->session, nullptr, &options) < 0)
    fail(Errc::Internal, "filter: {}", cdsr_last_error());
  for (int i = 0; i < 3; ++i) impl_->process();
}

FilterTimer::~FilterTimer() = default;

void FilterTimer::sample() {
  const cdsr_frame_info info = impl_->process();
  impl_->frame.push_back(info.total_ms);
  impl_->upscale.push_back(info.upscale_ms);
  impl_->shot.push_back(info.shot_ms);
}

FilterReport FilterTimer::report() const {
  return {median(impl_->frame), median(impl_->upscale), median(impl_->shot)};
}

}  // namespace cdsr::tools
