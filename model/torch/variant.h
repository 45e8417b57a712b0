// Laboratory variants of the network: the ablations, fusions and baselines of the paper's tables. They are
// trained and scored in LibTorch alone; an engine refuses their files.
#pragma once

#include <string>
#include <string_view>

namespace cdsr::nn {

/// How a block lets the embedding act on its features (paper, Table 5).
enum class Fusion {
  Dqa,          ///< the paper's module
  DynamicConv,  ///< without the query: the filters come from the conditioning alone. Table 3's "no DQA"
  AdaIn,        ///< scale and shift of every channel
};

/// What differs from the paper's network; the default is the paper's network. Plain data; compare with ==.
struct Variant {
  bool pixel = true;          ///< LPE's pixel-wise branch
  bool patch = true;          ///< LPE's patch-wise branch
  bool csc = true;            ///< the codebook; without it E_a is the MLP's output
  bool dasr_encoder = false;  ///< DASR's encoder in place of LPE and CSC
  bool dasr_sr = false;       ///< DASR's SR network
  Fusion fusion = Fusion::Dqa;
  bool kernel = false;  ///< a 5-layer MLP that predicts the blur kernel from E_a ("Ours-SKP", Table 7)
  int group = 5;        ///< DASR: blocks in a group; there are config.blocks groups. 1..16

  bool operator==(const Variant&) const = default;
  bool paper() const { return *this == Variant{}; }
  /// LPE and CSC whole, whatever upscales with their embedding.
  bool paper_encoder() const { return pixel && patch && csc && !dasr_encoder; }
};

/// A list separated by commas of: no-pixel, no-patch, no-csc, no-dqa (the same as dynconv), adain, skp,
/// dasr-encoder, dasr-sr, dasr (both), group=N. Empty: the paper's network. Throws InvalidArgument for an
/// unknown word and for words that exclude each other.
Variant variant_from_string(std::string_view text);
/// The same list in one fixed order; "" for the paper's network.
std::string to_string(const Variant& variant);

}  // namespace cdsr::nn
