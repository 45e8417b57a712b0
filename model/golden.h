// Parity at load: a weights file says what its network makes of a small picture, and an engine that makes
// something else of it is refused.
//
// The picture is a formula, 16 x 16 pixels, and never stored. Of the embedding and of the result a few values
// are, as the reference backend computed them when the file was exported (`cdsr export`), under the metadata
// key cdsr.golden.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/engine_options.h"

namespace cdsr {

class Engine;
struct Backend;
struct Network;

inline constexpr const char* kGoldenKey = "cdsr.golden";

/// Values of the embedding and of the upscaled picture, evenly spread over them.
struct Golden {
  std::vector<float> embedding, picture;
};

/// How far an engine is from the golden values, the largest difference. Infinite where one is not a number.
struct GoldenError {
  double embedding = 0;  ///< as a share of the golden values' root mean square
  double picture = 0;    ///< of values that are nominally 0..1
};

/// What an engine makes of the picture. Leaves it planned for 16 x 16 and conditioned for that picture.
Golden measure_golden(Engine& engine);

/// As JSON.
std::string golden_text(const Golden& golden);
/// Throws BadWeights naming `file`.
Golden parse_golden(std::string_view text, const std::string& file);

/// Infinite where they are not of one network.
GoldenError golden_error(const Golden& found, const Golden& golden);

/// What an engine of this precision may be off by at most. Of the released networks the CPU backend's
/// pictures are off by 1e-7 in fp32, 6e-4 in bf16 and 0.016 in int8, their embeddings by 3e-6; a wrong tap is
/// off by a hundredth and more.
GoldenError golden_tolerance(Precision precision);

/// What the metadata of a weights file says; nothing in files of before. Throws BadWeights naming `file`.
std::optional<Golden> golden_in(const std::map<std::string, std::string>& metadata, const std::string& file);

/// How far a backend is from a network's golden values.
struct Parity {
  Precision precision = Precision::Auto;  ///< that it runs in
  GoldenError error, most;
  bool holds() const { return error.embedding <= most.embedding && error.picture <= most.picture; }
};

/// Of an engine made for it on one thread, once for each network, backend and precision in the process.
/// Throws what create_engine() throws.
Parity measure_parity(const Backend& backend, const std::shared_ptr<const Network>& network,
                      const Golden& golden, const EngineOptions& options);

/// Holds the backend of an engine of this network to the values. `log` (may be empty) gets one line. Throws
/// Unsupported when the backend computes something else.
void check_parity(const Engine& engine, const std::shared_ptr<const Network>& network, const Golden& golden,
                  const EngineOptions& options, const std::function<void(const std::string&)>& log = {});

}  // namespace cdsr
