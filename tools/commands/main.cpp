// The program `cdsr`. Exit status: 0 done, 1 failed (one message on stderr says why), 2 wrong usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

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
  add_check(app);
#else
  constexpr const char* kAvNeeds =
      "install libavformat-dev, libavcodec-dev, libavutil-dev and libswscale-dev";
  add_missing(app, "upscale", kAvNeeds);
  add_missing(app, "eval", kAvNeeds);
  add_missing(app, "degrade", kAvNeeds);
  add_missing(app, "check", kAvNeeds);
#endif
  add_export(app);
  add_film(app);
  add_import(app);
  add_info(app);
  add_ladder(app);
  add_piece(app);
  add_report(app);
  add_shots(app);
#ifdef CDSR_HAVE_BENCH
  add_bench(app);
#else
  add_missing(app, "bench", "install libdnnl-dev");
#endif
#ifdef CDSR_HAVE_TRAIN
  add_train(app);
  add_analyze(app);
  add_calibrate(app);
  add_lab(app);
  add_reader(app);
#else
  for (const char* command : {"train", "analyze", "calibrate", "lab", "reader"})
    add_missing(app, command,
                "install libtorch-dev, libtomlplusplus-dev and FFmpeg's libraries, or set CMAKE_PREFIX_PATH "
                "to a LibTorch");
#endif
}

/// Letters to put in, take out or replace to make one word the other (Levenshtein).
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);  // from a's first letters to each beginning of b
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// Whether `word` is a command; if not, says so, and which one may be meant.
bool is_command(const CLI::App& app, const std::string& word) {
  std::string nearest;
  size_t least = 3;  // more letters are another word
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const size_t letters = distance(word, command->get_name());
    if (letters == 0) return true;
    if (letters >= std::min(least, word.size())) continue;
    least = letters;
    nearest = command->get_name();
  }
  const std::string hint = nearest.empty() ? "`cdsr --help` lists them" : "did you mean '" + nearest + "'?";
  std::fprintf(stderr, "cdsr: no command '%s'; %s\n", word.c_str(), hint.c_str());
  return false;
}

int run(int argc, char** argv) {
  CLI::App app("CDSR: degradation-aware video super-resolution", "cdsr");
  app.set_version_flag("--version", "cdsr " CDSR_VERSION);
  app.require_subcommand(1);
  app.footer("Exit status: 0 done, 1 failed, 2 wrong usage.");
  add_commands(app);
  if (argc > 1 && argv[1][0] != '-' && !is_command(app, argv[1])) return 2;
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
