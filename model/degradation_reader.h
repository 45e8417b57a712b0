// What a degradation embedding says of the input in words and numbers: linear heads on E_a, fitted once on
// shots whose degradation is known (`cdsr reader`) and kept in the weights file under the metadata key
// cdsr.reader. Nothing that is upscaled depends on it.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/network.h"

namespace cdsr {

inline constexpr const char* kReaderKey = "cdsr.reader";

/// Measured values that the heads predict, in this order (tools/train/degradation_target.h has the formulas):
/// strength of the blur, its two components of direction, sharpening, noise, error of coding, quantizer.
inline constexpr int kReadValues = 7;

/// How an input was degraded, as an embedding sees it. Confidences are 0..1: of a value, the share of its
/// variance in training that the embedding settles; of the codec, its probability. A value is rounded to 3
/// decimals.
struct DegradationReading {
  float blur = 0;             ///< standard deviation along the longer axis, input pixels
  float blur_across = 0;      ///< along the other one
  float blur_degrees = 0;     ///< of the longer axis, 0 (horizontal) to 180, growing towards the bottom
  float blur_confidence = 0;  ///< of the strength
  float sharpening = 0;       ///< how much of what a Gaussian of one pixel takes away was added again
  float noise = 0;            ///< standard deviation, 8-bit codes
  float noise_confidence = 0;
  std::string codec;  ///< the likeliest: none, jpeg, mpeg2, h264, hevc, vp9, av1
  float codec_confidence = 0;
  float qp = 0;  ///< mean quantizer, 0..51 on H.264's scale whatever the codec; 0 for codec none
  float qp_confidence = 0;
  float coding_error = 0;  ///< root mean square of what coding changed, 8-bit codes

  bool operator==(const DegradationReading&) const = default;
};

/// The reading in words, for people.
std::string describe(const DegradationReading& reading);

/// Linear heads on an embedding. Immutable; any thread.
struct DegradationReader {
  std::vector<std::string> codecs;  ///< names, the first "none"
  /// d -> 2 kReadValues + codecs: of each value, standardized, the mean, then the logarithms of the variances
  /// around these means, then the codecs' logits. The quantizer's are those of coded input.
  Linear heads;
  std::vector<float> mean, deviation;  ///< kReadValues: what standardizes a value

  /// embedding: heads.in values.
  DegradationReading read(std::span<const float> embedding) const;
};

/// As JSON, weights to four digits.
std::string reader_text(const DegradationReader& reader);
/// Throws BadWeights naming `file`: not JSON of this form, not of embeddings of this length.
DegradationReader parse_reader(std::string_view text, const CdsrConfig& config, const std::string& file);
/// What the metadata of a weights file says; nothing where it says nothing. Throws as parse_reader().
std::optional<DegradationReader> reader_in(const std::map<std::string, std::string>& metadata,
                                           const CdsrConfig& config, const std::string& file);

}  // namespace cdsr
