// A network ready to be executed: every weight as floats in the file's axis order, batch-norm folded into the
// convolutions, codebook keys folded, training-only tensors left out. Backends repack from here; nothing else
// knows tensor names.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/config.h"
#include "model/weights.h"

namespace cdsr {

/// y = W x + b.
struct Linear {
  int in = 0, out = 0;
  std::vector<float> weight;  ///< out x in
  std::vector<float> bias;    ///< out, or empty
};

/// 2-D convolution with zero padding.
struct Conv {
  int in = 0, out = 0, kernel = 1, stride = 1, padding = 0;
  std::vector<float> weight;  ///< out x in x kernel x kernel
  std::vector<float> bias;    ///< out
};

/// Content-and-degradation-aware dynamic convolution (paper section 3.4; model/README.md has the figure).
struct Dqa {
  float gamma = 0;
  Linear query, key, value;  ///< nf -> nf
  Linear kernel0, kernel1;   ///< nf -> nf -> nf * 9 (channel major: 9 taps of channel 0 first), no bias
  Conv conv;                 ///< 1x1, nf -> nf
  Linear gate0, gate1;       ///< nf -> nf / 2 -> nf, no bias
};

// NOLINTNEXTLINE(bugprone-reserved-identifier): the compiler names a variable of its own in copying arrays
struct DenseBlock {
  Conv conv[5];  ///< inputs nf, nf + gc, ..., nf + 4 gc; outputs gc four times, then nf
};

struct Block {
  Linear modulation0, modulation1;  ///< E' (d) -> d -> nf
  float modulation_slope = 0.25F;   ///< of the PReLU between them
  Dqa dqa[2];                       ///< Body::Plain uses the first alone
  Conv conv1, conv2;                ///< 3x3, nf -> nf; Body::Stack uses the first alone
  DenseBlock rdb[3];                ///< Body::Rrdb alone
};

// NOLINTNEXTLINE(bugprone-reserved-identifier): the compiler names a variable of its own in copying arrays
struct Encoder {
  Conv pixel[6], patch[4];  ///< LPE, each followed by LeakyReLU(kEncoderSlope); none for LpeInput::Statistics
  Linear mlp0, mlp1;        ///< config.features() -> d -> d
  Linear query;             ///< d -> d
  Linear keys;              ///< codebook x d: W_k Cb^T + b_k, folded; no bias
  std::vector<float> codebook;  ///< codebook x d
};

/// The weight sets of one convolution of the SR network: W = sum_k pi_k W_k + sharpness D and b likewise,
/// with pi = softmax(mixing(E')), E' what `compress` makes of E_a. Published kin: Liang et al., Efficient and
/// Degradation-Adaptive Network for Real-World Image Super-Resolution, ECCV 2022.
struct Experts {
  Linear mixing;                                ///< d -> experts
  std::vector<float> weight;                    ///< experts x out x in x 3 x 3
  std::vector<float> bias;                      ///< experts x out
  std::vector<float> sharp_weight, sharp_bias;  ///< D: out x in x 3 x 3, out; empty unless config.sharp
};

/// What the features of a Body::Stack network range over, which is what storing them in 8 bits asks for
/// (ranges.h): [blocks + 1][nf], of what the head makes and each block, after its LeakyReLU. 0 lies within.
struct FeatureRanges {
  std::vector<float> low, high;

  bool empty() const { return low.empty(); }
};

/// LeakyReLU slopes: LPE, CSC and modulation (0.1); dense blocks (0.2). Residual scale of RDB and RRDB (0.2).
inline constexpr float kEncoderSlope = 0.1F;
inline constexpr float kFuseSlope = 0.1F;
inline constexpr float kDenseSlope = 0.2F;
inline constexpr float kResidualScale = 0.2F;

/// Immutable once loaded; shared between sessions and threads.
struct Network {
  CdsrConfig config;
  Encoder encoder;
  Linear compress[4];
  float compress_slope[4] = {};
  Conv head;  ///< 3x3, channels -> nf
  std::vector<Block> blocks;
  Conv trunk;  ///< 3x3, nf -> nf; Body::Rrdb alone
  Conv tail;   ///< 3x3, nf -> channels scale^2, then PixelShuffle(scale)
  /// With config.experts > 1 one entry for each of stack_convs(), in its order; their own weights are then
  /// the experts' mean, what an embedding that prefers none would get. Else empty.
  std::vector<Experts> experts;
  FeatureRanges ranges;  ///< of Body::Stack; empty where the file does not say
};

/// The convolutions of a Body::Stack network in the order they run: head, the blocks', tail.
inline std::vector<const Conv*> stack_convs(const Network& network) {
  std::vector<const Conv*> out = {&network.head};
  for (const Block& b : network.blocks) out.push_back(&b.conv1);
  out.push_back(&network.tail);
  return out;
}

/// Reads and checks a weights file: every tensor of tensor_list(config) present with its shape and finite
/// values (TensorKind::Training may be missing), no unknown tensor. Throws BadWeights naming the tensor.
std::shared_ptr<const Network> load_network(const WeightsFile& file);

/// A network with random weights, LibTorch's default initialization in spirit; the same seed gives the same
/// weights on every machine. For tests and benchmarks: gammas and biases are non-zero so that every path
/// counts.
std::shared_ptr<const Network> random_network(const CdsrConfig& config, uint32_t seed);

/// The tensors random_network() is made of, as a file would hold them (training-only ones included).
std::vector<NamedTensor> random_tensors(const CdsrConfig& config, uint32_t seed);

}  // namespace cdsr
