#include "tools/lab/tables.h"

#include "model/error.h"

namespace cdsr::analyze {
namespace {

using Sets = std::vector<std::string>;

const Sets kSets = {"Set5", "Set14", "BSD100", "Urban100"};

Row row(const char* label, const char* variant, std::vector<double> paper) {
  Row r;
  r.label = label;
  r.variant = variant;
  r.paper = std::move(paper);
  return r;
}

Row positive(const char* label, const char* positive, double accuracy, std::vector<double> paper) {
  Row r = row(label, "dasr", std::move(paper));
  r.positive = positive;
  r.paper_accuracy = accuracy;
  return r;
}

Row codebook(const char* label, int times, std::vector<double> paper) {
  Row r = row(label, "", std::move(paper));
  r.codebook = times;
  return r;
}

Row pretrained(const char* label, std::vector<double> paper) {
  Row r = row(label, "", std::move(paper));
  r.pretrain = true;
  return r;
}

bool slim(const std::string& family) { return config_by_name(family, 2).body == Body::Plain; }

bool dasr_sr(const Row& row) {
  return row.variant == "dasr" || row.variant.find("dasr-sr") != std::string::npos;
}

}  // namespace

const std::vector<Table>& tables() {
  static const std::vector<double> full = {36.17, 32.14, 31.02, 29.57};
  static const std::vector<Table> all = {
      {"table1",
       "DASR's positives: same image and degradation, degradation alone, image alone",
       4,
       kSets,
       0,
       true,
       {positive("C&D", "both", 75.40, {31.45, 28.12, 27.24, 25.28}),
        positive("D", "degradation", 80.80, {31.36, 28.03, 27.20, 25.12}),
        positive("C", "content", 12.00, {31.32, 28.06, 27.24, 25.26})}},
      {"table3",
       "ablation (whole figures: the paper's Table 8)",
       2,
       kSets,
       0,
       false,
       {row("Model 1: full", "", full), row("Model 2: no CSC", "no-csc", {36.01, 32.03, 30.90, 29.36}),
        row("Model 3: no DQA", "no-dqa", {36.04, 31.71, 30.85, 29.32}),
        row("Model 4: no patch-wise", "no-patch", {35.84, 31.86, 30.80, 29.16}),
        row("Model 5: no pixel-wise", "no-pixel", {35.98, 32.07, 30.89, 29.44})}},
      {"table4",
       "encoders and SR networks (whole figures: Table 9)",
       2,
       kSets,
       4,
       false,
       {row("SRdasr + Edasr", "dasr", {35.30, 31.30, 30.46, 28.66}),
        row("SRdasr + LPEp", "dasr-sr,no-pixel,no-csc", {35.55, 31.65, 30.73, 29.10}),
        row("SRours + Edasr", "dasr-encoder", {35.90, 31.77, 30.81, 28.96}),
        row("SRours + LPEl", "no-patch", {35.84, 31.86, 30.80, 29.16}), row("SRours + LPE", "", full)}},
      {"table5",
       "fusion",
       2,
       kSets,
       2,
       false,
       {row("AdaIN", "adain", {35.76, 31.67, 30.79, 29.20}),
        row("DynConv", "dynconv", {36.04, 31.71, 30.85, 29.32}), row("DQA", "", full)}},
      {"table7",
       "the kernel predicted from the embedding, with supervision",
       2,
       {"DIV2KRK"},
       0,
       false,
       {row("Ours", "", {32.68}), row("Ours-SKP", "skp", {32.76})}},
      {"table11",
       "length of the codebook",
       2,
       kSets,
       0,
       false,
       {codebook("1024 (the family's)", 1, full),
        codebook("2048 (twice that)", 2, {36.11, 32.14, 30.96, 29.59})}},
      {"table12",
       "pretrained encoder",
       2,
       kSets,
       1,
       false,
       {pretrained("100 epochs", {36.08, 32.05, 30.91, 29.44}), row("0 epochs", "", full)}},
  };
  return all;
}

const Table& table_by_name(const std::string& name) {
  std::string names;
  for (const Table& t : tables()) {
    if (t.name == name) return t;
    names += (names.empty() ? "" : ", ") + t.name;
  }
  fail(Errc::InvalidArgument, "table '{}', must be one of {}", name, names);
}

CdsrConfig row_config(const Row& row, const std::string& family, int scale) {
  CdsrConfig c = config_by_name(family, scale);
  c.codebook *= row.codebook;
  // DASR: five groups of five blocks. Two dynamic and two plain convolutions in a block, one behind a group
  // and one behind all: of cdsr-rt's width one group of one block costs what cdsr-rt costs, 43,808 a pixel.
  if (dasr_sr(row)) c.blocks = slim(family) ? 1 : 5;
  return c;
}

std::string row_variant(const Row& row, const std::string& family) {
  return dasr_sr(row) && slim(family) ? row.variant + ",group=1" : row.variant;
}

}  // namespace cdsr::analyze
