#include "model/degradation_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "model/error.h"
#include "model/json_numbers.h"

namespace cdsr {
namespace {

enum Value { kBlur, kAlong, kDiagonal, kSharpening, kNoise, kCodingError, kQuantizer };

constexpr size_t kMostCodecs = 16, kMostName = 16;

float rounded(double value) { return static_cast<float>(std::round(value * 1000) / 1000); }

/// 0..1, what a head's logarithm of a variance leaves of a variance of 1.
float confidence(double log_variance) { return rounded(1 - std::exp(std::min(log_variance, 0.0))); }

/// Values of a limited exponent, so that every reading is one that a film's file may hold.
double power(double base, double exponent) { return std::pow(base, std::clamp(exponent, -16.0, 16.0)); }

std::string shown_codec(const std::string& name) {
  const std::pair<std::string_view, std::string_view> kNames[] = {{"jpeg", "JPEG"},  {"mpeg2", "MPEG-2"},
                                                                  {"h264", "H.264"}, {"hevc", "HEVC"},
                                                                  {"vp9", "VP9"},    {"av1", "AV1"}};
  for (const auto& [known, shown] : kNames)
    if (known == name) return std::string(shown);
  return name;
}

/// Before a value that is hardly more than what is usual in training.
const char* doubt(float confidence) { return confidence < 0.25F ? "perhaps " : ""; }

std::string blur_words(const DegradationReading& r) {
  const char* word = r.blur < 0.35F  ? "sharp"
                     : r.blur < 0.6F ? "slightly soft"
                     : r.blur < 1    ? "soft"
                                     : "blurred";
  std::string text = fmt::format("{}{} ({:.2g} px", doubt(r.blur_confidence), word, r.blur);
  if (r.blur >= 0.6F && r.blur > 1.5F * r.blur_across)
    text += fmt::format(" along {:.0f}°, {:.2g} px across", r.blur_degrees, r.blur_across);
  return text + (r.sharpening > 0.25F ? "), sharpened" : ")");
}

std::string noise_words(const DegradationReading& r) {
  if (r.noise < 1) return "no noise";
  const char* word = r.noise < 4 ? "little noise" : r.noise < 9 ? "noise" : "much noise";
  return fmt::format("{}{} ({:.2g})", doubt(r.noise_confidence), word, r.noise);
}

std::string coding_words(const DegradationReading& r) {
  if (r.codec == "none") return fmt::format("not compressed ({:.0f} %)", 100 * r.codec_confidence);
  const char* word = r.qp < 20   ? "lightly"
                     : r.qp < 27 ? "moderately"
                     : r.qp < 34 ? "strongly"
                                 : "very strongly";
  return fmt::format("{} compressed: {} ({:.0f} %), QP {:.0f}", word, shown_codec(r.codec),
                     100 * r.codec_confidence, r.qp);
}

std::string numbers_text(const std::vector<float>& values) {
  std::string text;
  for (const float v : values) text += fmt::format("{}{:.4g}", text.empty() ? "" : ",", v);
  return "[" + text + "]";
}

}  // namespace

std::string describe(const DegradationReading& reading) {
  return fmt::format("{}, {}, {}", blur_words(reading), noise_words(reading), coding_words(reading));
}

DegradationReading DegradationReader::read(std::span<const float> embedding) const {
  std::vector<double> out(heads.bias.begin(), heads.bias.end());
  for (size_t o = 0; o < out.size(); ++o)
    for (size_t i = 0; i < embedding.size(); ++i)
      out[o] += static_cast<double>(heads.weight[o * embedding.size() + i]) * embedding[i];
  const auto value = [&](Value v) { return mean[v] + out[v] * deviation[v]; };
  const auto sure = [&](Value v) { return confidence(out[kReadValues + v]); };

  DegradationReading r;
  // The covariance's trace, the difference of its diagonal and twice its other value (square pixels).
  const double trace = std::max(0.0, power(std::numbers::e, value(kBlur)) - 0.1);
  const double straight = value(kAlong) * (trace + 0.2), oblique = value(kDiagonal) * (trace + 0.2);
  const double difference = std::min(trace, std::hypot(straight, oblique));
  r.blur = rounded(std::sqrt((trace + difference) / 2));
  r.blur_across = rounded(std::sqrt((trace - difference) / 2));
  const double degrees = std::atan2(oblique, straight) * 90 / std::numbers::pi;
  r.blur_degrees = rounded(degrees < 0 ? degrees + 180 : degrees);
  r.blur_confidence = sure(kBlur);
  r.sharpening = rounded(std::clamp(value(kSharpening), 0.0, 1.0));
  r.noise = rounded(std::max(0.0, power(2, value(kNoise)) - 0.5));
  r.noise_confidence = sure(kNoise);
  const auto logits = out.begin() + 2 * kReadValues;
  const auto best = std::max_element(logits, out.end());
  double sum = 0;
  for (auto logit = logits; logit != out.end(); ++logit) sum += std::exp(*logit - *best);
  r.codec = codecs[static_cast<size_t>(best - logits)];
  r.codec_confidence = rounded(1 / sum);
  if (best != logits) {
    r.qp = rounded(std::clamp(10 * value(kQuantizer), 0.0, 51.0));
    r.qp_confidence = sure(kQuantizer);
  }
  r.coding_error = rounded(std::sqrt(std::max(0.0, power(2, value(kCodingError)) - 0.1)));
  return r;
}

std::string reader_text(const DegradationReader& reader) {
  return fmt::format(R"({{"version":1,"codecs":{},"mean":{},"deviation":{},"bias":{},"weight":{}}})",
                     nlohmann::json(reader.codecs).dump(), numbers_text(reader.mean),
                     numbers_text(reader.deviation), numbers_text(reader.heads.bias),
                     numbers_text(reader.heads.weight));
}

DegradationReader parse_reader(std::string_view text, const CdsrConfig& config, const std::string& file) {
  const auto value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object() || !value.contains("version") || value["version"] != 1)
    fail(Errc::BadWeights, "{}: {}: must be an object with version 1", file, kReaderKey);
  DegradationReader reader;
  const auto codecs = value.find("codecs");
  if (codecs == value.end() || !codecs->is_array() || codecs->empty() || codecs->size() > kMostCodecs)
    fail(Errc::BadWeights, "{}: {}: codecs must be a list of 1..{} names", file, kReaderKey, kMostCodecs);
  for (const auto& codec : *codecs) {
    const std::string name = codec.is_string() ? codec.template get<std::string>() : "";
    const bool plain = std::all_of(name.begin(), name.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
    if (name.empty() || name.size() > kMostName || !plain || reader.codecs.empty() != (name == "none"))
      fail(Errc::BadWeights,
           "{}: {}: codecs: name {} must be of 1..{} letters a-z and digits, the first \"none\"", file,
           kReaderKey, reader.codecs.size(), kMostName);
    reader.codecs.push_back(name);
  }
  const auto in = static_cast<size_t>(config.embedding());
  const size_t out = 2 * kReadValues + reader.codecs.size();
  const std::string place = fmt::format("{}: {}", file, kReaderKey);
  reader.mean = json_numbers(value, "mean", kReadValues, place);
  reader.deviation = json_numbers(value, "deviation", kReadValues, place);
  reader.heads = {config.embedding(), static_cast<int>(out), json_numbers(value, "weight", out * in, place),
                  json_numbers(value, "bias", out, place)};
  return reader;
}

std::optional<DegradationReader> reader_in(const std::map<std::string, std::string>& metadata,
                                           const CdsrConfig& config, const std::string& file) {
  const auto found = metadata.find(kReaderKey);
  if (found == metadata.end()) return std::nullopt;
  return parse_reader(found->second, config, file);
}

}  // namespace cdsr
