#include "tools/report/page.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "tools/report/chart.h"

namespace cdsr::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Run {
  std::string name;
  fs::path folder;
  std::vector<json> entries;
};

Run read_run(const fs::path& path) {
  const fs::path absolute = fs::absolute(path);
  Run run{absolute.parent_path().filename().string(), absolute.parent_path(), {}};
  std::ifstream in(path);
  if (!in) fail(Errc::Io, "{}: cannot open: {}", path.string(), std::strerror(errno));
  for (std::string line; std::getline(in, line);) {
    json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (entry.is_object() && entry.contains("event") && entry.contains("step"))
      run.entries.push_back(std::move(entry));
  }
  if (run.entries.empty()) fail(Errc::InvalidArgument, "{}: no entry of a training log in it", path.string());
  return run;
}

Series series(const Run& run, const char* event, const char* key, double factor = 1) {
  Series s{run.name, {}};
  for (const json& e : run.entries)
    if (e["event"] == event && e.contains(key) && e[key].is_number())
      s.points.emplace_back(e["step"].get<double>(), factor * e[key].get<double>());
  return s;
}

Chart chart(const std::vector<Run>& runs, const char* title, const char* unit, const char* event,
            const char* key, double factor = 1) {
  Chart c{title, unit, {}};
  for (const Run& run : runs) c.series.push_back(series(run, event, key, factor));
  return c;
}

/// PSNR of each run and of bicubic interpolation, a level line.
Chart psnr_chart(const std::vector<Run>& runs) {
  Chart c = chart(runs, "Validation PSNR on Y", "dB", "validation", "psnr");
  for (const Run& run : runs)
    for (const json& e : run.entries)
      if (e["event"] == "bicubic" && e.contains("psnr")) {
        const double steps = run.entries.back()["step"].get<double>(), level = e["psnr"].get<double>();
        c.series.push_back({"bicubic", {{0, level}, {steps, level}}});
        return c;
      }
  return c;
}

/// Where the processor time of the first run went.
Chart work_chart(const Run& run) {
  Chart c{"Work of " + run.name, "% of processor time", {}};
  for (const char* part : {"data", "degrade", "network"}) {
    c.series.push_back(series(run, "train", part, 100));
    c.series.back().name = part;
  }
  return c;
}

std::string picture(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return "";
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return image(escape(path.stem().string()), "png", bytes);
}

std::string crops(const Run& run) {
  std::string out;
  for (int i = 0; fs::exists(run.folder / "crops" / fmt::format("{}-sr.png", i)); ++i)
    for (const char* what : {"lr", "sr", "hr"})
      out += fmt::format("<td>{}</td>{}", picture(run.folder / "crops" / fmt::format("{}-{}.png", i, what)),
                         std::string(what) == "hr" ? "</tr>\n<tr>" : "");
  if (out.empty()) return "";
  return fmt::format(
      "<h2>Before and after: {}</h2>\n<table class=\"crops\"><tr><th>before "
      "(bicubic)</th><th>after</th><th>original"
      "</th></tr>\n<tr>{}</tr></table>\n",
      escape(run.name), out);
}

std::string text(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string summary(const Run& run) {
  const json& last = run.entries.back();
  double best = 0;
  std::string rows;
  for (const json& e : run.entries)
    if (e["event"] == "validation" && e.contains("psnr")) best = std::max(best, e["psnr"].get<double>());
  const auto row = [&](const std::string& name, const std::string& value) {
    rows += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(value));
  };
  row("steps", text(last["step"]));
  if (best > 0) row("best validation PSNR-Y", fmt::format("{:.3f} dB", best));
  for (const json& e : run.entries) {
    if (e["event"] != "start") continue;
    for (const auto& [key, value] : e.items())
      if (key != "event" && key != "step" && key != "time") row(key, text(value));
    break;
  }
  return fmt::format("<h2>{}</h2>\n<table class=\"facts\">\n{}</table>\n", escape(run.name), rows);
}

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>CDSR training report</title>
<style>
:root { color-scheme: light dark; --ink: light-dark(#222, #ddd); --faint: light-dark(#ddd, #444); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #181818);
  max-width: 1480px; margin: 2em auto; padding: 0 1em; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 1.5em; }
figure { margin: 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: currentColor; }
.x { text-anchor: middle; } .y { text-anchor: end; } .grid { stroke: var(--faint); }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.s0 { --c: #2a6fdb; } .s1 { --c: #d9822b; } .s2 { --c: #2f9e57; } .s3 { --c: #c23b5a; } .s4 { --c: #7d57c2; } .s5 { --c: #7a7a7a; }
path.line { stroke: var(--c); } circle { fill: var(--c); }
.legend { margin: 0; } .legend span::before { content: "\25A0\00a0"; color: var(--c); }
table { border-collapse: collapse; } th, td { text-align: left; vertical-align: top; padding: .15em .8em .15em 0; }
.facts td { overflow-wrap: anywhere; } .facts th { white-space: nowrap; font-weight: 500; }
.crops img { width: 100%; max-width: 384px; image-rendering: pixelated; display: block; }
</style></head><body>
<h1>CDSR training report</h1>
)";

}  // namespace

std::string page(const std::vector<fs::path>& logs) {
  std::vector<Run> runs;
  runs.reserve(logs.size());
  for (const fs::path& log : logs) runs.push_back(read_run(log));
  std::string out = kHead;
  out += "<div class=\"charts\">\n";
  out += svg(psnr_chart(runs));
  out += svg(chart(runs, "L1 on 0..255", "", "train", "l1"));
  out += svg(chart(runs, "Contrastive loss", "", "train", "contrast"));
  out += svg(
      chart(runs, "Queue accuracy", "% of queries whose positive scores highest", "train", "accuracy", 100));
  out += svg(chart(runs, "Learning rate", "", "train", "rate"));
  out += svg(chart(runs, "Norm of the gradient", "", "train", "gradient"));
  out += svg(chart(runs, "Speed", "images/s", "train", "images_s"));
  out += svg(work_chart(runs.front()));
  out += "</div>\n";
  for (const Run& run : runs) out += crops(run);
  for (const Run& run : runs) out += summary(run);
  return out + "</body></html>\n";
}

}  // namespace cdsr::report
