#include "tools/film/shots_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "tools/report/chart.h"
#include "tools/report/table_page.h"

namespace cdsr::film {
namespace {

using report::escape;

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
  if (shot.sharpness) edits.push_back(fmt::format("sharpness {}", *shot.sharpness));
  if (shot.skip) edits.emplace_back("skip");
  if (shot.like) edits.push_back(fmt::format("like <a href=\"#s{0}\">{0}</a>", *shot.like));
  if (shot.lock) edits.emplace_back("lock");
  return fmt::format("{}", fmt::join(edits, ", "));
}

/// What its last look reads, with the confidences; of most shots it is the only one.
std::string reading_cell(const FilmShot& shot) {
  if (shot.looks.empty() || !shot.looks.back().reading) return "";
  const DegradationReading& r = *shot.looks.back().reading;
  return fmt::format("<span title=\"confidence: blur {:.0f} %, noise {:.0f} %, QP {:.0f} %\">{}</span>",
                     100 * r.blur_confidence, 100 * r.noise_confidence, 100 * r.qp_confidence,
                     escape(describe(r)));
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

std::string shots_page(const Film& film, const std::string& name, const std::vector<std::string>& pictures) {
  report::TablePage page;
  page.title = name;
  page.passages = {
      fmt::format("{} frames of {}×{}, {} shots; model {} ×{}, weights {}, query {}.", film.frames,
                  film.width, film.height, film.shots.size(), escape(film.model), film.scale,
                  escape(film.weights), to_string(film.query)),
      "Input: how it was degraded, as the network sees it: blur in input pixels, noise in 8-bit codes, the "
      "codec with its probability, the mean quantizer on H.264's scale.",
      "Closest: the other shot whose embedding is most alike, 0 being the same; a candidate for "
      "<code>like</code>."};
  page.columns = {{"shot", true}, {"time", true}, {"frames"},  {"count", true}, {"score", true},
                  {"scene"},      {"input"},      {"closest"}, {"set by hand"}};
  if (!pictures.empty()) page.columns.push_back({"its middle"});
  for (size_t i = 0; i < film.shots.size(); ++i) {
    const FilmShot& shot = film.shots[i];
    const std::string edits = edits_text(shot);
    page.rows.push_back(
        {fmt::format("s{}", i),
         !edits.empty(),
         {std::to_string(i), report::clock(shot.time), frames_text(shot), std::to_string(frame_count(shot)),
          fmt::format("{:.3f}", shot.score), shot.known ? "seen before" : "new", reading_cell(shot),
          closest_text(film, i), edits}});
    if (!pictures.empty()) page.rows.back().cells.push_back(pictures[i]);
  }
  return report::html(page);
}

}  // namespace cdsr::film
