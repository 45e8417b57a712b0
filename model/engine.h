// What a session calls: a network on a backend. Knows tensors and rows of pictures, no video.
//
// Life of an engine, one stream of frames, one thread at a time:
//
//   auto engine = create_engine(network, options);            // registry.h
//   engine->plan(width, height);                              // allocates everything; again on a new size
//   per shot:  engine->embed(source, embedding);              // LPE + CSC -> E_a
//              engine->condition(embedding);                  // everything that depends on E_a alone
//              engine->measure_queries(source, queries);      // Query::Shot: the means of its first frame
//              engine->set_queries(queries);
//   per frame: engine->upscale(source, sink);
//
// After plan() no call allocates. The result does not depend on the thread count; the same backend gives the
// same bits twice. Every call checks sizes, arguments and this order, here and once for all backends: what
// does not fit throws InvalidArgument and changes nothing.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/backend.h"

namespace cdsr {

class Engine {
 public:
  /// query: what the backend was made for (EngineOptions::query).
  Engine(std::unique_ptr<EngineBackend> backend, std::shared_ptr<const Network> network, Query query);

  const EngineInfo& info() const { return backend_->info(); }
  const Network& network() const { return *network_; }
  size_t embedding_size() const { return static_cast<size_t>(network_->config.embedding()); }
  size_t queries_size() const { return static_cast<size_t>(network_->config.dqas()) * network_->config.nf; }

  /// Allocates everything for frames of this low-resolution size (1..kMostSide each side). Keeps the
  /// condition and the queries. Throws InvalidArgument, or OutOfMemory naming need and limit; after that one
  /// there is no plan.
  void plan(int width, int height);

  /// LPE and CSC on the planned frame: E_a, embedding_size() floats. Frames larger than the encoder needs
  /// are looked at in a fixed number of windows (model/README.md says which). Sides under kPatch have no
  /// patch branch.
  void embed(const RowSource& frame, std::span<float> embedding);

  /// Installs an embedding: computes compress, modulation, gates, keys and values of every block. Queries
  /// installed before count no more.
  void condition(std::span<const float> embedding);

  /// 0..1: how much sharper than the most faithful the picture is to be; 0 before the first call. More than 0
  /// needs a network with config.sharp. Another value than before needs another condition().
  void set_sharpness(float sharpness);
  float sharpness() const { return sharpness_; }

  /// The mean of every DQA's input on this frame under the installed embedding: queries_size() floats.
  /// Queries installed before count no more.
  void measure_queries(const RowSource& frame, std::span<float> queries);

  /// Installs queries, which Query::Shot needs and Query::Frame ignores. Needs condition() before it.
  void set_queries(std::span<const float> queries);

  /// Upscales one frame. Needs plan(), condition() and, with Query::Shot, set_queries() before it.
  void upscale(const RowSource& frame, RowSink& out);

  /// Per-stage times since the last call, then reset. Empty if the backend does not measure.
  std::vector<StageTime> take_times() { return backend_->take_times(); }

  /// For what one backend alone has. Calls past the engine are not checked.
  EngineBackend& backend() { return *backend_; }

 private:
  void need_frame(const RowSource& frame, bool conditioned) const;

  std::unique_ptr<EngineBackend> backend_;
  std::shared_ptr<const Network> network_;
  Query query_;
  float sharpness_ = 0;
  bool planned_ = false, conditioned_ = false, queried_ = false;
};

}  // namespace cdsr
