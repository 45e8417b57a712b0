// A model and an engine for single 8-bit R'G'B' pictures, with raw results: what `cdsr eval` measures.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/engine.h"
#include "tools/media/image_io.h"
#include "tools/media/picture_stream.h"

namespace CLI {
class App;
}

namespace cdsr::tools {

/// The options of a command that runs an engine.
struct EngineArguments {
  std::string backend = "auto", precision = "auto", query = "model";
  int threads = 0;
  int memory = -1;  ///< MiB, 0: no limit, -1: the backend's own
  double sharpness = 0;
  bool verbose = false;
};
void add_engine_options(CLI::App& command, EngineArguments& arguments);

enum class EmbeddingSource {
  Picture,  ///< E_a of the picture itself
  Zero,     ///< zeros: what the network does without knowing the degradation
};

/// One picture at a time, each its own shot. Not for several threads at once.
class Upscaler {
 public:
  /// A name or file (find_model.h). Throws what loading and creating an engine throw.
  Upscaler(const std::string& model, int scale, const EngineArguments& arguments);

  /// E_a of a picture.
  std::vector<float> embed(const Picture& lr);

  /// The super-resolved picture: interleaved RGB on 0..255, scale x size, not clamped. `done` may be empty.
  std::vector<float> operator()(const Picture& lr, EmbeddingSource source = EmbeddingSource::Picture,
                                const RowsDone& done = {});

  const Network& network() const { return engine_->network(); }
  const EngineInfo& info() const { return engine_->info(); }
  Query query() const { return query_; }

 private:
  void run(const Picture& lr, EmbeddingSource source, const TakeRow& take, const RowsDone& done);

  std::unique_ptr<Engine> engine_;
  Query query_ = Query::Frame;
};

}  // namespace cdsr::tools
