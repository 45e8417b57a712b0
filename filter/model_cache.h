// Models that are open somewhere in the process, so that a file is read once however many sessions use it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "model/degradation_reader.h"
#include "model/golden.h"
#include "model/network.h"

namespace cdsr {

/// A weights file, loaded. Immutable; shared by sessions and threads.
struct Model {
  std::string path;
  std::string hash;  ///< of configuration and weights: 16 hexadecimal digits; against mistakes, not intent
  std::shared_ptr<const Network> network;
  std::map<std::string, std::string, std::less<>> metadata;
  std::optional<Golden> golden;             ///< what engines are held to
  std::optional<DegradationReader> reader;  ///< of its embeddings
};

/// Finds (find_model.h) and loads a model, or returns the one that is open already: the same file, unchanged
/// since. Any thread. Throws InvalidArgument when the file is for another scale, Io, BadWeights.
std::shared_ptr<const Model> open_model(const std::string& name, int scale);

}  // namespace cdsr
