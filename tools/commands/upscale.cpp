// The command `cdsr upscale`: one picture.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/media/frame_to_rgb.h"
#include "tools/media/frame_upscaler.h"
#include "tools/media/npy.h"
#include "tools/media/picture_file.h"
#include "tools/media/progress_line.h"
#include "tools/media/sample_rows.h"
#include "tools/media/upscaler.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::string model, in, out;
  int scale = 2;
  EngineArguments engine;
};

/// Its name in single quotes where a shell would take it apart.
std::string quoted(const std::string& name) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr("/._-+=:@%,", c) != nullptr;
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), plain)) return name;
  std::string out = "'";
  for (const char c : name) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void say(const std::string& line) { std::fprintf(stderr, "cdsr: %s\n", line.c_str()); }

void say_what_is_lost(const Arguments& a, const std::vector<std::string>& lost) {
  if (!lost.empty())
    say(fmt::format("{} does not hold all of {}: lost is {}", a.out, a.in, fmt::join(lost, ", ")));
}

/// What a raw result has no room for.
std::vector<std::string> lost_in_rgb(const AVFrame& frame, const std::string& name) {
  const SampleRows rows(frame, name, 255);
  std::vector<std::string> lost;
  if (rows.has_alpha()) lost.emplace_back("transparency");
  if (rows.depth() > 8) lost.push_back(fmt::format("8 of {} bits", rows.depth()));
  if (av_frame_get_side_data(&frame, AV_FRAME_DATA_ICC_PROFILE) != nullptr)
    lost.emplace_back("the colour profile");
  return lost;
}

void run(const Arguments& a, bool scale_given) {
  const bool is_name = !a.model.ends_with(".safetensors") && a.model.find('/') == std::string::npos;
  const int scale = is_name || scale_given ? a.scale : 0;
  const bool raw = a.out.ends_with(".npy");
  if (!raw) check_picture_name(a.out);
  const PictureFile in = read_picture_file(a.in);
  const auto say_what_is_left = [&](int factor) {
    if (in.has_more)
      say(
          fmt::format("{} holds more than one picture, only the first is upscaled; all of them: ffmpeg -i {} "
                      "-vf cdsr=model={}:scale={} -plays 0 out.apng",
                      a.in, quoted(a.in), quoted(a.model), factor));
  };
  ProgressLine progress(stderr, isatty(fileno(stderr)) != 0);
  const auto done = [&](int rows, int all) { progress.show(rows, all); };
  if (raw) {
    Upscaler upscaler(a.model, scale, a.engine);
    const int s = upscaler.network().config.scale;
    say_what_is_left(s);
    const Picture lr = frame_to_rgb(*in.frame, a.in);
    write_npy(a.out, {int64_t{lr.height} * s, int64_t{lr.width} * s, 3},
              upscaler(lr, EmbeddingSource::Picture, done));
    say_what_is_lost(a, lost_in_rgb(*in.frame, a.in));
    return;
  }
  FrameUpscaler upscaler(a.model, scale, a.engine);
  say_what_is_left(upscaler.scale());
  check_picture_size(a.out, in.frame->width * upscaler.scale(), in.frame->height * upscaler.scale());
  say_what_is_lost(a, write_picture_file(a.out, *upscaler(*in.frame, a.in, done)));
}

}  // namespace

void add_upscale(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "upscale", "Upscale one picture; grey, alpha, 16 bits and colour profile stay where OUT can hold them");
  c->add_option("MODEL", a->model, "a released model's name or a .safetensors file")->required();
  c->add_option("IN", a->in,
                "PNG, JPEG, WebP, TIFF, BMP, ...; of an animation the first frame; a camera's turn is "
                "applied, EXIF left out")
      ->required();
  c->add_option("OUT", a->out, ".png, .jpg, or .npy: the raw float result, height x width x 3 on 0..255")
      ->required();
  const CLI::Option* scale = c->add_option("--scale", a->scale, "2, 3 or 4; a file has its own")
                                 ->check(CLI::Range(2, 4))
                                 ->capture_default_str();
  add_engine_options(*c, a->engine);
  c->callback([a, scale] { run(*a, scale->count() > 0); });
}

}  // namespace cdsr::tools
