// A second start for the conditioning path of a network whose embedding collapsed.
#pragma once

#include "model/torch/cdsr.h"

namespace cdsr::nn {

/// Makes the encoder, compress and modulation new, and keeps what the rest was trained against: the last
/// layer of each block's modulation gets the block's mean conditioning on `crops` (B x 3 x H x W) as its bias
/// and weights a tenth of their usual size. The output changes little at first, and the embedding is heard
/// from the first step.
///
/// Why: under a high learning rate the embedding is noise to the SR network for the first thousand steps. The
/// network learns to ignore it, no gradient reaches the encoder any more, and the codebook's attention ends
/// on one entry.
void restart_conditioning(Cdsr& model, const torch::Tensor& crops);

}  // namespace cdsr::nn
