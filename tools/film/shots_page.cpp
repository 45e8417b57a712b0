#include "tools/film/shots_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "tools/report/chart.h"

namespace cdsr::film {
namespace {

using report::escape;

/// 1:02:03.450.
std::string clock(double seconds) {
  const auto ms = static_cast<int64_t>(std::llround(std::abs(seconds) * 1000));
  return fmt::format("{}{}:{:02}:{:02}.{:03}", seconds < 0 ? "-" : "", ms / 3600000, ms / 60000 % 60,
                     ms / 1000 % 60, ms % 1000);
}

std::string frames_text(const FilmShot& shot) {
  std::vector<std::string> stretches;
  for (const FilmShot::Stretch& s : shot.frames)
    stretches.push_back(s.first == s.last ? fmt::format("{}", s.first)
                                          : fmt::format("{}–{}", s.first, s.last));
  return fmt::format("{}", fmt::join(stretches, ", "));
}

int64_t frame_count(const FilmShot& shot) {
  int64_t count = 0;
  for (const FilmShot::Stretch& s : shot.frames) count += s.last - s.first + 1;
  return count;
}

std::string edits_text(const FilmShot& shot) {
  std::vector<std::string> edits;
  if (shot.strength) edits.push_back(fmt::format("strength {}", *shot.strength));
  if (shot.skip) edits.emplace_back("skip");
  if (shot.like) edits.push_back(fmt::format("like <a href=\"#s{0}\">{0}</a>", *shot.like));
  if (shot.lock) edits.emplace_back("lock");
  return fmt::format("{}", fmt::join(edits, ", "));
}

/// The other shot with the closest embedding that is not the very same scene remembered.
std::string closest_text(const Film& film, size_t index) {
  const FilmShot& shot = film.shots[index];
  if (shot.looks.empty()) return "no embedding";
  std::optional<size_t> best;
  double least = 0;
  for (size_t i = 0; i < film.shots.size(); ++i) {
    const FilmShot& other = film.shots[i];
    if (i == index || other.looks.empty()) continue;
    if (other.looks.back().embedding.size() != shot.looks.back().embedding.size()) continue;
    const double distance = embedding_distance(shot.looks.back().embedding, other.looks.back().embedding);
    if (best && distance >= least) continue;
    best = i;
    least = distance;
  }
  return best ? fmt::format("<a href=\"#s{0}\">{0}</a> at {1:.3f}", *best, least) : "";
}

constexpr const char* kStyle = R"(<style>
:root { color-scheme: light dark; --faint: light-dark(#ddd, #444); }
body { font: 15px/1.5 system-ui, sans-serif; color: light-dark(#222, #ddd); background: light-dark(#fff, #181818);
  max-width: 1100px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2em .8em .2em 0; }
tbody tr { border-top: 1px solid var(--faint); } .n { text-align: right; font-variant-numeric: tabular-nums; }
.edited { background: light-dark(#fff6d8, #3a3318); } tr:target { outline: 2px solid #2a6fdb; } a { color: inherit; }
</style>
)";

}  // namespace

double embedding_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  if (aa == 0 || bb == 0) return aa == bb ? 0 : 1;
  return std::clamp(1 - ab / std::sqrt(aa * bb), 0.0, 2.0);
}

std::string shots_page(const Film& film, const std::string& name) {
  const std::string title = escape(name);
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{0}</title>\n{1}</head><body>\n<h1>{0}</h1>\n"
      "<p>{2} frames of {3}×{4}, {5} shots; model {6} ×{7}, weights {8}, query {9}.</p>\n"
      "<p>Closest: the other shot whose embedding is most alike, 0 being the same; a candidate for "
      "<code>like</code>.</p>\n",
      title, kStyle, film.frames, film.width, film.height, film.shots.size(), escape(film.model), film.scale,
      escape(film.weights), to_string(film.query));
  out +=
      "<table><thead><tr><th class=\"n\">shot</th><th class=\"n\">time</th><th>frames</th><th "
      "class=\"n\">count</th><th class=\"n\">score</th><th>scene</th><th>closest</th><th>set by "
      "hand</th></tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < film.shots.size(); ++i) {
    const FilmShot& shot = film.shots[i];
    const std::string edits = edits_text(shot);
    out += fmt::format(
        "<tr id=\"s{0}\"{1}><td class=\"n\">{0}</td><td class=\"n\">{2}</td><td>{3}</td><td "
        "class=\"n\">{4}</td><td class=\"n\">{5:.3f}</td><td>{6}</td><td>{7}</td><td>{8}</td></tr>\n",
        i, edits.empty() ? "" : " class=\"edited\"", clock(shot.time), frames_text(shot), frame_count(shot),
        shot.score, shot.known ? "seen before" : "new", closest_text(film, i), edits);
  }
  return out + "</tbody></table>\n</body></html>\n";
}

}  // namespace cdsr::film
