// What a CDSR network is: its hyper-parameters, the tensors they imply and what a pixel costs.
//
// Everything that runs, trains, stores or counts a network derives from CdsrConfig and tensor_list().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/window_statistics.h"

namespace cdsr {

/// The convolutional body of a block, after its modulation.
enum class Body {
  Rrdb,   ///< Fuse (DQA, conv, DQA, conv, skip), then three residual dense blocks: the paper
  Plain,  ///< one DQA, then two 3x3 convolutions with a skip
  Stack,  ///< one 3x3 convolution; a skip around all of them, no DQA: the embedding chooses the weights
          ///< (experts)
};

/// What is added to the network's output.
enum class Skip {
  None,     ///< the paper: the network makes the whole picture
  Bicubic,  ///< the network makes what bicubic interpolation (Keys, a = -0.5) leaves out
};

/// Where a DQA's query (the mean of its input over the frame) comes from.
enum class Query {
  Frame,  ///< this frame, the paper: a barrier at every DQA
  Shot,   ///< the shot's first frame: from then on the network is purely local
};

/// What the LPE sees of a window.
enum class LpeInput {
  Rgb,         ///< R'G'B' in [0,1]: the paper
  Normalized,  ///< mean removed, divided by the strength of its detail (normalize_window.h)
  Statistics,  ///< the strengths of its detail in place of convolutions (window_statistics.h): cdsr-rt,
               ///< cdsr-hq
};

/// What the SR network upscales.
enum class Colour {
  Rgb,   ///< R'G'B': the paper
  Luma,  ///< Y' alone; whoever calls the engine interpolates the chroma
};

/// Hyper-parameters of one network. Plain data; compare with ==.
struct CdsrConfig {
  std::string name = "cdsr-10";  ///< family name, for messages and metadata
  int scale = 2;                 ///< 2, 3 or 4
  int nf = 64;                   ///< feature channels of the SR network, 8..256, a multiple of 8
  int gc = 32;                   ///< growth channels of a dense block (Rrdb only), 8..256
  int blocks = 10;               ///< 1..64
  /// Weight sets of every convolution of the SR network, mixed once a shot: W = sum_k pi_k(E_a) W_k. 2..16
  /// for Body::Stack (1: one set, and an embedding that changes nothing), else 1.
  int experts = 1;
  /// Each of these convolutions has one set more, D, of which a session takes as much as it is told (0: none,
  /// 1: all): W = sum_k pi_k W_k + sharpness D. With experts alone.
  bool sharp = false;
  Colour colour = Colour::Rgb;
  Body body = Body::Rrdb;
  Skip skip = Skip::None;
  Query query = Query::Frame;  ///< what it was trained for; a session may choose the other
  int lpe_nf = 64;             ///< first width of the LPE: branches are lpe_nf, 2 lpe_nf, 4 lpe_nf wide
  LpeInput lpe_input = LpeInput::Rgb;
  int codebook = 1024;  ///< entries of the CSC codebook, 2..65536

  /// Length of the degradation embedding E_a.
  int embedding() const { return 4 * lpe_nf; }
  /// Channels of a picture: 3, or 1 for Colour::Luma.
  int channels() const { return colour == Colour::Rgb ? 3 : 1; }
  /// What the CSC's MLP reads of a window: both branches' features, or its statistics.
  int features() const { return lpe_input == LpeInput::Statistics ? kWindowStatistics : 2 * embedding(); }
  /// Weight sets of a convolution: the experts, then D.
  int weight_sets() const { return experts + (sharp ? 1 : 0); }
  /// DQA modules in a block; a network has blocks * dqas_per_block() of them.
  int dqas_per_block() const { return body == Body::Rrdb ? 2 : body == Body::Plain ? 1 : 0; }
  int dqas() const { return blocks * dqas_per_block(); }

  bool operator==(const CdsrConfig&) const = default;
};

/// Side of a patch in the paper's LPE, low-resolution pixels (section 3.2).
inline constexpr int kPatch = 12;

/// The families that can be asked for by name: cdsr-10, cdsr-5, cdsr-2 (the paper's), cdsr-hq, cdsr-rt
/// (ours).
const std::vector<std::string>& config_names();

/// The named family at `scale`. Throws InvalidArgument for an unknown name or scale.
CdsrConfig config_by_name(std::string_view name, int scale);

/// Throws InvalidArgument naming the first member that is out of range.
void validate(const CdsrConfig& config);

/// JSON as stored in a weights file under `cdsr.config`. from_json is strict: an unknown, missing or mistyped
/// member throws BadWeights.
std::string to_json(const CdsrConfig& config);
CdsrConfig config_from_json(std::string_view json);

const char* to_string(Body body);
const char* to_string(Skip skip);
const char* to_string(Query query);
const char* to_string(LpeInput input);
const char* to_string(Colour colour);
/// "frame" or "shot"; throws InvalidArgument otherwise.
Query query_from_string(std::string_view text);

enum class TensorKind {
  Parameter,  ///< learned
  Buffer,     ///< batch-norm statistics
  Training,   ///< learned, used by the contrastive loss alone: may be missing in a released file
};

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;  ///< LibTorch's axis order: convolutions out, in, kh, kw; linear out, in
  TensorKind kind = TensorKind::Parameter;

  int64_t count() const;
};

/// Every tensor of a network, in the order of the LibTorch module's named_parameters() (buffers follow the
/// parameters of the batch-norm they belong to).
std::vector<TensorSpec> tensor_list(const CdsrConfig& config);

/// Learned values, the contrastive head included: the paper's "parameters" (13,232,558 for cdsr-10 x2).
int64_t parameter_count(const CdsrConfig& config);

/// Multiply-accumulates, counted over convolutions and matrix products.
struct MacCount {
  int64_t sr_per_pixel = 0;      ///< SR network, per low-resolution pixel of every frame
  double encoder_per_pixel = 0;  ///< LPE, per low-resolution pixel it looks at
  int64_t per_shot = 0;          ///< CSC, compress, modulation, key, value, gate: once an embedding
  int64_t per_frame = 0;         ///< queries and dynamic filters; once a shot for Query::Shot

  /// Whole cost of one w x h image, encoder included.
  double image(int width, int height) const;
};
MacCount mac_count(const CdsrConfig& config);

}  // namespace cdsr
