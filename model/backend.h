// What a backend implements. Its only caller is Engine (engine.h), which has checked sizes, spans, arguments
// and the order of calls before: a backend relies on what stands here and checks none of it again.
//
// One thread at a time. After plan() no call allocates. The result does not depend on the thread count; the
// same calls give the same bits.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/engine_options.h"
#include "model/network.h"
#include "model/picture_rows.h"

namespace cdsr {

class Operators;  // operators.h

/// A network on a device. The constructor of an implementation gets the network and the options.
class EngineBackend {
 public:
  virtual ~EngineBackend() = default;

  virtual const EngineInfo& info() const = 0;

  /// Allocates everything for frames of this size, sides 1 to kMostSide. Condition and queries stay. Throws
  /// OutOfMemory naming need and limit; there is no plan then, and another plan() may follow.
  virtual void plan(int width, int height) = 0;

  /// E_a of a frame of the planned size, from the windows that encoder_windows() names. Condition and queries
  /// stay. vectors.h has what comes after the convolutions.
  virtual void embed(const RowSource& frame, std::span<float> embedding) = 0;

  /// Everything of the SR network that depends on the embedding alone; vectors.h computes it. Before or after
  /// plan(). Whatever queries are installed count no more.
  virtual void condition(std::span<const float> embedding) = 0;

  /// Of a network with config.sharp alone: how much of its sharp set the weights have from the next
  /// condition() on, 0..1; before the first call 0.
  virtual void set_sharpness(float sharpness) = 0;

  /// Means of the DQAs' inputs, in the order of the blocks: [dqas()][nf]. After plan() and condition().
  /// Whatever queries are installed count no more.
  virtual void measure_queries(const RowSource& frame, std::span<float> queries) = 0;

  /// Query::Shot alone: the queries of the frames to come. After condition(), before or after plan().
  virtual void set_queries(std::span<const float> queries) = 0;

  /// After plan(), condition() and, with Query::Shot, set_queries(). `frame` and `out` have the planned size
  /// and scale times that; both have the same device() or none.
  virtual void upscale(const RowSource& frame, RowSink& out) = 0;

  /// Per-stage times since the last call. Empty if the backend does not measure.
  virtual std::vector<StageTime> take_times() { return {}; }

  /// Whether it takes frames as RowSource::device() and RowSink::device().
  virtual bool takes_device_frames() const { return false; }
};

/// A row of the registry.
struct Backend {
  const char* name;         ///< for options and logs: lower-case letters
  const char* description;  ///< one line for `cdsr info` and help texts
  /// Whether it can run here; if not, `reason` says why.
  bool (*available)(std::string& reason);
  /// Throws Unsupported for a precision that it does not have, or not for this network.
  std::unique_ptr<EngineBackend> (*create)(std::shared_ptr<const Network> network,
                                           const EngineOptions& options);
  /// Single operators, for tests and benchmarks; of the options, precision, threads and memory_limit count.
  std::unique_ptr<Operators> (*operators)(const EngineOptions& options);
};

}  // namespace cdsr
