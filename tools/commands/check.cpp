// The command `cdsr check`: an upscaled film against what it was made of.
#include "tools/film/check.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "model/error.h"
#include "tools/commands/commands.h"
#include "tools/film/job.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::filesystem::path in, out, stats, json, page;
  int every = 12;
  film::CheckLimits limits;
};

void run(const Arguments& a) {
  std::optional<Film> shots;
  if (!a.stats.empty()) shots = read_film(a.stats);
  const film::FilmCheck check = film::check_film(a.in, a.out, shots ? &*shots : nullptr, a.every, a.limits);
  fmt::print("{}", film::check_table(check));
  if (!a.json.empty()) film::write_text(a.json, film::check_json(check));
  if (!a.page.empty())
    film::write_text(
        a.page,
        film::check_page(check, a.out.filename().string() + " of " + a.in.filename().string(), a.limits));
  if (check.failed() > 0)
    fail(Errc::InvalidArgument, "{}: {} of {} shots fail", a.out.string(), check.failed(),
         check.shots.size());
}

}  // namespace

void add_check(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "check", "Check an upscaled film against its input, shot by shot, without a reference");
  c->add_option("IN", a->in, "what was upscaled")->required();
  c->add_option("OUT", a->out, "what came out: 2, 3 or 4 times as large, as many frames")->required();
  c->add_option("--stats", a->stats, "the film's file, for its shots (default: found in IN)");
  c->add_option("--every", a->every, "look at two neighbouring frames out of so many")
      ->check(CLI::Range(2, 1000000))
      ->capture_default_str();
  c->add_option("--json", a->json, "write the figures there");
  c->add_option("--page", a->page, "write an HTML page there");
  c->footer("Exit status: 0 all shots hold, 1 some fail.");
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
