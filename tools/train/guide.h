// A guided encoder: help for the embedding where MoCo and L1 alone would need the paper's half million steps.
//
// Left to itself in a short training, the embedding is noise while the SR network learns most, and the SR
// network learns to ignore it for good. What a crop says about its degradation is a small part of what it
// says, and a fresh encoder passes on none of it. So, once, before the first step:
//   - the pixel-wise branch begins as the strengths of directional differences of orders 1 to 4, averaged
//   over
//     neighbourhoods (their ratios are what blur and noise change); the batch-norms take the statistics of a
//     sample and keep them;
//   - the first layers of the CSC's MLP begin as the least-squares prediction of the degradation from the
//     pooled features, beside random mixtures of the whitened features; `compress` is scaled to what comes.
// From then on a linear layer on E_a predicts the degradation (degradation_target.h) as a third loss, and the
// codebook's attention is held from ending on one entry. The layers between picture and y learn more slowly.
//
// An encoder of LpeInput::Statistics has no filters to start: its CSC, whole, is fitted to predict the
// degradation of the sample, which takes seconds.
//
// Without that start (crops = 0) the encoder begins at random and learns to predict the degradation like any
// other network, its batch-norms included.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>

#include "model/torch/cdsr.h"
#include "model/torch/moco.h"
#include "tools/train/batch.h"

namespace cdsr::train {

struct GuideOptions {
  double weight = 0;            ///< of the regression loss; 0: no guide, the paper's training
  double embedding_rate = 0.1;  ///< learning rate of CSC, compress and modulation as a share of the rate
  bool freeze_lpe =
      true;  ///< keep the LPE as it starts: its features, a third of a step saved. Guided start alone
  int64_t crops = 25600;  ///< looked at before the first step, a multiple of 128; 0: no guided start

  bool on() const { return weight > 0; }
  bool start() const { return on() && crops > 0; }
};

/// Deviation of a row of attention logits above which the attention is held back: at 2 some tens of 256
/// entries take part.
inline constexpr double kAttentionDeviation = 2.0;

/// The regression's linear layer, and the mean and deviation of what it predicts.
struct GuideImpl : torch::nn::Module {
  explicit GuideImpl(const CdsrConfig& config);
  /// Mean square error of the standardized degradation predicted from E_a (B x d).
  torch::Tensor loss(const torch::Tensor& embedding, const torch::Tensor& degradation);

  torch::nn::Linear regressor{nullptr};
  torch::Tensor mean, deviation;  ///< buffers, kDegradationTargets
};
TORCH_MODULE(Guide);

/// Pushes the attention's logits (B x codebook) below kAttentionDeviation.
torch::Tensor attention_loss(const torch::Tensor& logits);

/// The windows or crops of a batch that are embedded, and the degradation of each.
struct Windows {
  torch::Tensor pictures;     ///< N x channels x h x w
  torch::Tensor degradation;  ///< N x kDegradationTargets
};
Windows windows_of(const Batch& batch);

/// Takes mean and deviation of what the guide predicts from `batches` batches; the codecs' shares are left as
/// they are, so that a rare one does not weigh more than its loss.
void measure_targets(Guide& guide, int64_t batches, const std::function<Batch(int64_t)>& make);

/// Batch-norms use and keep the statistics they have.
void freeze_statistics(torch::nn::Module& module);

/// The start described above. `batches(i)` gives batch i. Returns a line about how much of the
/// degradation the least squares leave unexplained, measured on the last tenth of the crops.
std::string start_guided(nn::Cdsr& model, nn::Moco& moco, Guide& guide, int64_t crops,
                         const std::function<Batch(int64_t)>& batches);

}  // namespace cdsr::train
