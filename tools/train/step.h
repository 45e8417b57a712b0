// One step of training: forward, losses, backward, Adam.
#pragma once

#include "tools/train/distributed/communicator.h"
#include "tools/train/prefetch.h"
#include "tools/train/progress.h"
#include "tools/train/trainer.h"

namespace cdsr::train {

/// Takes o.accumulate batches and makes one step with their gradients' mean, which is that over the parts of
/// all processes. Losses in the result are means over all processes too, times this one's. Throws Error, in
/// every process alike, when a loss or the gradient is not finite; the weights are then those of the step
/// before.
StepMeasures take_step(TrainState& state, const TrainOptions& o, Prefetcher& batches,
                       Communicator& communicator);

}  // namespace cdsr::train
