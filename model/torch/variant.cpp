#include "model/torch/variant.h"

#include <charconv>

#include "model/error.h"

namespace cdsr::nn {
namespace {

void set_fusion(Variant& v, Fusion fusion, std::string_view word) {
  if (v.fusion != Fusion::Dqa && v.fusion != fusion)
    fail(Errc::InvalidArgument, "variant: {} beside another fusion, must be one", word);
  v.fusion = fusion;
}

void set_word(Variant& v, std::string_view word) {
  if (word == "no-pixel") {
    v.pixel = false;
  } else if (word == "no-patch") {
    v.patch = false;
  } else if (word == "no-csc") {
    v.csc = false;
  } else if (word == "no-dqa" || word == "dynconv") {
    set_fusion(v, Fusion::DynamicConv, word);
  } else if (word == "adain") {
    set_fusion(v, Fusion::AdaIn, word);
  } else if (word == "skp") {
    v.kernel = true;
  } else if (word == "dasr-encoder") {
    v.dasr_encoder = true;
  } else if (word == "dasr-sr") {
    v.dasr_sr = true;
  } else if (word == "dasr") {
    v.dasr_encoder = v.dasr_sr = true;
  } else if (word.starts_with("group=")) {
    const std::string_view number = word.substr(6);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), v.group);
    if (error != std::errc() || end != number.data() + number.size() || v.group < 1 || v.group > 16)
      fail(Errc::InvalidArgument, "variant: {}, must be group=1 to group=16", word);
  } else {
    fail(Errc::InvalidArgument,
         "variant: '{}', must be no-pixel, no-patch, no-csc, no-dqa, dynconv, adain, skp, dasr-encoder, "
         "dasr-sr, dasr or group=N",
         word);
  }
}

}  // namespace

Variant variant_from_string(std::string_view text) {
  Variant v;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    set_word(v, text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  if (!v.pixel && !v.patch)
    fail(Errc::InvalidArgument, "variant: no-pixel and no-patch together leave no encoder");
  if (v.dasr_encoder && !(v.pixel && v.patch && v.csc))
    fail(Errc::InvalidArgument, "variant: dasr-encoder has no branches and no codebook to leave out");
  if (v.dasr_sr && v.fusion != Fusion::Dqa)
    fail(Errc::InvalidArgument, "variant: dasr-sr has a fusion of its own");
  if (!v.dasr_sr && v.group != Variant{}.group)
    fail(Errc::InvalidArgument, "variant: group={} without dasr-sr", v.group);
  return v;
}

std::string to_string(const Variant& v) {
  std::string out;
  const auto add = [&](bool on, const std::string& word) {
    if (on) out += (out.empty() ? "" : ",") + word;
  };
  add(!v.pixel, "no-pixel");
  add(!v.patch, "no-patch");
  add(!v.csc, "no-csc");
  add(v.fusion == Fusion::DynamicConv, "dynconv");
  add(v.fusion == Fusion::AdaIn, "adain");
  add(v.kernel, "skp");
  add(v.dasr_encoder && v.dasr_sr, "dasr");
  add(v.dasr_encoder && !v.dasr_sr, "dasr-encoder");
  add(!v.dasr_encoder && v.dasr_sr, "dasr-sr");
  add(v.group != Variant{}.group, fmt::format("group={}", v.group));
  return out;
}

}  // namespace cdsr::nn
