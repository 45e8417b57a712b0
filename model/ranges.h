// Where FeatureRanges come from: measured once, on pictures like those to come (`cdsr calibrate`), and kept
// in the weights file under the metadata key cdsr.ranges.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/operators.h"

namespace cdsr {

inline constexpr const char* kRangesKey = "cdsr.ranges";

/// As JSON, to four digits, rounded outwards.
std::string ranges_text(const FeatureRanges& ranges);
/// Throws BadWeights naming `file`: not JSON of this form, not [blocks + 1][nf] finite values around 0.
FeatureRanges parse_ranges(std::string_view text, const CdsrConfig& config, const std::string& file);
/// What the metadata of a weights file says; empty if nothing. Throws as parse_ranges().
FeatureRanges ranges_in(const std::map<std::string, std::string>& metadata, const CdsrConfig& config,
                        const std::string& file);

/// Widens `ranges`, empty or of the same network, to what `picture` (config.channels() planes of 0..1) gives
/// in the convolutions of stack_convs(), which have a shot's weights.
void widen(FeatureRanges& ranges, std::span<const Conv> convs, ConstMap picture, Operators& operators);

}  // namespace cdsr
