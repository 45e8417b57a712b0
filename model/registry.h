// The backends of this build, best first, the reference last. To add one: a folder that implements backend.h
// and operators.h, and a row in registry.cpp; tests/conformance then holds it to the reference.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/engine.h"
#include "model/operators.h"

namespace cdsr {

const std::vector<Backend>& backends();

/// An engine of this backend. Throws InvalidArgument for options out of their range, and what the backend
/// throws: Unsupported where it cannot run, OutOfMemory.
std::unique_ptr<Engine> create_engine(const Backend& backend, std::shared_ptr<const Network> network,
                                      const EngineOptions& options);

/// The same by name, or with "auto" the first backend that is available. `log` (may be empty) gets one line
/// for each backend passed over and one for the choice. Throws InvalidArgument for an unknown name and
/// Unsupported when the named one cannot run here; a named backend is never replaced by another.
std::unique_ptr<Engine> create_engine(std::shared_ptr<const Network> network, const EngineOptions& options,
                                      const std::string& backend = "auto",
                                      const std::function<void(const std::string&)>& log = {});

/// Single operators. Throws as create_engine().
std::unique_ptr<Operators> create_operators(const Backend& backend, const EngineOptions& options);

}  // namespace cdsr
