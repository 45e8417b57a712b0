// The backends of this build, best first, the reference last.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/engine.h"
#include "model/operators.h"

namespace cdsr {

struct Backend {
  const char* name;         ///< "cpu", "reference"
  const char* description;  ///< one line for `cdsr info` and help texts
  /// Whether it can run here; if not, `reason` says why.
  bool (*available)(std::string& reason);
  /// Throws Unsupported for a precision it does not have.
  std::unique_ptr<Engine> (*create)(std::shared_ptr<const Network> network, const EngineOptions& options);
  /// Single operators, for tests; of the options, precision, threads and memory_limit count.
  std::unique_ptr<Operators> (*operators)(const EngineOptions& options);
};

const std::vector<Backend>& backends();

/// Creates an engine: by name, or with "auto" the first backend that is available. `log` (may be empty) gets
/// one line for each backend passed over and one for the choice. Throws InvalidArgument for an unknown name
/// and Unsupported when the named one cannot run here; a named backend is never replaced by another.
std::unique_ptr<Engine> create_engine(std::shared_ptr<const Network> network, const EngineOptions& options,
                                      const std::string& backend = "auto",
                                      const std::function<void(const std::string&)>& log = {});

}  // namespace cdsr
