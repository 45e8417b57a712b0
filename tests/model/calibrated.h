// Networks that know what their features range over, for tests of engines that store them in 8 bits.
#pragma once

#include <memory>
#include <vector>

#include "model/ranges.h"
#include "model/registry.h"
#include "model/vectors.h"
#include "tests/model/backend_run.h"

namespace cdsr::test {

/// The stack `network` with ranges, measured on test_image()s under their own embeddings, sharp and not.
inline std::shared_ptr<const Network> calibrated(const std::shared_ptr<const Network>& network) {
  auto out = std::make_shared<Network>(*network);
  constexpr int kSide = 40;
  const auto engine = create_engine(backends().back(), network, {});
  const auto operators = create_operators(backends().back(), {});
  Conditioner conditioner(*network);
  for (const uint32_t seed : {1, 2, 3}) {
    const Image image = test_image(kSide, kSide, seed);
    std::vector<float> embedding(engine->embedding_size());
    engine->plan(kSide, kSide);
    engine->embed(ImageSource(image), embedding);
    for (const float sharpness : {0.0F, 1.0F}) {
      conditioner.condition(embedding, sharpness);
      std::vector<Conv> plain;
      for (const Conv* conv : stack_convs(*network)) plain.push_back(*conv);
      std::vector<float> planes;
      for (int p = 0; p < network->config.channels(); ++p)
        planes.insert(planes.end(), image.plane[p].begin(), image.plane[p].end());
      widen(out->ranges, network->experts.empty() ? plain : conditioner.convs(),
            {network->config.channels(), kSide, kSide, planes.data()}, *operators);
    }
  }
  return out;
}

}  // namespace cdsr::test
