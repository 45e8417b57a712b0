// Scores a network while it trains: PSNR on Y over a folder of held-out images, for choosing checkpoints.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <vector>

#include "model/torch/cdsr.h"
#include "tools/train/batch.h"

namespace cdsr::train {

class Validation {
 public:
  /// Degrades each picture once: picture i gets kernel i mod 9 of the paper's evaluation set for the scale,
  /// noise level 0, the training's alignment; for Degradation::Video a draw that depends on i alone. The
  /// pictures are cropped to a multiple of the scale.
  Validation(const std::vector<tools::Picture>& pictures, const BatchOptions& options);

  /// Mean PSNR in dB on Y (ITU-R BT.601 weights, `scale` pixels shaved), the network in evaluation mode with
  /// the embedding and the queries of each picture itself. Leaves the module in training mode.
  double psnr(nn::Cdsr& model) const;
  /// The same of plain bicubic interpolation.
  double bicubic_psnr() const;
  /// Writes <i>-lr.png (enlarged by bicubic interpolation), <i>-sr.png and <i>-hr.png: crops of the first
  /// pictures, for people to look at. Throws Io.
  void write_crops(nn::Cdsr& model, const std::filesystem::path& folder) const;
  bool empty() const { return pairs_.empty(); }

 private:
  struct Pair {
    torch::Tensor lr, hr;  // 1 x 3 x h x w, [0,1]
  };
  int scale_;
  std::vector<Pair> pairs_;
};

}  // namespace cdsr::train
