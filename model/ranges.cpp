#include "model/ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "model/json_numbers.h"

namespace cdsr {
namespace {

/// Four significant digits, away from 0.
double outwards(float value) {
  if (value == 0) return 0;
  const double step = std::pow(10, std::floor(std::log10(std::abs(value))) - 3);
  return (value > 0 ? std::ceil(value / step) : std::floor(value / step)) * step;
}

std::string numbers(const std::vector<float>& values) {
  std::string text;
  for (const float v : values) text += fmt::format("{}{:.4g}", text.empty() ? "" : ",", outwards(v));
  return "[" + text + "]";
}

}  // namespace

std::string ranges_text(const FeatureRanges& ranges) {
  return fmt::format(R"({{"version":1,"low":{},"high":{}}})", numbers(ranges.low), numbers(ranges.high));
}

FeatureRanges parse_ranges(std::string_view text, const CdsrConfig& config, const std::string& file) {
  const auto value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (config.body != Body::Stack)
    fail(Errc::BadWeights, "{}: {}: only networks with body stack have ranges", file, kRangesKey);
  if (!value.is_object() || !value.contains("version") || value["version"] != 1)
    fail(Errc::BadWeights, "{}: {}: must be an object with version 1", file, kRangesKey);
  const size_t count = (static_cast<size_t>(config.blocks) + 1) * config.nf;
  const std::string place = fmt::format("{}: {}", file, kRangesKey);
  const auto floats = [&](const char* name, float sign) {
    std::vector<float> list = json_numbers(value, name, count, place);
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i] * sign < 0)
        fail(Errc::BadWeights, "{}: {}: value {} must be 0 or {}", place, name, i,
             sign < 0 ? "less" : "more");
    return list;
  };
  return {floats("low", -1), floats("high", 1)};
}

FeatureRanges ranges_in(const std::map<std::string, std::string>& metadata, const CdsrConfig& config,
                        const std::string& file) {
  const auto found = metadata.find(kRangesKey);
  return found == metadata.end() ? FeatureRanges() : parse_ranges(found->second, config, file);
}

void widen(FeatureRanges& ranges, std::span<const Conv> convs, ConstMap picture, Operators& operators) {
  const int nf = convs.front().out, height = picture.height, width = picture.width;
  const size_t layers = convs.size() - 1, plane = static_cast<size_t>(height) * width;
  ranges.low.resize(layers * nf);
  ranges.high.resize(layers * nf);
  std::vector<float> first, in, out(plane * nf);
  for (size_t layer = 0; layer < layers; ++layer) {
    const bool adds = layer > 0 && layer + 1 == layers;
    const ConstMap from = layer == 0 ? picture : ConstMap{nf, height, width, in.data()};
    const ConstMap residual = {nf, height, width, first.data()};
    operators.conv(convs[layer], adds ? 1 : kFuseSlope, from, adds ? &residual : nullptr,
                   Map{nf, height, width, out.data()});
    if (adds)
      for (float& v : out) v = std::max(v, v * kFuseSlope);
    for (int c = 0; c < nf; ++c) {
      const auto [low, high] = std::minmax_element(out.begin() + static_cast<ptrdiff_t>(c * plane),
                                                   out.begin() + static_cast<ptrdiff_t>((c + 1) * plane));
      ranges.low[layer * nf + c] = std::min(ranges.low[layer * nf + c], *low);
      ranges.high[layer * nf + c] = std::max(ranges.high[layer * nf + c], *high);
    }
    if (layer == 0) first = out;
    in = out;
  }
}

}  // namespace cdsr
