// Runs a table of the paper at any scale: trains its rows one after the other, scores them, prints the
// paper's figures beside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/lab/tables.h"

namespace cdsr::analyze {

struct LabOptions {
  std::string family = "cdsr-rt-dqa";       ///< config_names()
  std::vector<std::filesystem::path> data;  ///< photographs to train on
  std::vector<std::filesystem::path> test;  ///< folders to score on
  std::filesystem::path out;                ///< a folder a row and seed below it, shared by all tables
  std::string protocol = "aligned";         ///< training and test
  int64_t steps = 2000;
  int batch = 16, patch = 48;
  int64_t queue = 8192;
  double rate = 1e-3;
  int seeds = 1;   ///< runs of each row, seeds 1, 2, ...
  int images = 0;  ///< of each test folder; 0: all
  int threads = 0;
  std::string train;  ///< further words for `cdsr train`
};

/// A row's result.
struct RowResult {
  int64_t parameters = 0;
  std::vector<std::vector<double>> psnr;  ///< [seed][test folder], dB
  std::vector<double> accuracy;           ///< [seed], 0..1; Table 1
};

/// The words after `cdsr train` that train a row; stage 0 is the pretraining of a row that has it.
std::vector<std::string> train_words(const Table& table, const Row& row, const LabOptions& options, int seed,
                                     bool pretraining);

/// Trains and scores. Throws what training throws.
std::vector<RowResult> run_table(const Table& table, const LabOptions& options);

/// Whether differences of a row from the reference, one a seed, have the sign of the paper's: "agrees",
/// "differs"; "undecided" when their mean is within two standard errors of zero, "one seed" when there is
/// one.
const char* verdict(const std::vector<double>& differences, double paper);

void print(const Table& table, const LabOptions& options, const std::vector<RowResult>& results);

}  // namespace cdsr::analyze
