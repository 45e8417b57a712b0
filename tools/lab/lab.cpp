#include "tools/lab/lab.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "tools/commands/commands.h"
#include "tools/lab/classify.h"
#include "tools/lab/score.h"

namespace cdsr::analyze {
namespace {

namespace fs = std::filesystem;

/// What a row trains, in the name of a folder: rows of several tables that are the same are trained once.
fs::path folder(const Table& table, const Row& row, const LabOptions& o, int seed) {
  std::string name = row_variant(row, o.family);
  std::replace(name.begin(), name.end(), ',', '-');
  std::replace(name.begin(), name.end(), '=', '-');
  if (name.empty()) name = "full";
  if (row.positive != "both") name += "-" + row.positive;
  if (row.codebook != 1) name += fmt::format("-codebook-{}", row.codebook);
  if (row.pretrain) name += "-pretrained";
  return o.out / fmt::format("x{}-{}-seed{}", table.scale, name, seed);
}

/// `cdsr train` with these words, in this process. Shown first: a row can be run alone.
void train(const std::vector<std::string>& words) {
  std::string line = "cdsr train";
  for (const std::string& w : words)
    line += w.find_first_of(" {\"") == std::string::npos ? " " + w : " '" + w + "'";
  fmt::print("$ {}\n", line);
  std::fflush(stdout);
  CLI::App app;
  tools::add_train(app);
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
  reversed.emplace_back("train");
  app.parse(reversed);
}

double deviation(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += (v - mean(values)) * (v - mean(values));
  return values.size() < 2 ? 0 : std::sqrt(sum / static_cast<double>(values.size() - 1));
}

/// One number of a run: the mean over the test folders.
std::vector<double> over_folders(const RowResult& r) {
  std::vector<double> out;
  for (const auto& folders : r.psnr) out.push_back(mean(folders));
  return out;
}

std::string name_of(const fs::path& folder) { return (folder / "").parent_path().filename().string(); }

void print_row(const Row& row, const RowResult& r, const LabOptions& o, const Table& table, double paper_diff,
               const std::vector<double>& own_diff, bool reference) {
  fmt::print("{:<24} {:>10}", row.label, r.parameters);
  for (size_t f = 0; f < o.test.size(); ++f) {
    std::vector<double> seeds;
    for (const auto& folders : r.psnr) seeds.push_back(folders[f]);
    fmt::print(" {:>14}", seeds.size() > 1 ? fmt::format("{:.3f} +-{:.3f}", mean(seeds), deviation(seeds))
                                           : fmt::format("{:.3f}", seeds[0]));
  }
  if (table.accuracy) fmt::print(" {:>5.1f} % ({:>5.1f})", 100 * mean(r.accuracy), row.paper_accuracy);
  fmt::print("  |");
  for (const double p : row.paper) fmt::print(" {:>8.2f}", p);
  if (reference)
    fmt::print("  |  reference\n");
  else
    fmt::print("  |  {:+.3f} (paper {:+.2f}): {}\n", mean(own_diff), paper_diff,
               verdict(own_diff, paper_diff));
}

}  // namespace

std::vector<std::string> train_words(const Table& table, const Row& row, const LabOptions& o, int seed,
                                     bool pretraining) {
  const std::string out = folder(table, row, o, seed).string();
  std::vector<std::string> words = {
      "--config",     to_json(row_config(row, o.family, table.scale)),
      "--out",        pretraining ? out + "-pretrain" : out,
      "--protocol",   o.protocol,
      "--iterations", std::to_string(pretraining ? std::max<int64_t>(o.steps / 5, 1) : o.steps),
      "--batch",      std::to_string(o.batch),
      "--patch",      std::to_string(o.patch),
      "--queue",      std::to_string(o.queue),
      "--rate",       fmt::format("{:g}", o.rate),
      "--seed",       std::to_string(seed),
      "--threads",    std::to_string(o.threads)};
  const std::string variant = row_variant(row, o.family);
  if (!variant.empty()) words.insert(words.end(), {"--variant", variant});
  if (row.positive != "both") words.insert(words.end(), {"--positive", row.positive});
  if (pretraining) words.emplace_back("--contrast-only");
  if (row.pretrain && !pretraining) words.insert(words.end(), {"--init", out + "-pretrain/last.safetensors"});
  std::istringstream more(o.train);
  for (std::string word; more >> word;) words.push_back(word);
  words.emplace_back("--data");
  for (const fs::path& p : o.data) words.push_back(p.string());
  return words;
}

std::vector<RowResult> run_table(const Table& table, const LabOptions& o) {
  std::vector<RowResult> results;
  for (const Row& row : table.rows) {
    RowResult result;
    for (int seed = 1; seed <= o.seeds; ++seed) {
      const fs::path out = folder(table, row, o, seed);
      fs::create_directories(o.out);
      if (row.pretrain) train(train_words(table, row, o, seed, true));
      train(train_words(table, row, o, seed, false));
      const AnalyzedNetwork network(out / "last.safetensors", o.threads);
      result.parameters = network.parameters();
      result.psnr.emplace_back();
      GridOptions g;
      g.protocol = o.protocol;
      g.images = o.images;
      for (const fs::path& test : o.test) {
        g.data = {test};
        result.psnr.back().push_back(
            mean(score_kernels(network, make_grid(g, table.scale, degrade::paper_kernels(table.scale)))));
      }
      if (!table.accuracy) continue;
      g.data = o.test;
      const Grid grid = make_grid(g, table.scale, isotropic_kernels(10));
      std::vector<std::vector<float>> embeddings;
      for (const auto& lr : grid.lr) embeddings.push_back(network.embed(lr));
      result.accuracy.push_back(classify(embeddings, grid.degradations(), 5).centres);
    }
    results.push_back(result);
  }
  return results;
}

const char* verdict(const std::vector<double>& differences, double paper) {
  if (differences.size() < 2) return "one seed";
  const double own = mean(differences);
  const double error = deviation(differences) / std::sqrt(static_cast<double>(differences.size()));
  if (std::abs(own) <= 2 * error) return "undecided";
  return own * paper > 0 ? "agrees" : "differs";
}

void print(const Table& table, const LabOptions& o, const std::vector<RowResult>& results) {
  fmt::print(
      "\n{}: {}\n{} x{}, {} steps of {}, protocol {}, seeds {}: PSNR-Y in dB over nine kernels | the paper's "
      "figures | mean against the reference row, and whether its sign is the paper's\n",
      table.name, table.title, o.family, table.scale, o.steps, o.batch, o.protocol, o.seeds);
  fmt::print("{:<24} {:>10}", "", "parameters");
  for (const fs::path& test : o.test) fmt::print(" {:>14}", name_of(test));
  if (table.accuracy) fmt::print(" {:>15}", "Acc. (paper)");
  fmt::print("  |");
  for (const std::string& c : table.columns) fmt::print(" {:>8}", c);
  fmt::print("  |\n");
  const std::vector<double> reference = over_folders(results[table.reference]);
  for (size_t i = 0; i < results.size(); ++i) {
    std::vector<double> difference = over_folders(results[i]);
    for (size_t s = 0; s < difference.size(); ++s) difference[s] -= reference[s];
    print_row(table.rows[i], results[i], o, table,
              mean(table.rows[i].paper) - mean(table.rows[table.reference].paper), difference,
              i == table.reference);
  }
}

}  // namespace cdsr::analyze
