#include "model/reference/encoder.h"

#include "model/encoder_windows.h"
#include "model/normalize_window.h"

namespace cdsr::reference {
namespace {

FeatureMap crop(const FeatureMap& frame, const EncoderWindow& window) {
  FeatureMap out(frame.channels, window.height, window.width);
  for (int c = 0; c < frame.channels; ++c)
    for (int y = 0; y < window.height; ++y)
      for (int x = 0; x < window.width; ++x) out.at(c, y, x) = frame.padded(c, window.y + y, window.x + x);
  return out;
}

std::vector<float> branch(const Conv* conv, int count, FeatureMap map) {
  for (int i = 0; i < count; ++i) {
    map = conv2d(conv[i], map);
    leaky_relu(map, kEncoderSlope);
  }
  return channel_means(map);
}

}  // namespace

std::vector<std::vector<float>> window_features(const Network& network, const FeatureMap& frame) {
  const Encoder& encoder = network.encoder;
  const CdsrConfig& config = network.config;
  std::vector<std::vector<float>> all;
  for (const EncoderWindow& window : encoder_windows(config, frame.width, frame.height)) {
    FeatureMap part = crop(frame, window);
    if (config.lpe_input == LpeInput::Statistics) {
      std::vector<float>& features = all.emplace_back(kWindowStatistics);
      WindowStatistics().run({part.plane(0), part.width, part.width, part.height}, features);
      continue;
    }
    if (config.lpe_input == LpeInput::Normalized)
      normalize_window({part.data.data(), static_cast<ptrdiff_t>(part.width) * part.height, part.width, 1,
                        part.width, part.height, part.channels});
    std::vector<float> features = branch(encoder.pixel, 6, part);
    if (window.width < kPatch || window.height < kPatch) {
      features.resize(size_t{2} * config.embedding(), 0.0F);
    } else {
      const std::vector<float> patch = branch(encoder.patch, 4, part);
      features.insert(features.end(), patch.begin(), patch.end());
    }
    all.push_back(std::move(features));
  }
  return all;
}

}  // namespace cdsr::reference
