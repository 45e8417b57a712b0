// The smallest networks that have every part, as the filter gets them: loaded, and as files.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "filter/model_cache.h"
#include "model/network.h"
#include "model/weights.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"

namespace cdsr::test {

inline std::shared_ptr<const Model> tiny_model(int scale = 2, Query query = Query::Shot,
                                               Body body = Body::Plain) {
  CdsrConfig config = tiny_config(body, scale);
  config.query = query;
  auto model = std::make_shared<Model>();
  model->path = "memory";
  model->network = random_network(config, 1);
  return model;
}

/// A weights file in a folder of its own, removed with the object.
class TinyModelFile {
 public:
  explicit TinyModelFile(int scale = 2, uint32_t seed = 1)
      : path_(folder_.path() / ("tiny-x" + std::to_string(scale) + ".safetensors")) {
    write(scale, seed);
  }

  /// Replaces the file.
  void write(int scale, uint32_t seed) {
    const CdsrConfig config = tiny_config(Body::Plain, scale);
    write_weights(path_, random_tensors(config, seed),
                  {{"cdsr.format", "1"}, {"cdsr.config", to_json(config)}, {"cdsr.recipe", "none"}},
                  DType::F32);
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  const std::filesystem::path& path() const { return path_; }
  std::string name() const { return path_.string(); }

 private:
  TempFolder folder_;
  std::filesystem::path path_;
};

}  // namespace cdsr::test
