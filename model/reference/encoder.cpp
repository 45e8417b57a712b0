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

std::vector<float> pooled_features(const Network& network, const FeatureMap& frame) {
  const Encoder& encoder = network.encoder;
  const std::vector<EncoderWindow> windows = encoder_windows(frame.width, frame.height);
  const size_t d = encoder.query.in;
  std::vector<double> sum(2 * d, 0.0);
  for (const EncoderWindow& window : windows) {
    FeatureMap part = crop(frame, window);
    if (network.config.lpe_input == LpeInput::Normalized)
      normalize_window({part.data.data(), static_cast<ptrdiff_t>(part.width) * part.height, part.width, 1,
                        part.width, part.height});
    const std::vector<float> pixel = branch(encoder.pixel, 6, part);
    for (size_t i = 0; i < d; ++i) sum[i] += pixel[i];
    if (window.width < kPatch || window.height < kPatch) continue;
    const std::vector<float> patch = branch(encoder.patch, 4, part);
    for (size_t i = 0; i < d; ++i) sum[d + i] += patch[i];
  }
  std::vector<float> pooled(2 * d);
  for (size_t i = 0; i < 2 * d; ++i)
    pooled[i] = static_cast<float>(sum[i] / static_cast<double>(windows.size()));
  return pooled;
}

}  // namespace cdsr::reference
