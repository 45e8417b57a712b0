// Checkpoints: everything needed to go on as if never stopped, in one file; and the exported weights.
#pragma once

#include <filesystem>

#include "tools/train/trainer.h"

namespace cdsr::train {

/// Writes atomically (AtomicFile). Throws Io; the checkpoint before is then untouched.
void save_checkpoint(const std::filesystem::path& path, TrainState& state, const TrainOptions& options);

/// Restores a checkpoint into `state`. Returns false when there is no file; throws BadWeights when it is
/// damaged or of another configuration. One without averaged weights starts them at its weights.
bool load_checkpoint(const std::filesystem::path& path, TrainState& state, const TrainOptions& options);

/// The degradations trained for, as a file's metadata says it.
std::string recipe_text(const TrainOptions& options);

/// Writes the network as a weights file with its metadata.
void export_weights(const std::filesystem::path& path, const TrainState& state, const TrainOptions& options,
                    double psnr);

}  // namespace cdsr::train
