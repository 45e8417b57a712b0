// The command `cdsr upscale`: one picture.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/media/npy.h"
#include "tools/media/progress_line.h"
#include "tools/media/upscaler.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::string model, in, out;
  int scale = 2;
  EngineArguments engine;
};

void run(const Arguments& a, bool scale_given) {
  const bool is_name = !a.model.ends_with(".safetensors") && a.model.find('/') == std::string::npos;
  const bool raw = a.out.ends_with(".npy");
  if (!raw) check_picture_name(a.out);
  const Picture lr = read_picture(a.in);
  Upscaler upscaler(a.model, is_name || scale_given ? a.scale : 0, a.engine);
  const int s = upscaler.network().config.scale;
  ProgressLine progress(stderr, isatty(fileno(stderr)) != 0);
  const auto done = [&](int rows, int all) { progress.show(rows, all); };
  if (raw)
    write_npy(a.out, {int64_t{lr.height} * s, int64_t{lr.width} * s, 3},
              upscaler(lr, EmbeddingSource::Picture, done));
  else
    write_picture(a.out, upscaler.picture(lr, done));
}

}  // namespace

void add_upscale(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("upscale", "Upscale one picture");
  c->add_option("MODEL", a->model, "a released model's name or a .safetensors file")->required();
  c->add_option("IN", a->in, "PNG, JPEG, WebP, TIFF, BMP, ...")->required();
  c->add_option("OUT", a->out, ".png, .jpg, or .npy: the raw float result, height x width x 3 on 0..255")
      ->required();
  const CLI::Option* scale = c->add_option("--scale", a->scale, "2, 3 or 4; a file has its own")
                                 ->check(CLI::Range(2, 4))
                                 ->capture_default_str();
  add_engine_options(*c, a->engine);
  c->callback([a, scale] { run(*a, scale->count() > 0); });
}

}  // namespace cdsr::tools
