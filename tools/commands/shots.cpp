// The command `cdsr shots`: a film file as an HTML page.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "model/atomic_file.h"
#include "tools/commands/commands.h"
#include "tools/film/shots_page.h"

namespace cdsr::tools {

void add_shots(CLI::App& app) {
  struct Arguments {
    std::filesystem::path film, out = "film.html";
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("shots", "Show the shots of a film file as one HTML page");
  c->add_option("FILM", a->film, "what `ffmpeg -vf cdsr=pass=1:stats=FILM` has written")->required();
  c->add_option("-o,--out", a->out, "the page to write")->capture_default_str();
  c->callback([a] {
    const Film film = read_film(a->film);
    const std::string html = film::shots_page(film, a->film.filename().string());
    AtomicFile file(a->out);
    file.write(html.data(), html.size());
    file.commit();
    fmt::print("{}: {} shots, {} bytes\n", a->out.string(), film.shots.size(), html.size());
  });
}

}  // namespace cdsr::tools
