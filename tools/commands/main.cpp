// The program `cdsr`. Exit status: 0 done, 1 failed (one message on stderr says why), 2 wrong usage.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "model/error.h"
#include "tools/commands/commands.h"

namespace cdsr::tools {
namespace {

/// A command that this build lacks keeps its name, so that asking for it says what to do.
[[maybe_unused]] void add_missing(CLI::App& app, const std::string& name, const std::string& needs) {
  CLI::App* c = app.add_subcommand(name, "(not in this build: " + needs + ")");
  c->allow_extras();
  c->set_help_flag();
  c->callback([name, needs] {
    fail(Errc::Unsupported, "`cdsr {}` is not in this build: {}, then configure and build again", name,
         needs);
  });
}

void add_commands(CLI::App& app) {
#ifdef CDSR_HAVE_LIBAV
  add_upscale(app);
  add_eval(app);
  add_degrade(app);
#else
  constexpr const char* kAvNeeds =
      "install libavformat-dev, libavcodec-dev, libavutil-dev and libswscale-dev";
  add_missing(app, "upscale", kAvNeeds);
  add_missing(app, "eval", kAvNeeds);
  add_missing(app, "degrade", kAvNeeds);
#endif
  add_export(app);
  add_import(app);
  add_info(app);
  add_report(app);
#ifdef CDSR_HAVE_BENCH
  add_bench(app);
#else
  add_missing(app, "bench", "install libdnnl-dev");
#endif
#ifdef CDSR_HAVE_TRAIN
  add_train(app);
  add_analyze(app);
  add_lab(app);
#else
  for (const char* command : {"train", "analyze", "lab"})
    add_missing(app, command,
                "install libtorch-dev, libtomlplusplus-dev and FFmpeg's libraries, or set CMAKE_PREFIX_PATH "
                "to a LibTorch");
#endif
}

int run(int argc, char** argv) {
  CLI::App app("CDSR: degradation-aware video super-resolution", "cdsr");
  app.set_version_flag("--version", "cdsr " CDSR_VERSION);
  app.require_subcommand(1);
  app.footer("Exit status: 0 done, 1 failed, 2 wrong usage.");
  add_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;  // prints help, version or what was wrong
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "cdsr: %s\n", e.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace cdsr::tools

int main(int argc, char** argv) { return cdsr::tools::run(argc, argv); }
