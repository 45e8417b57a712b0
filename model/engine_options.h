// What an engine is asked for, and what it says of itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/config.h"

namespace cdsr {

enum class Precision {
  Auto,  ///< the backend's best: on a GPU fp16; on a processor see cpu.h
  Fp32,
  Bf16,  ///< bf16 storage and products, fp32 accumulation
  Fp16,  ///< the same in IEEE half precision: eight times finer, up to 65504. GPU only
  Fp8,   ///< fp16, but the products of the dense blocks in e4m3. GPUs from sm_89 (Ada) on, RRDB bodies
  Int8,  ///< 8-bit features and weights, exact sums. Processors with VNNI; networks with Network::ranges
};

const char* to_string(Precision precision);
Precision precision_from_string(std::string_view text);  ///< "auto", "fp32", ...; throws InvalidArgument

/// Most threads an engine can be asked for.
inline constexpr int kMostThreads = 256;

/// EngineOptions::memory_limit of the processor's own choice, in bytes.
inline constexpr size_t kProcessorMemory = size_t{2} << 30;

struct EngineOptions {
  Precision precision = Precision::Auto;
  int threads = 0;            ///< 1..kMostThreads; 0: one for each processor this process may use
  Query query = Query::Shot;  ///< default for the model: network.config.query
  /// Bytes for all of plan()'s buffers together; 0: no limit. None: kProcessorMemory, on a GPU three quarters
  /// of what is free when a size is planned.
  std::optional<size_t> memory_limit;
  int device = 0;                ///< index of the GPU
  void* cuda_context = nullptr;  ///< CUcontext to live in; nullptr: the primary one of `device`
  /// Gets a line for what an engine decides later than when it is made; may be empty. Valid as long as the
  /// engine, called in its thread.
  std::function<void(const std::string&)> log = {};
};

/// EngineOptions::memory_limit of the option `memory`: MiB, -1 is none.
inline std::optional<size_t> memory_limit(int mebibytes) {
  if (mebibytes < 0) return std::nullopt;
  return static_cast<size_t>(mebibytes) << 20;
}

struct EngineInfo {
  std::string backend;                    ///< its name in registry.h
  std::string detail;                     ///< what was chosen: library, version, instruction set
  Precision precision = Precision::Fp32;  ///< never Auto
  int threads = 1;
  size_t planned_bytes = 0;  ///< of the current plan
  int64_t redone = 0;        ///< frames that half precision could not hold (NaN, Inf) and fp32 redid
};

/// Time of one stage, summed since the engine was made; for `cdsr bench` and statistics.
struct StageTime {
  std::string stage;   ///< "read", "head", "dqa", "body", "tail", "write", ...
  double seconds = 0;  ///< over all threads
  double macs = 0;     ///< multiply-accumulates done, halo recomputation included
};

}  // namespace cdsr
