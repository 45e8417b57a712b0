#include "model/cuda/engine.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "model/cuda/encoder.h"
#include "model/cuda/graph.h"
#include "model/cuda/module.h"
#include "model/cuda/plan_key.h"
#include "model/error.h"

namespace cdsr::cuda {
namespace {

/// Bands are halved down to this many own rows before a size is refused.
constexpr int kLeastRows = 16;
/// Bytes that cuDNN's plans may work in, of what the memory limit leaves.
constexpr size_t kMostWorkspace = size_t{256} << 20;
/// Raised when the own convolutions change: measurements against them count no more.
constexpr int kKernels = 3;

Precision resolve(Precision asked, const Context& context) {
  if (asked == Precision::Auto) return Precision::Fp16;
  if (asked == Precision::Int8)
    fail(Errc::Unsupported, "the cuda backend has no precision int8: use auto, fp16, bf16, fp32 or fp8");
  if (asked == Precision::Bf16 && context.capability() < 80)
    fail(Errc::Unsupported, "precision bf16 needs sm_80 (Ampere), {} is sm_{}: use fp16 or fp32",
         context.name(), context.capability());
  if (asked == Precision::Fp8 && context.capability() < kFp8Capability)
    fail(Errc::Unsupported, "precision fp8 needs sm_89 (Ada), {} is sm_{}: use fp16", context.name(),
         context.capability());
  return asked;
}

double mebibytes(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

/// What a plan may take that nobody limits: the rest is for the frames' memory, decoders and encoders. The
/// context must be current.
size_t own_limit() {
  size_t available = 0, all = 0;
  check(cudaMemGetInfo(&available, &all), "the GPU's free memory");
  return std::max<size_t>(available / 4 * 3, 1);
}

/// Of a frame or sink with device(); nullptr without.
FrameStages* stages_of(DeviceStages* device) {
  if (device == nullptr) return nullptr;
  if (auto* const stages = dynamic_cast<FrameStages*>(device)) return stages;
  fail(Errc::InvalidArgument, "a frame in the memory of a device that is not this GPU");
}

/// `count` planes of floats, one behind the other; those that are not there are null.
template <typename T>
void find_planes(T* first, size_t pixels, int count, T* (&planes)[3]) {
  for (int p = 0; p < 3; ++p) planes[p] = p < count ? first + p * pixels : nullptr;
}

/// Planes of floats in a new `buffer`. The context must be current.
Planes make_planes(DeviceBuffer& buffer, int width, int height, int count) {
  const size_t pixels = static_cast<size_t>(width) * height;
  buffer = DeviceBuffer(sizeof(float) * count * pixels);
  Planes picture;
  find_planes<const float>(buffer.as<float>(), pixels, count, picture.plane);
  picture.count = count;
  picture.stride = picture.width = width;
  picture.height = height;
  return picture;
}

}  // namespace

struct CudaEngine::Resources {
  Resources(const std::shared_ptr<Context>& context, const std::shared_ptr<const Network>& network)
      : weights(vector_weights(context, network)), encoder(weights, *network) {}

  Stream stream;  ///< the network
  Stream side;    ///< captures alone
  std::shared_ptr<const VectorWeights> weights;
  std::unique_ptr<Runner> runner, redo;  ///< redo: fp32, for half precision alone
  EncoderRunner encoder;

  DeviceBuffer vectors;       ///< of every DQA: gate, key, value and y; then all filters, then all means
  PinnedBuffer vectors_host;  ///< its first part
  PinnedBuffer means_host;    ///< queries of every DQA
  std::vector<DqaState> states;

  DeviceBuffer picture, values, partials, folded, arena;
  DeviceBuffer planes;  ///< the result, for frames of the processor
  PinnedBuffer picture_host, planes_host;
  DeviceBuffer not_finite;
  PinnedBuffer redone;  ///< an int64, counted by the GPU
  Planes picture_planes;
  /// Of frames of the processor, and of those with stages.
  struct Way {
    bool warm = false;  ///< a frame of this size has been queued
    const FrameStages* stages = nullptr;
    std::unique_ptr<FrameGraph> graph;
  };
  Way way[2];

  RunMemory memory(int width, int height, int values_pitch) const {
    return {width,
            height,
            picture_planes,
            nullptr,
            values.as<float>(),
            values_pitch,
            partials.as<float>(),
            folded.as<float>(),
            not_finite.as<int>(),
            arena.as<void>()};
  }
};

CudaEngine::CudaEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
    : network_(std::move(network)),
      options_(options),
      context_(Context::open(options.device, options.cuda_context)),
      csc_(*network_),
      conditioner_(*network_, /*mixes=*/false) {
  info_.precision = resolve(options.precision, *context_);
  info_.backend = "cuda";
  info_.detail = fmt::format("{}, sm_{}", context_->name(), context_->capability());
  const Context::Scope scope(*context_);
  load_pixel_kernels();
  try {
    r_ = std::make_unique<Resources>(context_, network_);
    r_->runner = make_runner(info_.precision, context_, network_);
    if (half()) r_->redo = make_runner(Precision::Fp32, context_, network_);
    r_->not_finite = DeviceBuffer(sizeof(int));
    r_->redone = PinnedBuffer(sizeof(int64_t));
    *r_->redone.as<int64_t>() = 0;
    make_states();
  } catch (...) {
    r_.reset();  // while the context is current
    throw;
  }
}

CudaEngine::~CudaEngine() {
  try {
    const Context::Scope scope(*context_);
    cudaStreamSynchronize(r_->stream);
    r_.reset();
  } catch (...) {
    // The context is gone and all device memory with it; freeing would make another context.
    static_cast<void>(r_.release());
  }
}

void CudaEngine::make_states() {
  const CdsrConfig& c = network_->config;
  const size_t channels = padded(c.nf), nf = c.nf, count = c.dqas(), stride = channels + 3 * nf;
  if (count == 0) return;
  r_->vectors = DeviceBuffer(sizeof(float) * count * (stride + 9 * channels + nf));
  r_->vectors_host = PinnedBuffer(sizeof(float) * count * stride);
  r_->means_host = PinnedBuffer(sizeof(float) * count * nf);
  check(cudaMemset(r_->vectors.as<void>(), 0, r_->vectors.bytes()), "clearing vectors");
  auto* const filters = r_->vectors.as<float>() + count * stride;
  auto* const means = filters + count * 9 * channels;
  for (size_t i = 0; i < count; ++i) {
    DqaState s;
    s.gate = r_->vectors.as<float>() + i * stride;
    s.key = s.gate + channels;
    s.value = s.key + nf;
    s.y = s.value + nf;
    s.filter = filters + i * 9 * channels;
    s.mean = means + i * nf;
    r_->states.push_back(s);
  }
}

const EngineInfo& CudaEngine::info() const {
  info_.redone = *r_->redone.as<int64_t>();
  return info_;
}

Stream& CudaEngine::stream() const { return r_->stream; }

void CudaEngine::release() {
  for (DeviceBuffer* b : {&r_->picture, &r_->values, &r_->partials, &r_->folded, &r_->arena, &r_->planes})
    *b = DeviceBuffer();
}

bool CudaEngine::allocate(size_t limit) {
  const CdsrConfig& c = network_->config;
  const size_t pixels = static_cast<size_t>(width_) * height_;
  const size_t channels = padded(c.nf), pitch = values_pitch(), planes = c.channels();
  release();
  r_->encoder.plan(width_, height_);
  const int margin = reach(c);
  const auto arena_of = [&](const Runner& runner, const std::vector<Band>& bands) {
    size_t most = 0;
    for (const Band& b : bands) most = std::max(most, runner.arena_bytes(width_, b.bottom - b.top));
    return most;
  };
  const size_t fixed = sizeof(float) * pixels * (planes + pitch) + r_->encoder.bytes();
  for (int rows = height_;; rows = (rows + 1) / 2) {
    bands_ = make_bands(height_, rows, margin);
    size_t arena = arena_of(*r_->runner, bands_);
    if (r_->redo != nullptr) {
      // The redone frame uses the same memory, in bands of its own.
      int redo_rows = height_;
      redo_bands_ = make_bands(height_, redo_rows, margin);
      while (arena_of(*r_->redo, redo_bands_) > arena && redo_rows > kLeastRows)
        redo_bands_ = make_bands(height_, redo_rows = (redo_rows + 1) / 2, margin);
      arena = std::max(arena, arena_of(*r_->redo, redo_bands_));
    }
    const int sums = std::max(partial_rows(width_, bands_), partial_rows(width_, redo_bands_));
    const size_t partials = sizeof(float) * sums * channels;
    const size_t need = fixed + arena + partials;
    if (rows == height_) whole_bytes_ = need;
    if (limit != 0 && need > limit) {
      if (rows <= kLeastRows) {
        info_.planned_bytes = need;
        return false;
      }
      continue;
    }
    r_->picture_planes = make_planes(r_->picture, width_, height_, c.channels());
    r_->values = DeviceBuffer(sizeof(float) * pixels * pitch);
    r_->partials = DeviceBuffer(partials);
    r_->folded = DeviceBuffer(sizeof(float) * kFolds * channels);
    r_->arena = DeviceBuffer(arena);
    info_.planned_bytes = need;
    return true;
  }
}

void CudaEngine::plan(int width, int height) {
  const Context::Scope scope(*context_);
  r_->stream.synchronize("the frames before a new size");
  for (auto& way : r_->way) way = {};
  r_->picture_host = PinnedBuffer();
  r_->planes_host = PinnedBuffer();
  width_ = width;
  height_ = height;
  release();
  limit_ = options_.memory_limit ? *options_.memory_limit : own_limit();
  // What the GPU refuses is asked for again in smaller bands.
  for (size_t limit = limit_;;) {
    std::optional<Error> refused;
    info_.planned_bytes = 0;
    try {
      if (allocate(limit)) break;
      fail(Errc::OutOfMemory, "frames of {}x{} need {:.1f} MiB of the GPU, the limit is {:.1f} MiB", width,
           height, mebibytes(info_.planned_bytes), mebibytes(limit_));
    } catch (const Error& e) {
      if (e.code() != Errc::OutOfMemory || (limit != 0 && info_.planned_bytes > limit)) throw;
      refused = e;
    }
    size_t available = 0, all = 0;
    check(cudaMemGetInfo(&available, &all), "the GPU's free memory");
    const size_t before = limit != 0 ? limit : all;
    limit = before / 2;
    if (limit < (size_t{1} << 20)) throw Error(*refused);
  }
  choose_convolutions();
  tell_bands();
}

void CudaEngine::tell_bands() const {
  if (bands_.size() == 1 || !options_.log) return;
  const bool repeats = means() == Means::Taken && network_->config.dqas() > 0;
  const std::string limit =
      limit_ == 0 || whole_bytes_ <= limit_ ? "no more is free"
      : options_.memory_limit
          ? fmt::format("memory = {} allows no more", limit_ >> 20)
          : fmt::format("three quarters of what is free are {} MiB (memory = 0 takes all)", limit_ >> 20);
  options_.log(fmt::format(
      "frames of {}x{} are upscaled in {} bands of rows{}: whole they take {} MiB of the GPU, {}", width_,
      height_, bands_.size(),
      repeats ? ", each up to every DQA anew, as query = frame asks for, which takes many times as long" : "",
      (whole_bytes_ + (size_t{1} << 20) - 1) >> 20, limit));
}

void CudaEngine::choose_convolutions() {
  if (!half()) return;
  if (network_hash_ == 0) network_hash_ = network_hash(*network_);
  int cuda_version = 0;
  check(cudaDriverGetVersion(&cuda_version), "the driver's version");
  std::ifstream proc("/proc/driver/nvidia/version");
  const std::string driver((std::istreambuf_iterator<char>(proc)), {});
  TuneSettings settings{
      {context_->name(), context_->capability(), context_->multiprocessors(),
       driver_text(cuda_version, driver), cudnn_version(), fmt::format("{}, {}", kBuild, kKernels),
       network_hash_, to_string(info_.precision), width_, height_},
      PlanCache(plan_folder(std::getenv), options_.log),
      kMostWorkspace,
      options_.log};
  if (limit_ != 0)
    settings.most_workspace =
        std::min(settings.most_workspace, limit_ - std::min(limit_, info_.planned_bytes));
  r_->runner->tune(r_->memory(width_, height_, values_pitch()), r_->states, bands_, means(), settings,
                   r_->stream);
  r_->stream.synchronize("choosing convolutions");
  info_.planned_bytes += r_->runner->workspace();
}

int CudaEngine::values_pitch() const {
  const CdsrConfig& c = network_->config;
  return padded(c.channels() * c.scale * c.scale);
}

TailArgs CudaEngine::tail_args() const {
  const CdsrConfig& c = network_->config;
  TailArgs t;
  t.values = r_->values.as<float>();
  t.pitch = values_pitch();
  t.scale = c.scale;
  t.skip = c.skip == Skip::Bicubic;
  t.picture = r_->picture_planes;
  t.taps = bicubic_taps(c.scale);
  return t;
}

void CudaEngine::load(const RowSource& frame) {
  if (FrameStages* const stages = stages_of(frame.device())) {
    stages->begin(r_->stream);
    stages->input(r_->picture_planes, r_->stream);
    stages->end(r_->stream);
    return;
  }
  if (r_->picture_host.bytes() == 0) r_->picture_host = PinnedBuffer(r_->picture.bytes());
  const size_t pixels = static_cast<size_t>(width_) * height_;
  r_->stream.synchronize("the frame before");  // it may still read the buffer
  auto* const first = r_->picture_host.as<float>();
  float* planes[3] = {};
  find_planes(first, pixels, r_->picture_planes.count, planes);
  frame.read(0, height_, planes, width_);
  check(
      cudaMemcpyAsync(r_->picture.as<void>(), first, r_->picture.bytes(), cudaMemcpyHostToDevice, r_->stream),
      "copying a frame to the GPU");
}

void CudaEngine::queue_network(const FrameStages* stages, cudaStream_t stream) {
  check(cudaMemsetAsync(r_->not_finite.as<void>(), 0, sizeof(int), stream), "clearing a flag");
  RunMemory memory = r_->memory(width_, height_, values_pitch());
  // Bands go over the first layer several times: they begin with planes.
  if (bands_.size() == 1)
    memory.frame = stages;
  else if (stages != nullptr)
    stages->input(r_->picture_planes, stream);
  r_->runner->run(memory, r_->states, bands_, means(), stream);
}

void CudaEngine::queue_redo(cudaStream_t stream) {
  RunMemory memory = r_->memory(width_, height_, values_pitch());
  memory.measured = r_->runner->fp8();
  r_->redo->run(memory, r_->states, redo_bands_, means(), stream);
  if (memory.measured != nullptr) memory.measured->take_scales(stream);
  launch_count(r_->redone.as<int64_t>(), stream);
}

void CudaEngine::queue_output(const FrameStages* stages, cudaStream_t stream) {
  if (stages != nullptr) return stages->output(tail_args(), stream);
  const int scale = network_->config.scale;
  const size_t pixels = static_cast<size_t>(width_) * height_ * scale * scale;
  float* planes[3] = {};
  find_planes(r_->planes.as<float>(), pixels, r_->picture_planes.count, planes);
  launch_planes(tail_args(), planes, static_cast<ptrdiff_t>(width_) * scale, stream);
}

void CudaEngine::run_directly(const FrameStages* stages) {
  queue_network(stages, r_->stream);
  if (r_->redo != nullptr) {
    int bad = 0;
    check(cudaMemcpyAsync(&bad, r_->not_finite.as<void>(), sizeof bad, cudaMemcpyDeviceToHost, r_->stream),
          "reading a flag");
    r_->stream.synchronize("the first frame of a size");
    if (bad != 0) queue_redo(r_->stream);
  }
  queue_output(stages, r_->stream);
}

void CudaEngine::embed(const RowSource& frame, std::span<float> embedding) {
  const Context::Scope scope(*context_);
  load(frame);
  csc_.run(r_->encoder.run(r_->picture_planes, r_->stream), embedding);
}

void CudaEngine::condition(std::span<const float> embedding) {
  const Context::Scope scope(*context_);
  r_->stream.synchronize("the frames before a new shot");  // they read what changes now
  conditioner_.condition(embedding, sharpness_);
  for (const Runner* runner : {r_->runner.get(), r_->redo.get()})
    if (runner != nullptr) runner->mix(conditioner_.shares(), r_->stream);
  const CdsrConfig& c = network_->config;
  if (c.dqas() == 0) return;
  auto* to = r_->vectors_host.as<float>();
  for (const DqaCondition& dqa : conditioner_.dqas()) {
    std::copy(dqa.gate.begin(), dqa.gate.end(), to);
    to = std::fill_n(to + c.nf, padded(c.nf) - c.nf, 0.0F);
    for (const auto* vector : {&dqa.key, &dqa.value, &dqa.y})
      to = std::copy(vector->begin(), vector->end(), to);
  }
  check(cudaMemcpyAsync(r_->vectors.as<void>(), r_->vectors_host.as<void>(), r_->vectors_host.bytes(),
                        cudaMemcpyHostToDevice, r_->stream),
        "copying a shot's vectors");
}

void CudaEngine::measure_queries(const RowSource& frame, std::span<float> queries) {
  if (queries.empty()) return;
  const Context::Scope scope(*context_);
  load(frame);
  // In fp32 where a second runner is there: once a shot, and the means then cannot overflow.
  const Runner& runner = r_->redo != nullptr ? *r_->redo : *r_->runner;
  runner.run(r_->memory(width_, height_, values_pitch()), r_->states,
             r_->redo != nullptr ? redo_bands_ : bands_, Means::Measured, r_->stream);
  check(cudaMemcpyAsync(r_->means_host.as<void>(), r_->states.front().mean, r_->means_host.bytes(),
                        cudaMemcpyDeviceToHost, r_->stream),
        "reading queries");
  r_->stream.synchronize("the shot's first frame");
  std::copy_n(r_->means_host.as<float>(), queries.size(), queries.begin());
}

void CudaEngine::set_queries(std::span<const float> queries) {
  if (queries.empty()) return;
  const Context::Scope scope(*context_);
  r_->stream.synchronize("the frames before new queries");
  std::copy(queries.begin(), queries.end(), r_->means_host.as<float>());
  check(cudaMemcpyAsync(r_->states.front().mean, r_->means_host.as<void>(), r_->means_host.bytes(),
                        cudaMemcpyHostToDevice, r_->stream),
        "copying queries");
  for (size_t i = 0; i < r_->states.size(); ++i)
    r_->runner->make_filter(static_cast<int>(i), r_->states[i], r_->stream);
}

void CudaEngine::upscale(const RowSource& frame, RowSink& out) {
  const Context::Scope scope(*context_);
  FrameStages* const stages = stages_of(frame.device());
  if (stages != nullptr) {
    stages->begin(r_->stream);
  } else {
    load(frame);
    const int scale = network_->config.scale;
    if (r_->planes.bytes() == 0) r_->planes = DeviceBuffer(r_->picture.bytes() * scale * scale);
  }
  auto& way = r_->way[stages != nullptr];
  if (way.stages != stages) way = {};  // what was captured belongs to others
  if (!way.warm) {
    run_directly(stages);  // loads the kernels, which a capture could not
    way.warm = true;
    way.stages = stages;
  } else {
    if (way.graph == nullptr)
      way.graph = std::make_unique<FrameGraph>(
          r_->stream, r_->side, r_->not_finite.as<int>(),
          [&](cudaStream_t stream) { queue_network(stages, stream); },
          r_->redo != nullptr ? FrameGraph::Queue([&](cudaStream_t stream) { queue_redo(stream); })
                              : FrameGraph::Queue(),
          [&](cudaStream_t stream) { queue_output(stages, stream); });
    way.graph->launch(r_->stream);
  }
  if (stages != nullptr)
    stages->end(r_->stream);
  else
    deliver(out);
}

void CudaEngine::deliver(RowSink& out) {
  const int width = width_ * network_->config.scale, height = height_ * network_->config.scale;
  if (r_->planes_host.bytes() == 0) r_->planes_host = PinnedBuffer(r_->planes.bytes());
  check(cudaMemcpyAsync(r_->planes_host.as<void>(), r_->planes.as<void>(), r_->planes.bytes(),
                        cudaMemcpyDeviceToHost, r_->stream),
        "copying a frame from the GPU");
  r_->stream.synchronize("a frame");
  const size_t pixels = static_cast<size_t>(width) * height;
  const auto* const first = r_->planes_host.as<float>();
  const float* planes[3] = {};
  find_planes(first, pixels, r_->picture_planes.count, planes);
  out.write(0, height, planes, width);
}

}  // namespace cdsr::cuda
