// The command `cdsr degrade`: low-resolution sets as files, from the paper's kernels, random ones or as
// video.
#include "tools/degrade/degrade.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>

#include "model/atomic_file.h"
#include "model/error.h"
#include "tools/commands/commands.h"
#include "tools/degrade/kernel.h"
#include "tools/degrade/video.h"
#include "tools/media/picture_list.h"

namespace cdsr::tools {
namespace {

namespace fs = std::filesystem;
using degrade::Alignment;

struct Arguments {
  std::vector<fs::path> in;
  fs::path out;
  std::string kernels = "nine", protocol = "aligned";
  int scale = 2;
  double noise = 0;
  uint64_t seed = 1;
};

/// A picture of the set: written as folder/stem.png.
struct Job {
  std::string folder;
  std::vector<float> kernel;  ///< empty: as video
  nlohmann::ordered_json what;
};

Alignment alignment(const Arguments& a) {
  return a.protocol == "paper" ? Alignment::Paper : Alignment::Aligned;
}

std::vector<Job> nine(const Arguments& a) {
  std::vector<Job> jobs;
  const auto specs = degrade::paper_kernels(a.scale);
  for (size_t k = 0; k < specs.size(); ++k) {
    const degrade::KernelSpec& s = specs[k];
    jobs.push_back(
        {fmt::format("{}-sig1-{:g}-sig2-{:g}-theta-{}", k + 1, s.sig1, s.sig2, s.theta == 0 ? "0" : "pi4"),
         degrade::gaussian_kernel(a.scale, s.sig1, s.sig2, s.theta, alignment(a)),
         {{"sig1", s.sig1}, {"sig2", s.sig2}, {"theta", s.theta}}});
  }
  return jobs;
}

Job random_job(const Arguments& a, Rng& rng) {
  const degrade::RandomKernel k = degrade::random_kernel(a.scale, rng, alignment(a));
  return {"",
          k.values,
          {{"sig1", k.spec.sig1}, {"sig2", k.spec.sig2}, {"theta", k.spec.theta}, {"kernel", k.values}}};
}

void run(const Arguments& a) {
  const std::vector<fs::path> paths = picture_paths(a.in);
  std::string manifest;
  size_t written = 0;
  const std::vector<Job> fixed = a.kernels == "nine" ? nine(a) : std::vector<Job>{};
  for (size_t i = 0; i < paths.size(); ++i) {
    const Picture hr = degrade::crop_to_multiple(read_picture(paths[i]), a.scale);
    const auto write = [&](const std::string& folder, const Picture& lr, const nlohmann::ordered_json& what,
                           uint64_t seed) {
      const fs::path relative = fs::path(folder) / (paths[i].stem().string() + ".png");
      fs::create_directories((a.out / relative).parent_path());
      write_picture(a.out / relative, lr);
      nlohmann::ordered_json line = {{"file", relative.string()},
                                     {"source", paths[i].filename().string()},
                                     {"scale", a.scale},
                                     {"seed", seed}};
      line.update(what);
      manifest += line.dump() + '\n';
      ++written;
    };
    if (a.kernels == "video") {
      Rng rng(a.seed, i);
      const auto spec = degrade::draw_video({}, a.scale, rng);
      write("", degrade::degrade_video(hr, a.scale, spec), {{"video", degrade::describe(spec)}}, a.seed);
      continue;
    }
    Rng rng(a.seed, i);
    const std::vector<Job> jobs = a.kernels == "nine" ? fixed : std::vector<Job>{random_job(a, rng)};
    for (size_t k = 0; k < jobs.size(); ++k) {
      // The seeds of `cdsr eval`, so that its scores are of these files when --seed is left at 1.
      const uint64_t seed = i * jobs.size() + k + (a.seed - 1) * 1'000'003;
      nlohmann::ordered_json what = jobs[k].what;
      what["noise"] = a.noise;
      what["protocol"] = a.protocol;
      write(jobs[k].folder, degrade::degrade(hr, jobs[k].kernel, a.scale, a.noise, seed), what, seed);
    }
  }
  AtomicFile file(a.out / "manifest.jsonl");
  file.write(manifest.data(), manifest.size());
  file.commit();
  fmt::print("{}: {} pictures from {}, x{}, {}\n", a.out.string(), written, paths.size(), a.scale,
             a.kernels == "video" ? "as video" : fmt::format("{} kernels, noise {:g}", a.kernels, a.noise));
}

}  // namespace

void add_degrade(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("degrade", "Make low-resolution pictures of full-size ones, as PNG files");
  c->add_option("IN", a->in, "pictures, or folders of them")->required();
  c->add_option("-o,--out", a->out, "folder to write to; manifest.jsonl says what was done to each file")
      ->required();
  c->add_option("--scale", a->scale, "2, 3 or 4")->check(CLI::Range(2, 4))->capture_default_str();
  c->add_option(
       "--kernels", a->kernels,
       "nine: the paper's evaluation, a folder for each; random: one a picture, as DIV2KRK has them; "
       "video: resize, noise and codec at random, as `cdsr train --degradation video`")
      ->check(CLI::IsMember({"nine", "random", "video"}))
      ->capture_default_str();
  c->add_option("--protocol", a->protocol, "where the pixels lie: aligned or paper (not for video)")
      ->check(CLI::IsMember({"aligned", "paper"}))
      ->capture_default_str();
  c->add_option("--noise", a->noise, "standard deviation of the noise on 0..255 (not for video)")
      ->check(CLI::Range(0.0, 255.0))
      ->capture_default_str();
  c->add_option("--seed", a->seed, "of everything random, at least 1")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->capture_default_str();
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
