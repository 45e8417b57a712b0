// The paper's tables as experiments: what each row trains, and what the paper measured.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"

namespace cdsr::analyze {

struct Row {
  std::string label;  ///< as the paper calls it
  std::string
      variant;  ///< model/torch/variant.h; a row with DASR's SR network gets its size from row_config()
  std::string positive = "both";  ///< `cdsr train --positive`
  int codebook = 1;               ///< times the family's
  bool pretrain = false;          ///< the encoder alone first, for a fifth of the steps (100 epochs of 500)
  std::vector<double> paper;      ///< PSNR in dB, in the table's columns; empty: the paper has none
  double paper_accuracy = 0;      ///< percent, Table 1
};

struct Table {
  std::string name;  ///< "table3"
  std::string title;
  int scale = 2;
  std::vector<std::string> columns;  ///< the paper's test sets
  size_t reference = 0;              ///< the row the others are compared with
  bool accuracy = false;             ///< also measure the classification accuracy
  std::vector<Row> rows;
};

/// Tables 1, 3, 4 (with the whole figures of 9), 5, 7, 11 and 12.
const std::vector<Table>& tables();
/// Throws InvalidArgument naming those there are.
const Table& table_by_name(const std::string& name);

/// The family at the table's scale as the row wants it: codebook, and for DASR's SR network as many groups
/// and blocks as make it DASR (of cdsr-10) or equal in multiply-accumulates (of cdsr-rt).
CdsrConfig row_config(const Row& row, const std::string& family, int scale);
/// The row's variant with the number of blocks in a group, where that is to be said.
std::string row_variant(const Row& row, const std::string& family);

}  // namespace cdsr::analyze
