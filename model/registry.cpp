#include "model/registry.h"

#include "model/cuda/cuda.h"
#include "model/error.h"
#include "model/reference/reference.h"
#ifdef CDSR_HAVE_DNNL
#include "model/cpu/cpu.h"
#endif

namespace cdsr {
namespace {

void check(const EngineOptions& options) {
  if (options.threads < 0 || options.threads > kMostThreads)
    fail(Errc::InvalidArgument, "threads is {}, must be 0 to {}", options.threads, kMostThreads);
}

}  // namespace

const std::vector<Backend>& backends() {
  static const std::vector<Backend> list = {
      {"cuda", "NVIDIA GPUs from Turing on, fp16, bf16, fp32 or fp8", cuda::available, cuda::create,
       cuda::operators},
#ifdef CDSR_HAVE_DNNL
      {"cpu", "oneDNN on the processor's vector units, int8, bf16 or fp32", cpu::available, cpu::create,
       cpu::operators},
#endif
      {"reference", "plain loops on one thread: what the others are compared with", reference::available,
       reference::create, reference::operators},
  };
  return list;
}

std::unique_ptr<Engine> create_engine(const Backend& backend, std::shared_ptr<const Network> network,
                                      const EngineOptions& options) {
  check(options);
  auto made = backend.create(network, options);
  return std::make_unique<Engine>(std::move(made), std::move(network), options.query);
}

std::unique_ptr<Engine> create_engine(std::shared_ptr<const Network> network, const EngineOptions& options,
                                      const std::string& backend,
                                      const std::function<void(const std::string&)>& log) {
  const auto say = [&](const std::string& line) {
    if (log) log(line);
  };
  std::string names, reason;
  for (const Backend& b : backends()) {
    names += std::string(names.empty() ? "" : ", ") + b.name;
    if (backend != "auto" && backend != b.name) continue;
    if (b.available(reason)) {
      auto engine = create_engine(b, std::move(network), options);
      say(fmt::format("backend {}: {}, {}, {} thread(s)", b.name, engine->info().detail,
                      to_string(engine->info().precision), engine->info().threads));
      return engine;
    }
    if (backend == b.name) fail(Errc::Unsupported, "backend {} cannot run here: {}", b.name, reason);
    say(fmt::format("backend {} passed over: {}", b.name, reason));
  }
  fail(Errc::InvalidArgument, "no backend is named '{}': this build has auto, {}", backend, names);
}

std::unique_ptr<Operators> create_operators(const Backend& backend, const EngineOptions& options) {
  check(options);
  return backend.operators(options);
}

}  // namespace cdsr
