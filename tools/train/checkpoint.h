// Checkpoints: everything needed to go on as if never stopped, in one file; and the exported weights.
#pragma once

#include <filesystem>
#include <string>

#include "tools/train/trainer.h"

namespace cdsr::train {

/// What a checkpoint file holds.
std::string checkpoint_bytes(const TrainState& state, const TrainOptions& options);

/// Restores such bytes into `state`; `name` says in messages where they come from. Throws BadWeights when
/// they are damaged or of another configuration. Without averaged weights among them these start at the
/// weights.
void restore(const std::string& bytes, const std::string& name, TrainState& state,
             const TrainOptions& options);

/// Writes atomically (AtomicFile). Throws Io; the checkpoint before is then untouched.
void save_checkpoint(const std::filesystem::path& path, const TrainState& state, const TrainOptions& options);

/// restore() of a file. Returns false when there is none; throws Io when it cannot be read.
bool load_checkpoint(const std::filesystem::path& path, TrainState& state, const TrainOptions& options);

/// The degradations trained for, as a file's metadata says it.
std::string recipe_text(const TrainOptions& options);

/// Writes the network as a weights file with its metadata.
void export_weights(const std::filesystem::path& path, const TrainState& state, const TrainOptions& options,
                    double psnr);

}  // namespace cdsr::train
