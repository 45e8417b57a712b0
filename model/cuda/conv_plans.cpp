#include "model/cuda/conv_plans.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>

#include "model/cuda/conv_choice.h"
#include "model/cuda/conv_graph.h"
#include "model/cuda/cudnn.h"
#include "model/cuda/fp8.h"
#include "model/cuda/graph.h"
#include "model/error.h"
#include "model/half.h"

namespace cdsr::cuda {
namespace {

/// A number from the environment, at least 0.
double setting(const char* name, double otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::max(0.0, std::atof(text)) : otherwise;
}

// Heuristics put good ones first; each costs about half a second of compilation.
size_t most_candidates() { return static_cast<size_t>(setting("CDSR_CUDNN_CANDIDATES", 8)); }
// Then what is left keeps the own kernel, and is measured at the next start.
double most_seconds() { return setting("CDSR_CUDNN_SECONDS", 60); }
// A measurement: graphs of kLaunches launches, so that launching does not count, and the median of kRepeats.
constexpr int kLaunches = 10, kRepeats = 9;
constexpr int kComparedRows = 8;  // at the top, in the middle and at the bottom

/// What this process has decided, for engines that come later.
struct Known {
  std::mutex mutex;  ///< held while measuring: who asks for the same waits for it
  std::map<std::string, std::vector<PlanChoice>> choices;  ///< by the key's file name
};
Known& known() {
  static Known all;
  return all;
}

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return event_; }  // NOLINT(google-explicit-constructor): it is one

 private:
  cudaEvent_t event_ = nullptr;
};

/// Microseconds of what `queue` queues, replayed from a graph as a frame is.
double microseconds(cudaStream_t stream, const FrameGraph::Queue& queue) {
  queue(stream);  // loads what a capture could not
  check(cudaStreamSynchronize(stream), "a convolution");
  const FrameGraph graph(stream, [&](cudaStream_t captured) {
    for (int i = 0; i < kLaunches; ++i) queue(captured);
  });
  const Event start, stop;
  std::vector<double> times;
  for (int i = -1; i < kRepeats; ++i) {  // the first is warm-up
    check(cudaEventRecord(start, stream), "an event");
    graph.launch(stream);
    check(cudaEventRecord(stop, stream), "an event");
    check(cudaEventSynchronize(stop), "a convolution");
    float ms = 0;
    check(cudaEventElapsedTime(&ms, start, stop), "the time of a convolution");
    if (i >= 0) times.push_back(1e3 * ms / kLaunches);
  }
  return median(times);
}

size_t bytes_of(const ConvGraphShape& s) { return s.fp8_out ? 1 : 2; }

float value_at(const unsigned char* at, const ConvGraphShape& s) {
  if (s.fp8_out) {
    Fp8 v;
    v.__x = *at;
    return static_cast<float>(v);
  }
  uint16_t half = 0;
  std::memcpy(&half, at, sizeof half);
  return s.bf16 ? bf16_to_f32(half) : f16_to_f32(half);
}

/// Some rows of a call's output slice as floats.
std::vector<float> output_rows(const ConvCall& call, cudaStream_t stream) {
  const ConvGraphShape& s = call.shape;
  const int rows = std::min(s.height, kComparedRows);
  const size_t row = static_cast<size_t>(s.width) * s.out;
  const size_t size = bytes_of(s);
  std::vector<unsigned char> stored(row * rows * size);
  std::vector<float> values;
  for (const int y : {0, (s.height - rows) / 2, s.height - rows}) {
    const auto* const from = static_cast<const unsigned char*>(call.out) +
                             static_cast<ptrdiff_t>(y) * s.width * s.out_pitch * size;
    check(cudaMemcpy2DAsync(stored.data(), size * s.out, from, size * s.out_pitch, size * s.out,
                            static_cast<size_t>(s.width) * rows, cudaMemcpyDeviceToHost, stream),
          "reading a convolution's result");
    check(cudaStreamSynchronize(stream), "a convolution");
    for (size_t i = 0; i < stored.size(); i += size) values.push_back(value_at(&stored[i], s));
  }
  return values;
}

/// NaN into a call's output slice, and nowhere else: the input may lie beside it.
void poison(const ConvCall& call, cudaStream_t stream) {
  const ConvGraphShape& s = call.shape;
  check(cudaMemset2DAsync(call.out, bytes_of(s) * s.out_pitch, 0xFF, bytes_of(s) * s.out,
                          static_cast<size_t>(s.width) * s.height, stream),
        "poisoning a result");
}

/// A plan, and what it is run with.
struct Plan {
  ConvGraphShape shape;
  std::optional<Descriptor> config;  ///< what the plan was made of, which must outlive it
  Descriptor plan;
  size_t workspace = 0;
};

class ConvPlansOfEngine final : public ConvPlans {
 public:
  ConvPlansOfEngine(const Cudnn& cudnn, LogLine log) : cudnn_(cudnn), log_(std::move(log)) {
    cudnn.check(cudnn.create(&handle_), "starting");
  }
  ~ConvPlansOfEngine() override {
    plans_.clear();
    cudnn_.destroy(handle_);
  }
  ConvPlansOfEngine(const ConvPlansOfEngine&) = delete;
  ConvPlansOfEngine& operator=(const ConvPlansOfEngine&) = delete;

  void tune(std::span<const TunableCall> calls, const PlanKey& key, const PlanCache& cache,
            size_t most_workspace, cudaStream_t stream) override {
    plans_.clear();
    most_workspace_ = most_workspace;
    const std::lock_guard lock(known().mutex);
    std::vector<PlanChoice>& choices = known().choices[key.file_name()];
    if (choices.empty()) choices = cache.load(key);
    const auto started = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    };
    size_t shapes = 0, measured = 0;
    std::vector<ConvGraphShape> seen;
    for (const TunableCall& c : calls) {
      const ConvGraphShape& shape = c.call.shape;
      if (std::find(seen.begin(), seen.end(), shape) != seen.end()) continue;
      seen.push_back(shape);
      ++shapes;
      const std::string text = shape.text();
      const auto kept = std::find_if(choices.begin(), choices.end(),
                                     [&](const PlanChoice& choice) { return choice.shape == text; });
      if (kept != choices.end() && install(*kept, c, stream)) continue;
      if (seconds() > most_seconds()) continue;
      const PlanChoice choice = measure(c, stream);
      ++measured;
      if (kept != choices.end())
        *kept = choice;
      else
        choices.push_back(choice);
    }
    if (measured > 0) cache.store(key, choices);
    workspace_ = DeviceBuffer();
    if (!enlarge(workspace_, largest_workspace())) plans_.clear();
    if (log_)
      log_(fmt::format("cuDNN {} runs {} of {} shapes of convolution, {} measured now in {:.1f} s",
                       version_text(), plans_.size(), shapes, measured, seconds()));
  }

  bool run(const ConvCall& call, cudaStream_t stream) const override {
    for (const Plan& p : plans_)
      if (p.shape == call.shape) {
        execute(p, call, workspace_, stream);
        return true;
      }
    return false;
  }

  size_t workspace() const override { return workspace_.bytes(); }

 private:
  std::string version_text() const {
    const size_t v = cudnn_.version();
    return fmt::format("{}.{}.{}", v / 10000, v / 100 % 100, v % 100);
  }

  size_t largest_workspace() const {
    size_t most = 0;
    for (const Plan& p : plans_) most = std::max(most, p.workspace);
    return most;
  }

  void execute(const Plan& p, const ConvCall& call, const DeviceBuffer& workspace,
               cudaStream_t stream) const {
    const Descriptor pack = variant_pack(cudnn_, call, workspace.as<void>());
    cudnn_.check(cudnn_.set_stream(handle_, stream), "changing the stream");
    cudnn_.check(cudnn_.execute(handle_, p.plan.get(), pack.get()), "a convolution");
  }

  std::optional<Plan> usable(const ConvGraphShape& shape, std::optional<Descriptor> plan) const {
    if (!plan) return std::nullopt;
    const int64_t workspace = plan->get_int(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
    if (workspace < 0 || static_cast<size_t>(workspace) > most_workspace_) return std::nullopt;
    return Plan{shape, std::nullopt, std::move(*plan), static_cast<size_t>(workspace)};
  }

  /// Whether the plan gives what the own kernel gives, on what the call's memory holds.
  bool agrees(const Plan& plan, const TunableCall& c, const DeviceBuffer& workspace,
              cudaStream_t stream) const {
    poison(c.call, stream);
    c.own(stream);
    const std::vector<float> want = output_rows(c.call, stream);
    poison(c.call, stream);
    execute(plan, c.call, workspace, stream);
    const std::vector<float> got = output_rows(c.call, stream);
    c.own(stream);  // other shapes read what this one writes: nothing that is not finite stays
    const ConvGraphShape& s = c.call.shape;
    return equal_but_for_rounding(got, want,
                                  s.fp8_out ? Rounding::Fp8
                                  : s.bf16  ? Rounding::Bf16
                                            : Rounding::Fp16);
  }

  /// A kept choice; false when it does not work here any more.
  bool install(const PlanChoice& choice, const TunableCall& c, cudaStream_t stream) {
    if (choice.candidate < 0) return true;
    try {
      const ConvGraph graph(cudnn_, c.call.shape, handle_, nullptr);
      std::optional<Plan> plan;
      if (!choice.plan.empty()) plan = usable(c.call.shape, graph.restore(choice.plan));
      if (!plan) {
        auto all = candidates(graph);
        const auto at = static_cast<size_t>(choice.candidate);
        if (at >= all.size() || all[at].engine != choice.engine) return false;
        plan = usable(c.call.shape, graph.plan(all[at]));
        if (plan) plan->config = std::move(all[at].config);
      }
      if (!plan) return false;
      const DeviceBuffer workspace(plan->workspace);
      if (!agrees(*plan, c, workspace, stream)) return false;
      plans_.push_back(std::move(*plan));
      return true;
    } catch (const Error& e) {
      refused(c, e);
      return false;
    }
  }

  /// What may be chosen: results that depend on the input alone, in a graph's capture too.
  static std::vector<ConvGraph::Candidate> candidates(const ConvGraph& graph) {
    const size_t most = most_candidates();
    std::vector<ConvGraph::Candidate> all;
    for (ConvGraph::Candidate& c : graph.candidates())
      if (c.exact && c.native_graph && all.size() < most) all.push_back(std::move(c));
    return all;
  }

  PlanChoice measure(const TunableCall& c, cudaStream_t stream) {
    PlanChoice choice;
    choice.shape = c.call.shape.text();
    std::vector<ConvGraph::Candidate> offered;
    std::vector<std::optional<Plan>> plans;
    std::optional<ConvGraph> graph;
    try {
      graph.emplace(cudnn_, c.call.shape, handle_, nullptr);
      offered = candidates(*graph);
    } catch (const Error& e) {
      refused(c, e);
    }
    const auto attempt = [&](auto&& call) -> decltype(call()) {
      try {
        return call();
      } catch (const Error& e) {
        refused(c, e);
        return {};
      }
    };
    DeviceBuffer workspace;
    for (const ConvGraph::Candidate& candidate : offered) {
      plans.push_back(attempt([&] { return usable(c.call.shape, graph->plan(candidate)); }));
      if (plans.back() && !enlarge(workspace, plans.back()->workspace)) plans.back().reset();
    }
    const Contest contest{
        [&] { return microseconds(stream, c.own); },
        [&](int i) {
          return attempt([&]() -> std::optional<double> {
            if (!plans[i]) return std::nullopt;
            return microseconds(stream, [&](cudaStream_t to) { execute(*plans[i], c.call, workspace, to); });
          });
        },
        [&](int i) { return attempt([&] { return agrees(*plans[i], c, workspace, stream); }); }};
    const Verdict verdict = choose_conv(static_cast<int>(plans.size()), contest);
    choice.own_us = verdict.own_us;
    choice.fastest_us = verdict.fastest_us;
    if (verdict.candidate >= 0) {
      choice.candidate = verdict.candidate;
      choice.engine = offered[verdict.candidate].engine;
      Plan& chosen = *plans[verdict.candidate];
      // A plan that cannot be written as text is built again at the next start.
      choice.plan =
          attempt([&] { return chosen.plan.get_text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION); });
      chosen.config = std::move(offered[verdict.candidate].config);
      plans_.push_back(std::move(chosen));
    }
    return choice;
  }

  /// false when the GPU has no such memory.
  static bool enlarge(DeviceBuffer& buffer, size_t bytes) {
    if (bytes <= buffer.bytes()) return true;
    try {
      buffer = DeviceBuffer(bytes);
      return true;
    } catch (const Error& e) {
      if (e.code() != Errc::OutOfMemory) throw;
      return false;
    }
  }

  /// The GPU itself must still be there: a failed kernel ends the context, and then nothing else will do.
  void refused(const TunableCall& c, const Error& e) const {
    check(cudaDeviceSynchronize(), "the GPU after a convolution of cuDNN's failed");
    if (log_) log_(fmt::format("cuDNN leaves out {}: {}", c.call.shape.text(), e.what()));
  }

  const Cudnn& cudnn_;
  LogLine log_;
  cudnnHandle_t handle_ = nullptr;
  std::vector<Plan> plans_;
  DeviceBuffer workspace_;
  size_t most_workspace_ = 0;
};

bool switched_off() {
  const char* const value = std::getenv("CDSR_CUDNN");
  return value != nullptr && std::string_view(value) == "off";
}

}  // namespace

std::unique_ptr<ConvPlans> make_conv_plans(const LogLine& log) {
  std::string reason = "CDSR_CUDNN is off";
  const Cudnn* const cudnn = switched_off() ? nullptr : Cudnn::find(reason);
  if (cudnn == nullptr) {
    if (log) log(fmt::format("own convolutions alone: {}", reason));
    return nullptr;
  }
  try {
    return std::make_unique<ConvPlansOfEngine>(*cudnn, log);
  } catch (const Error& e) {
    if (log) log(fmt::format("own convolutions alone: {}", e.what()));
    return nullptr;
  }
}

int64_t cudnn_version() {
  std::string reason;
  const Cudnn* const cudnn = switched_off() ? nullptr : Cudnn::find(reason);
  return cudnn != nullptr ? static_cast<int64_t>(cudnn->version()) : 0;
}

}  // namespace cdsr::cuda
