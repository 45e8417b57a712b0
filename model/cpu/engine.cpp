#include "model/cpu/engine.h"

#include <algorithm>

#include "model/cpu/isa.h"
#include "model/cpu/runner_detail.h"

namespace cdsr::cpu {
namespace {

int thread_count(int asked) {
  if (asked < 0 || asked > 256) fail(Errc::InvalidArgument, "threads is {}, must be 0 to 256", asked);
  return asked > 0 ? asked : std::min(available_processors(), 256);
}

RunnerOptions runner_options(const PackedNetwork& packed, Precision precision) {
  const CdsrConfig& c = packed.network->config;
  RunnerOptions options;
  options.type = precision == Precision::Bf16 ? Type::Bf16 : Type::F32;
  options.channels = padded_channels(c.nf);
  options.growth = c.body == Body::Rrdb ? padded_channels(c.gc) : 0;
  options.scale = c.scale;
  options.tail_channels = packed.tail->out();
  options.skip = c.skip == Skip::Bicubic;
  return options;
}

void expect(const char* what, size_t got, size_t want) {
  if (got != want) fail(Errc::InvalidArgument, "{} has {} values, must have {}", what, got, want);
}

}  // namespace

CpuEngine::CpuEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
    : network_(std::move(network)),
      packed_(packed(network_)),
      options_(options),
      pool_(thread_count(options.threads)),
      runner_(pool_, runner_options(*packed_, resolve_precision(options.precision))),
      encoder_(pool_, *packed_),
      csc_(network_->encoder),
      conditioner_(*network_),
      pooled_(size_t{2} * network_->config.embedding()) {
  if (options.query == Query::Shot) programs_.push_back(build_program(*packed_, false));
  programs_.push_back(build_program(*packed_, true));
  info_.backend = "cpu";
  info_.detail = describe_isa();
  info_.precision = resolve_precision(options.precision);
  info_.threads = pool_.size();
}

void CpuEngine::plan(int width, int height) {
  if (width < 1 || width > 65536 || height < 1 || height > 65536)
    fail(Errc::InvalidArgument, "frame size is {}x{}, sides must be 1 to 65536", width, height);
  planned_ = false;
  encoder_.plan(width, height);
  std::vector<const Program*> programs;
  for (const Program& p : programs_) programs.push_back(&p);
  runner_.plan(programs, width, height, options_.memory_limit, encoder_.bytes());
  info_.planned_bytes = encoder_.bytes() + runner_.bytes();
  planned_ = true;
}

void CpuEngine::need_plan() const {
  if (!planned_) fail(Errc::InvalidArgument, "a frame before plan()");
}

void CpuEngine::embed(const RowSource& frame, std::span<float> embedding) {
  need_plan();
  expect("embedding", embedding.size(), network_->config.embedding());
  const StageTimer timer(embed_seconds_);
  encoder_.run(frame, pooled_);
  csc_.run(pooled_, embedding);
}

void CpuEngine::condition(std::span<const float> embedding) {
  expect("embedding", embedding.size(), network_->config.embedding());
  conditioner_.condition(embedding);
  conditioned_ = true;
  queried_ = false;
}

void CpuEngine::measure_queries(const RowSource& frame, std::span<float> queries) {
  need_plan();
  expect("queries", queries.size(), static_cast<size_t>(network_->config.dqas()) * network_->config.nf);
  run(measuring(), programs_[measuring()].measuring, frame, nullptr, queries);
  queried_ = false;  // the filters now are this frame's; set_queries() says whether they are the shot's
}

void CpuEngine::set_queries(std::span<const float> queries) {
  const int nf = network_->config.nf;
  expect("queries", queries.size(), static_cast<size_t>(network_->config.dqas()) * nf);
  if (!conditioned_) fail(Errc::InvalidArgument, "set_queries() before condition()");
  for (int i = 0; i < network_->config.dqas(); ++i)
    conditioner_.set_query(i, queries.subspan(static_cast<size_t>(i) * nf, nf));
  queried_ = true;
}

void CpuEngine::upscale(const RowSource& frame, RowSink& out) {
  need_plan();
  if (options_.query == Query::Shot && !queried_)
    fail(Errc::InvalidArgument, "upscale() before set_queries(): query is 'shot'");
  run(kUpscale, static_cast<int>(programs_[kUpscale].segments.size()), frame, &out, {});
}

void CpuEngine::run(int program, int count, const RowSource& frame, RowSink* out, std::span<float> queries) {
  if (!conditioned_) fail(Errc::InvalidArgument, "a frame before condition()");
  const int nf = network_->config.nf;
  for (int s = 0; s < count; ++s) {
    runner_.run(program, s, conditioner_.vectors(), &frame, out);
    const int dqa = programs_[program].segments[s].mean;
    if (dqa < 0) continue;
    conditioner_.set_query(dqa, runner_.mean());
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
  need_plan();
  std::vector<Implementation> all;
  encoder_.convolutions().list(all);
  runner_.list(all);
  return all;
}

}  // namespace cdsr::cpu
