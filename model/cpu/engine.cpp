#include "model/cpu/engine.h"

#include <algorithm>

#include "model/cpu/isa.h"
#include "model/cpu/runner_detail.h"

namespace cdsr::cpu {
namespace {

int thread_count(int asked) { return asked > 0 ? asked : std::min(available_processors(), kMostThreads); }

RunnerOptions runner_options(const PackedNetwork& packed, Precision precision) {
  const CdsrConfig& c = packed.network->config;
  RunnerOptions options;
  options.type = precision == Precision::Int8   ? Type::U8
                 : precision == Precision::Bf16 ? Type::Bf16
                                                : Type::F32;
  options.channels = padded_channels(c.nf);
  options.growth = c.body == Body::Rrdb ? padded_channels(c.gc) : 0;
  options.scale = c.scale;
  options.tail_channels = packed.tail->out();
  options.skip = c.skip == Skip::Bicubic;
  options.planes = c.channels();
  return options;
}

}  // namespace

CpuEngine::CpuEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
    : network_(std::move(network)),
      packed_(packed(network_)),
      options_(options),
      pool_(thread_count(options.threads)),
      runner_(pool_, runner_options(*packed_, resolve_precision(options.precision, network_.get()))),
      encoder_(pool_, *packed_),
      csc_(*network_),
      conditioner_(*network_),
      filter_(size_t{9} * network_->config.nf) {
  for (int i = 0; i < network_->config.dqas(); ++i) dqas_.push_back(make_dqa_vectors(network_->config.nf));
  info_.precision = resolve_precision(options.precision, network_.get());
  if (info_.precision == Precision::Int8) packed_->quantize();
  const bool dqas = network_->config.dqas() > 0;
  if (options.query == Query::Shot || !dqas) programs_.push_back(build_program(*packed_, Purpose::Upscale));
  if (dqas)
    programs_.push_back(build_program(*packed_, programs_.empty() ? Purpose::Frame : Purpose::Measure));
  info_.backend = "cpu";
  info_.detail = describe_isa();
  info_.threads = pool_.size();
}

void CpuEngine::plan(int width, int height) {
  ++state_;
  encoder_.plan(width, height);
  std::vector<const Program*> programs;
  for (const Program& p : programs_) programs.push_back(&p);
  runner_.plan(programs, width, height, options_.memory_limit.value_or(kProcessorMemory), encoder_.bytes());
  info_.planned_bytes = encoder_.bytes() + runner_.bytes();
}

void CpuEngine::embed(const RowSource& frame, std::span<float> embedding) {
  const StageTimer timer(embed_seconds_);
  csc_.run(encoder_.run(frame), embedding);
}

void CpuEngine::condition(std::span<const float> embedding) {
  ++state_;
  conditioner_.condition(embedding, sharpness_);
  for (size_t i = 0; i < conditioner_.convs().size(); ++i)
    packed_->replace(static_cast<int>(i), conditioner_.convs()[i]);
  for (size_t i = 0; i < dqas_.size(); ++i) store_gate(conditioner_.dqas()[i].gate, dqas_[i]);
}

void CpuEngine::measure_queries(const RowSource& frame, std::span<float> queries) {
  run(measuring(), frame, nullptr, queries);
}

void CpuEngine::set_queries(std::span<const float> queries) {
  const int nf = network_->config.nf;
  for (int i = 0; i < network_->config.dqas(); ++i)
    set_query(i, queries.subspan(static_cast<size_t>(i) * nf, nf));
}

void CpuEngine::set_query(int index, std::span<const float> query) {
  ++state_;
  conditioner_.filter(index, query, filter_);
  store_filter(filter_, dqas_[index]);
}

void CpuEngine::upscale(const RowSource& frame, RowSink& out) { run(kUpscale, frame, &out, {}); }

bool CpuEngine::has_windows() const { return programs_[kUpscale].segments.size() == 1; }

void CpuEngine::upscale_windows(const WindowSource& frame, WindowSink& out, std::span<const Window> windows) {
  runner_.run_windows(kUpscale, dqas_, frame, out, windows);
}

void CpuEngine::run(int program, const RowSource& frame, RowSink* out, std::span<float> queries) {
  const int nf = network_->config.nf;
  const Bands& bands = runner_.bands(program);
  for (int pass = 0; pass < bands.passes(); ++pass) {
    const int dqa = programs_[program].segments[bands.last_segment(pass)].mean;
    if (dqa < 0 && out == nullptr) continue;  // all is measured
    runner_.run(program, pass, dqas_, &frame, out);
    if (dqa < 0) continue;
    set_query(dqa, runner_.mean());
    if (!queries.empty())
      std::copy_n(runner_.mean().begin(), nf, queries.begin() + static_cast<ptrdiff_t>(dqa) * nf);
  }
}

std::vector<StageTime> CpuEngine::take_times() {
  std::vector<StageTime> times;
  const double embed = std::exchange(embed_seconds_, 0.0);
  if (embed > 0) times.push_back({"embed", embed, 0});
  runner_.take_times(times);
  return times;
}

std::vector<Implementation> CpuEngine::implementations() const {
  std::vector<Implementation> all;
  encoder_.convolutions().list(all);
  runner_.list(all);
  return all;
}

}  // namespace cdsr::cpu
