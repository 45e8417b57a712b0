#include "filter/embed/background_embedder.h"

#include <system_error>
#include <utility>

#include "model/error.h"

namespace cdsr {
BackgroundEmbedder::BackgroundEmbedder(std::unique_ptr<Engine> engine, Query query)
    : engine_(std::move(engine)), query_(query) {
  known_.resize(engine_->network().config, query);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& e) {
    fail(Errc::OutOfMemory, "the system refuses the thread that looks at shots: {}", e.what());
  }
}

BackgroundEmbedder::~BackgroundEmbedder() {
  {
    const std::lock_guard lock(mutex_);
    stage_ = Stage::Stop;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundEmbedder::plan(const PixelFormat& format, int width, int height) {
  cancel();
  frame_ = FrameMemory(format, width, height);
  engine_->plan(width, height);
}

void BackgroundEmbedder::start(const Frame& frame, const ShotState& so_far, int64_t ticket) {
  frame_.copy(frame);
  known_ = so_far;
  ticket_ = ticket;
  under_way_ = true;
  {
    const std::lock_guard lock(mutex_);
    stage_ = Stage::Asked;
  }
  changed_.notify_all();
}

bool BackgroundEmbedder::finish(ShotState& known, int64_t& ticket) {
  if (!under_way_) return false;
  {
    const std::lock_guard lock(mutex_);
    if (stage_ != Stage::Done) return false;
    stage_ = Stage::Idle;
  }
  under_way_ = false;
  ticket = ticket_;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  std::swap(known, known_);
  return true;
}

void BackgroundEmbedder::cancel() {
  if (!under_way_) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stage_ == Stage::Done; });
  stage_ = Stage::Idle;
  under_way_ = false;
  failure_ = nullptr;
}

void BackgroundEmbedder::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stage_ == Stage::Asked || stage_ == Stage::Stop; });
    if (stage_ == Stage::Stop) return;
    lock.unlock();
    try {
      source_.bind(frame_.frame(), engine_->network().config.colour);
      embed_shot(*engine_, source_, query_, known_);
    } catch (...) {
      failure_ = std::current_exception();
    }
    lock.lock();
    if (stage_ == Stage::Stop) return;
    stage_ = Stage::Done;
    changed_.notify_all();
  }
}

}  // namespace cdsr
