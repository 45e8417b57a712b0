// Runs a network through a backend, for the tests that compare backends.
#pragma once

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model/registry.h"

namespace cdsr {

/// A picture with edges, ramps and noise in [0,1]; the same for the same arguments.
inline Image test_image(int width, int height, uint32_t seed = 1) {
  Image image(width, height);
  std::mt19937 random(seed);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const double wave =
            0.5 + 0.3 * std::sin(0.35 * x + 0.2 * (p + 1) * y) * ((x / 7 + y / 5) % 2 == 0 ? 1 : -0.6);
        const double noise = (static_cast<double>(random() >> 8) / (1 << 24) - 0.5) * 0.3;
        image.plane[p][static_cast<size_t>(y) * width + x] =
            static_cast<float>(std::min(1.0, std::max(0.0, wave + noise)));
      }
  return image;
}

struct BackendResult {
  std::vector<float> embedding, queries;
  Image image;
};

/// The whole life of an engine on one frame, sharpened where the network can be. An `embedding` given is used
/// in place of the computed one, which is still returned, so that the rest can be compared by itself; the
/// same with `queries`.
inline BackendResult run_engine(Engine& engine, const Image& in, const BackendResult* given = nullptr) {
  engine.plan(in.width, in.height);
  const int scale = engine.network().config.scale;
  BackendResult result;
  result.embedding.resize(engine.embedding_size());
  result.queries.resize(engine.queries_size());
  result.image = Image(in.width * scale, in.height * scale);
  const ImageSource source(in);
  ImageSink sink(result.image);
  engine.embed(source, result.embedding);
  if (engine.network().config.sharp) engine.set_sharpness(0.75F);
  engine.condition(given != nullptr ? given->embedding : result.embedding);
  engine.measure_queries(source, result.queries);
  engine.set_queries(given != nullptr ? given->queries : result.queries);
  engine.upscale(source, sink);
  return result;
}
inline BackendResult run_backend(const std::string& backend, const std::shared_ptr<const Network>& network,
                                 const EngineOptions& options, const Image& in,
                                 const BackendResult* given = nullptr) {
  return run_engine(*create_engine(network, options, backend), in, given);
}

/// Largest difference in 8-bit code values; NaN if one of them is.
inline double max_code_difference(const Image& a, const Image& b) {
  double most = 0;
  for (int p = 0; p < 3; ++p)
    for (size_t i = 0; i < a.plane[p].size(); ++i) {
      const double d = std::abs(static_cast<double>(a.plane[p][i]) - b.plane[p][i]) * 255;
      if (std::isnan(d)) return d;
      most = std::max(most, d);
    }
  return most;
}

inline bool same_bits(const Image& a, const Image& b) {
  return a.plane[0] == b.plane[0] && a.plane[1] == b.plane[1] && a.plane[2] == b.plane[2];
}

/// sum of squared differences over the reference's sum of squares.
inline double normalized_error(const std::vector<float>& got, const std::vector<float>& want) {
  double error = 0, power = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    error += (static_cast<double>(got[i]) - want[i]) * (static_cast<double>(got[i]) - want[i]);
    power += static_cast<double>(want[i]) * want[i];
  }
  return power > 0 ? error / power : error;
}

}  // namespace cdsr
