#include "model/cuda/encoder.h"

#include <algorithm>

namespace cdsr::cuda {
namespace {

int output_size(const Conv& conv, int side) {
  return (side + 2 * conv.padding - conv.kernel) / conv.stride + 1;
}

/// Floats in the largest map a branch makes from a window.
size_t largest_map(const Conv* convs, int count, int width, int height) {
  size_t most = 0;
  for (int i = 0; i < count; ++i) {
    width = output_size(convs[i], width);
    height = output_size(convs[i], height);
    most = std::max(most, static_cast<size_t>(width) * height * convs[i].out);
  }
  return most;
}

}  // namespace

EncoderRunner::EncoderRunner(std::shared_ptr<const VectorWeights> weights, const Network& network)
    : weights_(std::move(weights)), network_(network) {}

void EncoderRunner::plan(int width, int height) {
  windows_ = encoder_windows(network_.config, width, height);
  const EncoderWindow& w = windows_.front();
  for (DeviceBuffer* b : {&maps_[0], &maps_[1], &picture_, &means_}) *b = DeviceBuffer();
  host_ = PinnedBuffer();
  features_.resize(windows_.size() * network_.config.features());
  picture_ = DeviceBuffer(sizeof(float) * network_.config.channels() * w.width * w.height * windows_.size());
  if (!convolves()) {
    host_ = PinnedBuffer(picture_.bytes());
    return;
  }
  size_t map = largest_map(network_.encoder.pixel, 6, w.width, w.height);
  if (w.width >= kPatch && w.height >= kPatch)
    map = std::max(map, largest_map(network_.encoder.patch, 4, w.width, w.height));
  for (DeviceBuffer& m : maps_) m = DeviceBuffer(sizeof(float) * map * windows_.size());
  means_ = DeviceBuffer(sizeof(float) * features_.size());
  host_ = PinnedBuffer(means_.bytes());
}

void EncoderRunner::branch(const Conv* convs, const VectorWeights::OfLayer* layers, int count, float* out,
                           cudaStream_t stream) {
  EncoderArgs e;
  e.in = picture_.as<float>();
  e.windows = windows();
  e.out_width = windows_.front().width;
  e.out_height = windows_.front().height;
  e.out_channels = network_.config.channels();
  e.slope = kEncoderSlope;
  for (int i = 0; i < count; ++i) {
    e.width = e.out_width;
    e.height = e.out_height;
    e.channels = e.out_channels;
    e.kernel = convs[i].kernel;
    e.stride = convs[i].stride;
    e.padding = convs[i].padding;
    e.out_width = output_size(convs[i], e.width);
    e.out_height = output_size(convs[i], e.height);
    e.out_channels = convs[i].out;
    e.weights = layers[i].weights;
    e.bias = layers[i].bias;
    e.out = maps_[i % 2].as<float>();
    launch_encoder(e, stream);
    e.in = e.out;
  }
  launch_means(e.in, windows(), e.out_width * e.out_height, e.out_channels, out, stream);
}

std::span<const float> EncoderRunner::run(const Planes& picture, Stream& stream) {
  const EncoderWindow& first = windows_.front();
  WindowArgs w;
  w.in = picture;
  w.count = windows();
  w.width = first.width;
  w.height = first.height;
  for (int i = 0; i < w.count; ++i) {
    w.x[i] = windows_[i].x;
    w.y[i] = windows_[i].y;
  }
  w.out = picture_.as<float>();
  launch_windows(w, stream);
  if (convolves()) convolve(stream);
  const DeviceBuffer& result = convolves() ? means_ : picture_;
  check(cudaMemcpyAsync(host_.as<void>(), result.as<void>(), host_.bytes(), cudaMemcpyDeviceToHost, stream),
        "reading features");
  stream.synchronize("the encoder");
  if (!convolves()) {
    count_statistics();
    return features_;
  }
  const size_t d = network_.config.embedding();
  const auto* from = host_.as<float>();
  for (size_t branch = 0; branch < 2; ++branch)
    for (size_t i = 0; i < windows_.size(); ++i, from += d)
      std::copy_n(from, d, &features_[(2 * i + branch) * d]);
  return features_;
}

void EncoderRunner::count_statistics() {
  const EncoderWindow& w = windows_.front();
  const size_t features = network_.config.features(), pixels = static_cast<size_t>(w.width) * w.height;
  for (size_t i = 0; i < windows_.size(); ++i)
    statistics_.run({host_.as<float>() + i * pixels, w.width, w.width, w.height},
                    std::span(features_).subspan(i * features, features));
}

void EncoderRunner::convolve(cudaStream_t stream) {
  const EncoderWindow& first = windows_.front();
  if (network_.config.lpe_input == LpeInput::Normalized)
    launch_normalize(picture_.as<float>(), windows(), first.width, first.height, network_.config.channels(),
                     stream);
  const size_t d = network_.config.embedding();
  // All pixel-wise means first, then all patch-wise ones.
  branch(network_.encoder.pixel, weights_->pixel, 6, means_.as<float>(), stream);
  float* const patch = means_.as<float>() + d * windows_.size();
  if (first.width < kPatch || first.height < kPatch)
    check(cudaMemsetAsync(patch, 0, sizeof(float) * d * windows_.size(), stream), "clearing features");
  else
    branch(network_.encoder.patch, weights_->patch, 4, patch, stream);
}

}  // namespace cdsr::cuda
