#include "tools/bench/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace cdsr::tools {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void print_table(const BenchReport& r) {
  fmt::print("{}, {}x{} -> {}x{}, query {}, {} frames; weights {}\n", r.model, r.width, r.height,
             r.width * r.scale, r.height * r.scale, to_string(r.query), r.frames, r.weights);
  fmt::print("backend {}, {}, {}, {} thread(s), {:.1f} MiB planned: {:.1f} bytes a pixel, {} band(s)\n\n",
             r.engine.backend, r.engine.detail, to_string(r.engine.precision), r.engine.threads,
             static_cast<double>(r.engine.planned_bytes) / (1 << 20), r.bytes_per_pixel(), r.bands);
  fmt::print("{:<34}{:>10.2f} ms  {:>9.1f} fps  {:>8.1f} GMAC/s   (90th percentile {:.2f} ms)\n",
             "engine, a frame", r.frame_ms, 1e3 / r.frame_ms, r.rate() * 1e-9, r.frame_p90_ms);
  fmt::print("{:<34}{:>37.1f} GMAC/s   {}\n", "oneDNN's own convolution", r.yardstick_rate * 1e-9,
             r.yardstick);
  fmt::print("{:<34}{:>37.1f} %\n", "engine's share of it", 100 * r.share());
  fmt::print("{:<34}{:>37.1f} %          {:.2f} ms; {:.1f} GMAC/s a thread\n\n", "the same in processor time",
             100 * r.processor_share(), r.processor_ms, r.yardstick_processor * 1e-9);
  if (!r.convolutions.empty()) {
    // By name: the same for many shapes.
    std::map<std::string, std::set<std::string>> by_name;
    for (const auto& [layer, name] : r.convolutions)
      by_name[name].insert(layer.substr(0, layer.rfind(' ')));  // without the size
    for (const auto& [name, layers] : by_name) fmt::print("  {:<32}{}\n", name, fmt::join(layers, ", "));
    fmt::print("\n");
  }
  double all = 0;
  for (const StageTime& s : r.stages) all += s.seconds;
  for (const StageTime& s : r.stages) {
    fmt::print("  {:<32}{:>10.3f} ms {:>9.1f} %", s.stage, s.seconds * 1e3, 100 * s.seconds / all);
    if (s.macs > 0) fmt::print("   {:>8.1f} GMAC/s a thread", s.macs / s.seconds * 1e-9);
    fmt::print("\n");
  }
  fmt::print("  {:<32}{:>10.3f} ms   of {:.3f} ms x {} thread(s)\n\n", "all stages, all threads", all * 1e3,
             r.frame_ms, r.engine.threads);
  fmt::print(
      "once a size: plan {:.1f} ms; once a shot: embed {:.1f} ms, condition {:.2f} ms, queries {:.1f} ms\n",
      r.plan_ms, r.embed_ms, r.condition_ms, r.queries_ms);
  if (r.filter)
    fmt::print(
        "whole filter, yuv420p: {:.2f} ms a frame, {:.1f} fps: {:.3f} of the engine's time (shots {:.2f} "
        "ms)\n",
        r.filter->frame_ms, 1e3 / r.filter->frame_ms, r.filter->frame_ms / r.frame_ms, r.filter->shot_ms);
}

std::string to_json(const BenchReport& r) {
  nlohmann::json stages = nlohmann::json::array();
  for (const StageTime& s : r.stages)
    stages.push_back({{"stage", s.stage}, {"thread_ms", s.seconds * 1e3}, {"macs", s.macs}});
  nlohmann::json convolutions = nlohmann::json::array();
  for (const auto& [layer, name] : r.convolutions)
    convolutions.push_back({{"layer", layer}, {"implementation", name}});
  nlohmann::json j = {
      {"model", r.model},
      {"weights", r.weights},
      {"width", r.width},
      {"height", r.height},
      {"scale", r.scale},
      {"query", to_string(r.query)},
      {"frames", r.frames},
      {"backend", r.engine.backend},
      {"detail", r.engine.detail},
      {"precision", to_string(r.engine.precision)},
      {"threads", r.engine.threads},
      {"planned_bytes", r.engine.planned_bytes},
      {"bytes_per_pixel", r.bytes_per_pixel()},
      {"bands", r.bands},
      {"plan_ms", r.plan_ms},
      {"embed_ms", r.embed_ms},
      {"condition_ms", r.condition_ms},
      {"queries_ms", r.queries_ms},
      {"frame_ms", r.frame_ms},
      {"frame_p90_ms", r.frame_p90_ms},
      {"processor_ms", r.processor_ms},
      {"fps", 1e3 / r.frame_ms},
      {"useful_macs", r.useful_macs},
      {"gmac_per_s", r.rate() * 1e-9},
      {"onednn",
       {{"convolution", r.yardstick},
        {"gmac_per_s", r.yardstick_rate * 1e-9},
        {"gmac_per_processor_s", r.yardstick_processor * 1e-9}}},
      {"share", r.share()},
      {"processor_share", r.processor_share()},
      {"stages", stages},
      {"convolutions", convolutions},
  };
  if (r.filter)
    j["filter"] = {{"format", "yuv420p"},
                   {"frame_ms", r.filter->frame_ms},
                   {"upscale_ms", r.filter->upscale_ms},
                   {"shot_ms", r.filter->shot_ms},
                   {"over_engine", r.filter->frame_ms / r.frame_ms}};
  return j.dump(2) + "\n";
}

}  // namespace cdsr::tools
