#include "tools/train/recipe.h"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "model/error.h"

namespace cdsr::train {
namespace {

/// Where a value stands, for messages.
std::string place(const std::filesystem::path& path, const toml::node& node) {
  return fmt::format("{}:{}", path.string(), node.source().begin.line);
}

std::string text(const std::filesystem::path& path, const std::string& key, const toml::node& node) {
  if (const auto s = node.value_exact<std::string>()) return *s;
  if (const auto b = node.value_exact<bool>()) return *b ? "true" : "false";
  if (const auto i = node.value_exact<int64_t>()) return fmt::format("{}", *i);
  if (const auto d = node.value_exact<double>()) return fmt::format("{}", *d);
  fail(Errc::InvalidArgument, "{}: {}: must be a string, a number, true, false or an array of these",
       place(path, node), key);
}

double number(const std::filesystem::path& path, const std::string& key, const toml::node* node,
              const toml::node& parent) {
  const auto value = node == nullptr ? std::nullopt : node->value<double>();
  if (!value || !(*value >= 0))
    fail(Errc::InvalidArgument, "{}: [video] {}: must be a number of at least 0", place(path, parent), key);
  return *value;
}

void set_video(const std::filesystem::path& path, const toml::table& table, degrade::VideoOptions& o) {
  const std::map<std::string, double*> numbers = {{"anisotropic", &o.resize_share[0]},
                                                  {"isotropic", &o.resize_share[1]},
                                                  {"bicubic", &o.resize_share[2]},
                                                  {"area", &o.resize_share[3]},
                                                  {"video_anisotropic", &o.resize_video_share[0]},
                                                  {"video_isotropic", &o.resize_video_share[1]},
                                                  {"video_bicubic", &o.resize_video_share[2]},
                                                  {"video_area", &o.resize_video_share[3]},
                                                  {"uncoded", &o.codec_share[0]},
                                                  {"jpeg", &o.codec_share[1]},
                                                  {"mpeg2", &o.codec_share[2]},
                                                  {"h264", &o.codec_share[3]},
                                                  {"hevc", &o.codec_share[4]},
                                                  {"vp9", &o.codec_share[5]},
                                                  {"av1", &o.codec_share[6]},
                                                  {"sharpened", &o.sharpen_share},
                                                  {"fixed", &o.fixed_share},
                                                  {"noisy", &o.gaussian_share},
                                                  {"noise", &o.gaussian},
                                                  {"shot_noisy", &o.shot_share},
                                                  {"shot_noise", &o.shot},
                                                  {"still", &o.still_share},
                                                  {"pan", &o.pan},
                                                  {"soft_originals", &o.soft_share},
                                                  {"soft_pictures", &o.soft_picture_share}};
  const std::map<std::string, degrade::Range*> ranges = {
      {"jpeg_q", &o.jpeg}, {"mpeg2_q", &o.mpeg2}, {"h264_crf", &o.h264},     {"hevc_crf", &o.hevc},
      {"vp9_crf", &o.vp9}, {"av1_crf", &o.av1},   {"sharpness", &o.sharpen}, {"softness", &o.soft}};
  for (const auto& [k, node] : table) {
    const std::string key(k.str());
    if (const auto n = numbers.find(key); n != numbers.end()) {
      *n->second = number(path, key, &node, node);
    } else if (const auto r = ranges.find(key); r != ranges.end()) {
      const toml::array* a = node.as_array();
      if (a == nullptr || a->size() != 2)
        fail(Errc::InvalidArgument, "{}: [video] {}: must be an array of two numbers", place(path, node),
             key);
      *r->second = {number(path, key, a->get(0), node), number(path, key, a->get(1), node)};
      if (r->second->low > r->second->high)
        fail(Errc::InvalidArgument, "{}: [video] {}: {} is above {}", place(path, node), key, r->second->low,
             r->second->high);
    } else {
      fail(Errc::InvalidArgument, "{}: [video] has no '{}'", place(path, node), key);
    }
  }
}

}  // namespace

void apply_recipe(CLI::App& command, const std::filesystem::path& path, degrade::VideoOptions& video) {
  if (!std::filesystem::exists(path)) fail(Errc::Io, "{}: no such recipe", path.string());
  toml::table recipe;
  try {
    recipe = toml::parse_file(path.string());
  } catch (const toml::parse_error& e) {
    fail(Errc::InvalidArgument, "{}:{}: {}", path.string(), e.source().begin.line, e.description());
  }
  for (const auto& [k, node] : recipe) {
    const std::string key(k.str());
    if (key == "video" && node.is_table()) {
      set_video(path, *node.as_table(), video);
      continue;
    }
    CLI::Option* option =
        key == "recipe" || key == "help" ? nullptr : command.get_option_no_throw("--" + key);
    if (option == nullptr)
      fail(Errc::InvalidArgument, "{}: unknown key '{}' (see `cdsr {} --help`)", place(path, node), key,
           command.get_name());
    if (option->count() > 0) continue;  // the command line has the last word
    try {
      if (const toml::array* values = node.as_array())
        for (const toml::node& value : *values) option->add_result(text(path, key, value));
      else
        option->add_result(text(path, key, node));
      option->run_callback();
    } catch (const CLI::Error& e) {
      fail(Errc::InvalidArgument, "{}: {}: {}", place(path, node), key, e.what());
    }
  }
}

}  // namespace cdsr::train
