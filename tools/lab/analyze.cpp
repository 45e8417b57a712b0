// The commands `cdsr analyze` and `cdsr lab`: what a network's embedding holds and is worth; the paper's
// tables at any scale.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "model/atomic_file.h"
#include "model/find_model.h"
#include "tools/commands/commands.h"
#include "tools/lab/classify.h"
#include "tools/lab/influence.h"
#include "tools/lab/lab.h"
#include "tools/lab/project.h"
#include "tools/lab/score.h"
#include "tools/report/chart.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::string model;
  int scale = 2, threads = 0;
  analyze::GridOptions grid;
  bool oracle = false;
  int draws = 0;
  std::vector<double> crf;
  int widths = 10, neighbours = 5;
  std::string method = "tsne", colors = "degradation";
  std::filesystem::path svg;
};

void add_grid_options(CLI::App& c, Arguments& a) {
  c.add_option("MODEL", a.model, "a released model's name or a .safetensors file, laboratory variants too")
      ->required();
  c.add_option("--data", a.grid.data, "folders of full-size pictures")->required();
  c.add_option("--scale", a.scale, "which scale of a released model: 2, 3 or 4")
      ->check(CLI::Range(2, 4))
      ->capture_default_str();
  c.add_option("--protocol", a.grid.protocol, "aligned or paper")
      ->check(CLI::IsMember({"aligned", "paper"}))
      ->capture_default_str();
  c.add_option("--noise", a.grid.noise, "standard deviation of the noise on 0..255")
      ->check(CLI::Range(0.0, 255.0))
      ->capture_default_str();
  c.add_option("--images", a.grid.images, "only the first N pictures, 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c.add_option("--crop", a.grid.crop, "side of a centred low-resolution crop, 0: whole pictures")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  c.add_option("--threads", a.threads, "of LibTorch's operators, 0: one for each processor")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
}

void add_clip_options(CLI::App& c, Arguments& a) {
  CLI::Option* draws =
      c.add_option("--draws", a.draws, "in place of kernels: N draws of the training's video degradation")
          ->check(CLI::Range(2, 1000));
  c.add_option("--crf", a.crf, "in place of kernels: clips coded by H.264 at these CRFs, 20,30")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 51.0))
      ->excludes(draws);
}

void add_widths_option(CLI::App& c, Arguments& a) {
  c.add_option("--widths", a.widths, "isotropic kernels of variance 1 to N")
      ->check(CLI::Range(2, 50))
      ->capture_default_str();
}

struct Looked {
  analyze::AnalyzedNetwork network;
  analyze::Grid grid;

  Looked(const Arguments& a, bool isotropic)
      : network(find_model(a.model, a.scale), a.threads),
        grid(grid_of(a, isotropic, network.config().scale)) {
    const std::string variant = network.variant();
    fmt::print("{}{} x{}: {} pictures under {} ", a.model, variant.empty() ? "" : " (" + variant + ")",
               grid.scale, grid.pictures(), grid.degradations());
    if (!grid.clips.empty())
      fmt::print("clips' degradations\n\n");
    else
      fmt::print("kernels, protocol {}, noise {:g}\n\n", a.grid.protocol, a.grid.noise);
  }

  static analyze::Grid grid_of(const Arguments& a, bool isotropic, int scale) {
    if (a.draws > 0) return analyze::make_grid(a.grid, scale, analyze::drawn_clips(a.draws, scale));
    if (!a.crf.empty()) return analyze::make_grid(a.grid, scale, analyze::coded_clips(a.crf, scale));
    return analyze::make_grid(
        a.grid, scale, isotropic ? analyze::isotropic_kernels(a.widths) : degrade::paper_kernels(scale));
  }

  std::vector<std::vector<float>> embeddings() const {
    std::vector<std::vector<float>> out;
    for (const Picture& lr : grid.lr) out.push_back(network.embed(lr));
    return out;
  }
};

void run_influence(const Arguments& a) {
  const Looked l(a, false);
  analyze::print(analyze::influence(l.network, l.grid, a.oracle));
}

void run_score(const Arguments& a) {
  const Looked l(a, false);
  const auto network = analyze::score_kernels(l.network, l.grid);
  const auto bicubic = analyze::score_bicubic(l.grid, a.grid);
  fmt::print("{:<16} {:>9} {:>9}\n", "sig1 sig2 theta", "network", "bicubic");
  for (size_t k = 0; k < network.size(); ++k) {
    const auto& spec = l.grid.kernels[k];
    fmt::print("{:<16} {:>9.3f} {:>9.3f}\n",
               fmt::format("{:g} {:g} {}", spec.sig1, spec.sig2, spec.theta == 0 ? "0" : "pi/4"), network[k],
               bicubic[k]);
  }
  fmt::print("{:<16} {:>9.3f} {:>9.3f}  dB\n", "mean", analyze::mean(network), analyze::mean(bicubic));
}

void run_classes(const Arguments& a) {
  const Looked l(a, true);
  const auto c = analyze::classify(l.embeddings(), l.grid.degradations(), static_cast<size_t>(a.neighbours));
  const auto line = [](const char* what, double share, double chance) {
    fmt::print("{:<66} {:>6.1f} %  (chance {:.1f} %)\n", what, 100 * share, 100 * chance);
  };
  line("degradation, nearest cluster centre by cosine (the paper's eq. 1)", c.centres, c.degradation_chance);
  line("degradation, vote of the nearest neighbours in other pictures", c.degradation, c.degradation_chance);
  line("picture, vote of the nearest neighbours under other degradations", c.picture, c.picture_chance);
  fmt::print("The paper's Table 1, DASR x4 on BSD100, equation 1: 75.4 % (C&D), 80.8 % (D), 12.0 % (C)\n");
}

void write_svg(const std::filesystem::path& path, const report::Chart& chart) {
  const std::string text = report::svg_file(chart);
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

void run_map(const Arguments& a) {
  const Looked l(a, true);
  const auto points = a.method == "pca" ? analyze::pca(l.embeddings()) : analyze::tsne(l.embeddings(), {});
  const size_t kernels = l.grid.degradations();
  report::Chart chart{fmt::format("E_a of {}, {}", a.model, a.method == "pca" ? "PCA" : "t-SNE"), "", {}};
  chart.scatter = true;
  chart.series.resize(a.colors == "degradation" ? kernels : l.grid.pictures());
  for (size_t i = 0; i < chart.series.size(); ++i)
    chart.series[i].name =
        a.colors == "degradation" ? fmt::format("variance {}", i + 1) : fmt::format("picture {}", i + 1);
  for (size_t v = 0; v < points.size(); ++v)
    chart.series[a.colors == "degradation" ? v % kernels : v / kernels].points.emplace_back(points[v].x,
                                                                                            points[v].y);
  write_svg(a.svg, chart);
  fmt::print("{}: {} embeddings\n", a.svg.string(), points.size());
}

void run_widths(const Arguments& a) {
  const Looked l(a, true);
  const auto network = analyze::score_kernels(l.network, l.grid);
  const auto bicubic = analyze::score_bicubic(l.grid, a.grid);
  report::Chart chart{fmt::format("{} x{}, PSNR-Y", a.model, l.grid.scale),
                      "dB",
                      {{"network", {}}, {"bicubic", {}}},
                      "kernel width (variance, both axes)"};
  fmt::print("{:>8} {:>9} {:>9}\n", "variance", "network", "bicubic");
  for (size_t k = 0; k < network.size(); ++k) {
    const double width = l.grid.kernels[k].sig1;
    fmt::print("{:>8g} {:>9.3f} {:>9.3f}\n", width, network[k], bicubic[k]);
    chart.series[0].points.emplace_back(width, network[k]);
    chart.series[1].points.emplace_back(width, bicubic[k]);
  }
  if (a.svg.empty()) return;
  write_svg(a.svg, chart);
  fmt::print("{}\n", a.svg.string());
}

CLI::App* add_part(CLI::App& app, const char* name, const char* what, const std::shared_ptr<Arguments>& a,
                   void (*run)(const Arguments&)) {
  CLI::App* c = app.add_subcommand(name, what);
  add_grid_options(*c, *a);
  c->callback([a, run] { run(*a); });
  return c;
}

}  // namespace

void add_analyze(CLI::App& app) {
  CLI::App* c = app.add_subcommand("analyze", "Measure what a network's embedding holds and is worth");
  c->require_subcommand(1);
  auto a = std::make_shared<Arguments>();
  CLI::App* part =
      add_part(*c, "influence", "Upscale under each picture's own, others', no embedding", a, run_influence);
  add_clip_options(*part, *a);
  part->add_flag("--oracle", a->oracle, "also the best of all of another picture's embeddings (slower)");
  add_part(*c, "score", "PSNR under the paper's nine kernels, laboratory variants too", a, run_score);
  part = add_part(*c, "classes", "How well degradation and picture are told from the embedding (Table 1)", a,
                  run_classes);
  add_widths_option(*part, *a);
  add_clip_options(*part, *a);
  part->add_option("--neighbours", a->neighbours, "voters")->check(CLI::Range(1, 100))->capture_default_str();
  part = add_part(*c, "map", "The embeddings in the plane, as SVG (figure 2)", a, run_map);
  add_widths_option(*part, *a);
  part->add_option("--method", a->method, "tsne or pca")
      ->check(CLI::IsMember({"tsne", "pca"}))
      ->capture_default_str();
  part->add_option("--colors", a->colors, "of degradation or picture")
      ->check(CLI::IsMember({"degradation", "picture"}))
      ->capture_default_str();
  part->add_option("--svg", a->svg, "file to write")->required();
  part = add_part(*c, "widths", "PSNR against the kernel's width (figure 6)", a, run_widths);
  add_widths_option(*part, *a);
  part->add_option("--svg", a->svg, "also draw the curves into this file");
}

void add_lab(CLI::App& app) {
  struct Lab {
    std::string table;
    analyze::LabOptions options;
  };
  auto a = std::make_shared<Lab>();
  analyze::LabOptions& o = a->options;
  CLI::App* c = app.add_subcommand(
      "lab", "Repeat a table of the paper: train its rows, score them, print the paper's figures beside");
  std::vector<std::string> names;
  for (const auto& t : analyze::tables()) names.push_back(t.name);
  c->add_option("TABLE", a->table, "which")->required()->check(CLI::IsMember(names));
  c->add_option("--data", o.data, "folders of photographs to train on")->required();
  c->add_option("--test", o.test, "folders of full-size pictures to score on, one a column")->required();
  c->add_option("--out", o.out, "folder for what is trained; a row that is there is taken as it is")
      ->required();
  c->add_option("--name", o.family, "the family: cdsr-rt-dqa, cdsr-2, cdsr-5 or cdsr-10")
      ->check(CLI::IsMember(config_names()))
      ->capture_default_str();
  c->add_option("--steps", o.steps, "iterations a row")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  c->add_option("--batch", o.batch, "images a step")->check(CLI::Range(1, 4096))->capture_default_str();
  c->add_option("--patch", o.patch, "side of a low-resolution crop")
      ->check(CLI::Range(kPatch, 512))
      ->capture_default_str();
  c->add_option("--queue", o.queue, "MoCo's queue, a multiple of --batch")->capture_default_str();
  c->add_option("--rate", o.rate, "Adam's learning rate")->capture_default_str();
  c->add_option("--seeds", o.seeds, "runs of each row")->check(CLI::Range(1, 100))->capture_default_str();
  c->add_option("--protocol", o.protocol, "aligned or paper")
      ->check(CLI::IsMember({"aligned", "paper"}))
      ->capture_default_str();
  c->add_option("--images", o.images, "only the first N pictures of each test folder, 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--threads", o.threads, "of LibTorch's operators, 0: one for each processor")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  c->add_option("--train", o.train, "further words for each `cdsr train`");
  c->callback([a] {
    const analyze::Table& table = analyze::table_by_name(a->table);
    analyze::print(table, a->options, analyze::run_table(table, a->options));
  });
}

}  // namespace cdsr::tools
