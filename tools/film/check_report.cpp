// What a check has found, for people and for programs.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/film/check.h"
#include "tools/report/chart.h"
#include "tools/report/table_page.h"

namespace cdsr::film {

std::string check_table(const FilmCheck& check) {
  std::string text = fmt::format("{:>5} {:>8} {:>7} {:>6} {:>7} {:>7} {:>8} {:>7} {:>9} {:>7} {:>7}\n",
                                 "shot", "first", "frames", "PSNR", "SSIM", "colour", "temporal", "flicker",
                                 "overshoot", "clipped", "bicubic");
  for (const ShotCheck& c : check.shots) {
    text += fmt::format(
        "{:>5} {:>8} {:>7} {:>6.2f} {:>7.4f} {:>7.2f} {:>8.2f} {:>7.2f} {:>8.2f}% {:>6.2f}% {:>7.2f}\n",
        c.shot, c.first, c.frames, c.psnr, c.ssim, c.colour, c.temporal, c.flicker, c.overshoot, c.clipped,
        c.interpolated);
    for (const std::string& finding : c.findings) text += fmt::format("{:>5} fails: {}\n", "", finding);
  }
  return text;
}

std::string check_json(const FilmCheck& check) {
  nlohmann::ordered_json shots = nlohmann::ordered_json::array();
  for (const ShotCheck& c : check.shots)
    shots.push_back({{"shot", c.shot},
                     {"first", c.first},
                     {"frames", c.frames},
                     {"time", c.time},
                     {"looked_at", c.looked_at},
                     {"psnr", c.psnr},
                     {"ssim", c.ssim},
                     {"colour", c.colour},
                     {"temporal", c.temporal},
                     {"flicker", c.flicker},
                     {"overshoot", c.overshoot},
                     {"clipped", c.clipped},
                     {"interpolated", c.interpolated},
                     {"findings", c.findings}});
  const nlohmann::ordered_json root = {{"format", "cdsr-check"},   {"version", 1},
                                       {"scale", check.scale},     {"frames", check.frames},
                                       {"failed", check.failed()}, {"shots", shots}};
  return root.dump(1) + "\n";
}

std::string check_page(const FilmCheck& check, const std::string& title, const CheckLimits& limits) {
  report::TablePage page;
  page.title = title;
  page.passages = {
      fmt::format(
          "{} frames, {} shots, {} of them fail. The output made small by {} against the input, in codes of "
          "8 bits.",
          check.frames, check.shots.size(), check.failed(), check.scale),
      fmt::format(
          "A shot fails with colour beyond {}, temporal {}, flicker {}, overshoot {} %, clipped {} %, PSNR "
          "below {} dB, or {} dB below that of bicubic interpolation.",
          limits.colour, limits.temporal, limits.flicker, limits.overshoot, limits.clipped, limits.psnr,
          limits.interpolated)};
  page.columns = {{"shot", true},      {"time", true},    {"frames", true},   {"PSNR", true},
                  {"SSIM", true},      {"colour", true},  {"temporal", true}, {"flicker", true},
                  {"overshoot", true}, {"clipped", true}, {"bicubic", true},  {"what to do"}};
  for (const ShotCheck& c : check.shots) {
    std::string findings;
    for (const std::string& finding : c.findings)
      findings += (findings.empty() ? "" : "<br>") + report::escape(finding);
    page.rows.push_back(
        {fmt::format("s{}", c.shot),
         !c.findings.empty(),
         {std::to_string(c.shot), report::clock(c.time), std::to_string(c.frames),
          fmt::format("{:.2f}", c.psnr), fmt::format("{:.4f}", c.ssim), fmt::format("{:.2f}", c.colour),
          fmt::format("{:.2f}", c.temporal), fmt::format("{:.2f}", c.flicker),
          fmt::format("{:.2f} %", c.overshoot), fmt::format("{:.2f} %", c.clipped),
          fmt::format("{:.2f}", c.interpolated), findings}});
  }
  return report::html(page);
}

}  // namespace cdsr::film
