#include "model/cpu/encoder.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "model/normalize_window.h"
#include "model/vectors.h"

namespace cdsr::cpu {

struct EncoderRunner::Layer {
  int kernel = 0;
  const void* weights = nullptr;
  const float* bias = nullptr;
  int width = 0, height = 0, channels = 0;  ///< of its output
};

struct EncoderRunner::Thread {
  Buffer rows;     ///< the planes of one row of the frame
  Buffer window;   ///< nhwc
  Buffer patches;  ///< one vector of patch x patch x channels for each patch
  Buffer maps[2];
  WindowStatistics statistics;
  std::optional<ConvCaller> convs;
};

EncoderRunner::EncoderRunner(ThreadPool& pool, const PackedNetwork& network)
    : pool_(pool), network_(network) {}
EncoderRunner::~EncoderRunner() = default;

std::vector<EncoderRunner::Layer> EncoderRunner::plan_branch(const std::unique_ptr<PackedConv>* convs,
                                                             int count, int width, int height) {
  std::vector<Layer> layers;
  for (int i = 0; i < count; ++i) {
    ConvShape shape;
    shape.in = convs[i]->in();
    shape.out = convs[i]->out();
    shape.kernel = convs[i]->kernel();
    shape.stride = convs == network_.pixel && i == 2 ? network_.network->encoder.pixel[2].stride : 1;
    shape.pad_rows = true;
    shape.post = Post::Activate;
    shape.slope = kEncoderSlope;
    Layer layer;
    layer.kernel = convs_->add(shape, width, height);
    layer.weights = convs[i]->weights((*convs_)[layer.kernel].desc().weights_desc());
    layer.bias = convs[i]->bias();
    layer.channels = shape.out;
    layer.height = height = shape.out_side(height);
    layer.width = width = shape.out_side(width);
    layers.push_back(layer);
  }
  return layers;
}

void EncoderRunner::plan(int width, int height) {
  width_ = width;
  height_ = height;
  windows_ = encoder_windows(network_.network->config, width, height);
  const CdsrConfig& config = network_.network->config;
  const int w = windows_.front().width, h = windows_.front().height, side = kPatch;
  threads_.clear();
  convs_ = std::make_unique<ConvSet>();
  const bool convolves = config.lpe_input != LpeInput::Statistics;
  if (convolves)
    pool_.run_one([&] {
      pixel_ = plan_branch(network_.pixel, 6, w, h);
      patch_ =
          w < side || h < side ? std::vector<Layer>{} : plan_branch(network_.patch, 4, w / side, h / side);
    });
  size_t map = 0;
  for (const auto* layers : {&pixel_, &patch_})
    for (const Layer& l : *layers)
      map = std::max(map, sizeof(float) * l.width * l.height * static_cast<size_t>(l.channels));
  const size_t picture = sizeof(float) * config.channels() * w * static_cast<size_t>(h);
  features_.assign(windows_.size() * config.features(), 0.0F);
  const int threads = std::min<int>(pool_.size(), static_cast<int>(windows_.size()));
  bytes_ = features_.size() * sizeof(float);
  for (int i = 0; i < threads; ++i) {
    auto thread = std::make_unique<Thread>();
    thread->rows = Buffer(sizeof(float) * config.channels() * width);
    thread->window = Buffer(picture);
    thread->patches = Buffer(picture);
    for (Buffer& m : thread->maps) m = Buffer(map);
    thread->convs.emplace(*convs_);
    bytes_ +=
        thread->rows.size() + 2 * thread->window.size() + 2 * thread->maps[0].size() + convs_->scratch();
    threads_.push_back(std::move(thread));
  }
}

void EncoderRunner::read_window(Thread& thread, const RowSource& frame, const EncoderWindow& window) const {
  const CdsrConfig& config = network_.network->config;
  const int channels = config.channels(), side = kPatch;
  float* planes[3] = {};
  for (int c = 0; c < channels; ++c) planes[c] = thread.rows.as<float>() + static_cast<ptrdiff_t>(c) * width_;
  float* pixel = thread.window.as<float>();
  for (int y = 0; y < window.height; ++y) {
    frame.read(window.y + y, 1, planes, 0);
    for (int x = 0; x < window.width; ++x)
      for (int c = 0; c < channels; ++c) *pixel++ = planes[c][window.x + x];
  }
  const ptrdiff_t row = static_cast<ptrdiff_t>(channels) * window.width;
  if (config.lpe_input == LpeInput::Statistics) return;
  if (config.lpe_input == LpeInput::Normalized)
    normalize_window({thread.window.as<float>(), 1, row, channels, window.width, window.height, channels});
  float* out = thread.patches.as<float>();
  for (int j = 0; j < window.height / side; ++j)
    for (int i = 0; i < window.width / side; ++i)
      for (int y = 0; y < side; ++y)
        out = std::copy_n(
            thread.window.as<float>() + (ptrdiff_t{j} * side + y) * row + ptrdiff_t{i} * side * channels,
            side * channels, out);
}

void EncoderRunner::run_branch(Thread& thread, const std::vector<Layer>& layers,
                               std::span<float> mean) const {
  const float* in = &layers == &pixel_ ? thread.window.as<float>() : thread.patches.as<float>();
  for (size_t i = 0; i < layers.size(); ++i) {
    float* const out = thread.maps[i % 2].as<float>();
    thread.convs->run(layers[i].kernel, in, layers[i].weights, layers[i].bias, out);
    in = out;
  }
  const Layer& last = layers.back();
  const int pixels = last.width * last.height;
  for (size_t c = 0; c < mean.size(); ++c) {
    double sum = 0;
    for (int i = 0; i < pixels; ++i) sum += in[static_cast<ptrdiff_t>(i) * last.channels + c];
    mean[c] = static_cast<float>(sum / pixels);
  }
}

std::span<const float> EncoderRunner::run(const RowSource& frame) {
  const CdsrConfig& config = network_.network->config;
  const size_t d = config.embedding(), stride = config.features();
  std::atomic<size_t> next{0};
  pool_.run([&](int index) {
    if (index >= static_cast<int>(threads_.size())) return;
    Thread& thread = *threads_[index];
    for (size_t i = next++; i < windows_.size(); i = next++) {
      read_window(thread, frame, windows_[i]);
      const std::span<float> features(&features_[i * stride], stride);
      if (config.lpe_input == LpeInput::Statistics) {
        thread.statistics.run(
            {thread.window.as<float>(), windows_[i].width, windows_[i].width, windows_[i].height}, features);
        continue;
      }
      run_branch(thread, pixel_, features.first(d));
      if (!patch_.empty()) run_branch(thread, patch_, features.subspan(d, d));
    }
  });
  return features_;
}

}  // namespace cdsr::cpu
