// The command `cdsr ladder`: renditions of one film are upscaled alike.
#include "tools/film/ladder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <vector>

#include "model/error.h"
#include "tools/commands/commands.h"

namespace cdsr::tools {

void add_ladder(CLI::App& app) {
  struct Arguments {
    std::filesystem::path first;
    std::vector<std::filesystem::path> others;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "ladder",
      "Give the shots of other renditions of a film the embeddings of the first, matched by their times");
  c->add_option("FIRST", a->first, "film file of the rendition that is looked at")->required();
  c->add_option("OTHER", a->others, "film files of the others; rewritten")->required();
  c->callback([a] {
    const Film first = read_film(a->first);
    for (const std::filesystem::path& path : a->others) {
      Film film = read_film(path);
      std::vector<size_t> alone;
      try {
        alone = film::look_like(film, first);
      } catch (const Error& e) {
        fail(e.code(), "{}: {}", path.string(), e.what());
      }
      write_film(path, film);
      fmt::print("{}: {} of {} shots as in {}", path.string(), film.shots.size() - alone.size(),
                 film.shots.size(), a->first.string());
      fmt::print("{}\n", alone.empty() ? "" : fmt::format("; on their own: {}", fmt::join(alone, ", ")));
    }
  });
}

}  // namespace cdsr::tools
