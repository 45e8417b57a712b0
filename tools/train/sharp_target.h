// What the sharp sets of a network learn (CdsrConfig::sharp): pictures sharper than the originals, without
// halos.
#pragma once

#include <torch/torch.h>

namespace cdsr::train {

/// `hr` (B x C x H x W on 0..1) with its detail, what a Gaussian of deviation 1 takes away, amplified by 0.6.
/// Where all detail within 2 pixels is under 2 codes of 8 bits, noise and grain, it stays as it is; it is
/// fully counted where some is of 4 codes or more. No value goes more than 2 codes beyond the least and the
/// greatest of its 3 x 3 neighbourhood: an edge becomes steeper, and no bright or dark line grows beside it.
torch::Tensor sharp_target(const torch::Tensor& hr);

/// How much an error counts at each pixel of `hr`: 1 where it is flat to 4 at the picture's steepest edge.
torch::Tensor edge_weight(const torch::Tensor& hr);

}  // namespace cdsr::train
