// The command `cdsr shots`: a film file as an HTML page.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "model/atomic_file.h"
#include "tools/commands/commands.h"
#include "tools/film/shots_page.h"
#ifdef CDSR_HAVE_LIBAV
#include "tools/film/shot_pictures.h"
#endif

namespace cdsr::tools {

void add_shots(CLI::App& app) {
  struct Arguments {
    std::filesystem::path film, out = "film.html", video;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("shots", "Show the shots of a film file as one HTML page");
  c->add_option("FILM", a->film, "what `ffmpeg -vf cdsr=pass=1:stats=FILM` has written")->required();
  c->add_option("-o,--out", a->out, "the page to write")->capture_default_str();
#ifdef CDSR_HAVE_LIBAV
  c->add_option("--thumbnails", a->video, "the film itself: a small picture of each shot");
#endif
  c->callback([a] {
    const Film film = read_film(a->film);
    std::vector<std::string> pictures;
#ifdef CDSR_HAVE_LIBAV
    if (!a->video.empty()) pictures = film::shot_pictures(film, a->video);
#endif
    const std::string html = film::shots_page(film, a->film.filename().string(), pictures);
    AtomicFile file(a->out);
    file.write(html.data(), html.size());
    file.commit();
    fmt::print("{}: {} shots, {} bytes\n", a->out.string(), film.shots.size(), html.size());
  });
}

}  // namespace cdsr::tools
