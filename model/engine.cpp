#include "model/engine.h"

#include <utility>

#include "model/error.h"

namespace cdsr {
namespace {

void expect(const char* what, size_t got, size_t want) {
  if (got != want) fail(Errc::InvalidArgument, "{} has {} values, must have {}", what, got, want);
}

}  // namespace

Engine::Engine(std::unique_ptr<EngineBackend> backend, std::shared_ptr<const Network> network, Query query)
    : backend_(std::move(backend)), network_(std::move(network)), query_(query) {}

void Engine::plan(int width, int height) {
  if (width < 1 || width > kMostSide || height < 1 || height > kMostSide)
    fail(Errc::InvalidArgument, "frame size is {}x{}, sides must be 1 to {}", width, height, kMostSide);
  planned_ = false;
  backend_->plan(width, height);
  planned_ = true;
}

void Engine::need_frame(const RowSource& frame, bool conditioned) const {
  if (!planned_) fail(Errc::InvalidArgument, "a frame before plan()");
  if (conditioned && !conditioned_) fail(Errc::InvalidArgument, "a frame before condition()");
  if (frame.device() != nullptr && !backend_->takes_device_frames())
    fail(Errc::InvalidArgument, "a frame in a device's memory, which backend {} does not read",
         info().backend);
}

void Engine::embed(const RowSource& frame, std::span<float> embedding) {
  need_frame(frame, false);
  expect("embedding", embedding.size(), embedding_size());
  backend_->embed(frame, embedding);
}

void Engine::condition(std::span<const float> embedding) {
  expect("embedding", embedding.size(), embedding_size());
  conditioned_ = queried_ = false;
  backend_->condition(embedding);
  conditioned_ = true;
}

void Engine::set_sharpness(float sharpness) {
  if (!(sharpness >= 0 && sharpness <= 1))
    fail(Errc::InvalidArgument, "sharpness is {}, must be 0 to 1", sharpness);
  if (sharpness > 0 && !network_->config.sharp)
    fail(Errc::InvalidArgument, "sharpness is {}, must be 0: this {} x{} was not trained for another",
         sharpness, network_->config.name, network_->config.scale);
  if (sharpness == sharpness_) return;
  conditioned_ = queried_ = false;
  backend_->set_sharpness(sharpness);
  sharpness_ = sharpness;
}

void Engine::measure_queries(const RowSource& frame, std::span<float> queries) {
  need_frame(frame, true);
  expect("queries", queries.size(), queries_size());
  if (queries.empty()) return;  // no DQA
  queried_ = false;
  backend_->measure_queries(frame, queries);
}

void Engine::set_queries(std::span<const float> queries) {
  expect("queries", queries.size(), queries_size());
  if (!conditioned_) fail(Errc::InvalidArgument, "set_queries() before condition()");
  if (query_ == Query::Frame || queries.empty()) return;
  queried_ = false;
  backend_->set_queries(queries);
  queried_ = true;
}

void Engine::upscale(const RowSource& frame, RowSink& out) {
  need_frame(frame, true);
  if (query_ == Query::Shot && queries_size() > 0 && !queried_)
    fail(Errc::InvalidArgument, "upscale() before set_queries(): query is 'shot'");
  if (frame.device() != out.device())
    fail(Errc::InvalidArgument, "input and output are not in the same memory");
  if (const int rows = out.context(); rows < 0 || rows > kMostContext)
    fail(Errc::InvalidArgument, "a sink asks for {} rows of context, must be 0 to {}", rows, kMostContext);
  backend_->upscale(frame, out);
}

}  // namespace cdsr
