// The laboratory's arithmetic: shares of variance, classification, maps, plots, the tables' rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/error.h"
#include "tools/lab/classify.h"
#include "tools/lab/influence.h"
#include "tools/lab/lab.h"
#include "tools/lab/project.h"

namespace cdsr::analyze {
namespace {

using Vectors = std::vector<std::vector<float>>;

/// pictures x kernels vectors: a of the degradation, b of the picture.
Vectors grid(size_t pictures, size_t kernels, float a, float b) {
  Vectors out;
  for (size_t p = 0; p < pictures; ++p)
    for (size_t k = 0; k < kernels; ++k) {
      const auto angle = static_cast<float>(k), other = static_cast<float>(p);
      out.push_back({a * std::cos(angle), a * std::sin(angle), b * std::cos(other), b * std::sin(other), 1});
    }
  return out;
}

TEST(Spread, SplitsTheVarianceByItsSource) {
  const Spread degradation = spread(grid(5, 3, 1, 0), 3), picture = spread(grid(5, 3, 0, 2), 3);
  EXPECT_NEAR(degradation.degradation, 1, 1e-9);
  EXPECT_NEAR(degradation.picture, 0, 1e-9);
  EXPECT_NEAR(picture.picture, 1, 1e-9);
  const Spread both = spread({{0.0F}, {1.0F}, {2.0F}, {3.0F}}, 2);  // 1 by degradation, 2 by picture
  EXPECT_NEAR(both.degradation, 0.2, 1e-9);
  EXPECT_NEAR(both.picture, 0.8, 1e-9);
  EXPECT_NEAR(both.deviation, std::sqrt(1.25), 1e-9);
  const Spread mixed = spread({{0.0F}, {1.0F}, {1.0F}, {0.0F}}, 2);  // neither alone
  EXPECT_NEAR(mixed.rest, 1, 1e-9);
  EXPECT_EQ(spread({{1.0F}, {1.0F}}, 1).deviation, 0);
}

TEST(Classify, TellsWhatTheVectorsTell) {
  // Nothing of the other label, else exact vectors would give it away however faint it is.
  const Classification d = classify(grid(6, 4, 1, 0), 4, 3), p = classify(grid(6, 4, 0, 1), 4, 3);
  EXPECT_EQ(d.centres, 1);
  EXPECT_EQ(d.degradation, 1);
  EXPECT_LT(d.picture, 1);
  EXPECT_EQ(p.picture, 1);
  EXPECT_LT(p.degradation, 1);
  EXPECT_DOUBLE_EQ(d.degradation_chance, 0.25);
  EXPECT_DOUBLE_EQ(d.picture_chance, 1.0 / 6);
  EXPECT_THROW(classify(grid(1, 4, 1, 1), 4, 3), Error);
  EXPECT_THROW(classify(grid(4, 1, 1, 1), 1, 3), Error);
}

/// Two clouds far apart in five dimensions.
Vectors clouds() {
  Vectors out;
  for (int i = 0; i < 40; ++i) {
    std::vector<float> v(5);
    for (int j = 0; j < 5; ++j) v[static_cast<size_t>(j)] = static_cast<float>(std::sin(1.7 * i + 2.3 * j));
    v[2] += i < 20 ? 30.0F : -30.0F;
    out.push_back(v);
  }
  return out;
}

/// Smallest distance between the clouds over the largest inside one.
double separation(const std::vector<Point>& at) {
  double apart = HUGE_VAL, inside = 0;
  for (size_t i = 0; i < at.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const double d = std::hypot(at[i].x - at[j].x, at[i].y - at[j].y);
      if ((i < 20) == (j < 20))
        inside = std::max(inside, d);
      else
        apart = std::min(apart, d);
    }
  return apart / inside;
}

TEST(Project, PcaFindsTheLongAxis) {
  const auto at = pca(clouds());
  for (size_t i = 0; i < at.size(); ++i) EXPECT_EQ(at[i].x > 0, (i < 20) == (at[0].x > 0)) << i;
  EXPECT_GT(separation(at), 5);
  double mean = 0;
  for (const Point& p : at) mean += p.x;
  EXPECT_NEAR(mean, 0, 1e-6);
}

TEST(Project, TsneKeepsCloudsApartAndRepeats) {
  const TsneOptions options{10, 300};
  const auto at = tsne(clouds(), options), again = tsne(clouds(), options);
  EXPECT_GT(separation(at), 1);
  for (size_t i = 0; i < at.size(); ++i) {
    EXPECT_TRUE(std::isfinite(at[i].x) && std::isfinite(at[i].y));
    EXPECT_EQ(at[i].x, again[i].x);
  }
}

TEST(Project, EqualVectorsStayFinite) {
  const Vectors same(5, std::vector<float>(3, 1.0F));
  for (const auto& at : {pca(same), tsne(same, {})})
    for (const Point& p : at) EXPECT_TRUE(std::isfinite(p.x) && std::isfinite(p.y));
}

TEST(Tables, RowsAreWhatThePaperHas) {
  EXPECT_THROW(table_by_name("table2"), Error);
  for (const Table& t : tables()) {
    ASSERT_LT(t.reference, t.rows.size());
    for (const Row& r : t.rows) EXPECT_EQ(r.paper.size(), t.columns.size()) << t.name << ' ' << r.label;
  }
  EXPECT_EQ(row_config(table_by_name("table11").rows[1], "cdsr-10", 2).codebook, 2048);
  // DASR beside cdsr-rt: one group of one block of the same width (43,808 multiply-accumulates a pixel,
  // both).
  const Row& dasr = table_by_name("table4").rows[0];
  EXPECT_EQ(row_config(dasr, "cdsr-rt-dqa", 2).blocks, 1);
  EXPECT_EQ(row_variant(dasr, "cdsr-rt-dqa"), "dasr,group=1");
  EXPECT_EQ(row_config(dasr, "cdsr-10", 2).blocks, 5);
}

TEST(Lab, ADifferenceWithinItsSpreadIsNoVerdict) {
  EXPECT_STREQ(verdict({-0.3}, -0.1), "one seed");
  EXPECT_STREQ(verdict({-0.30, -0.28}, -0.1), "agrees");
  EXPECT_STREQ(verdict({0.30, 0.28}, -0.1), "differs");
  EXPECT_STREQ(verdict({-0.30, 0.10}, -0.1), "undecided");
  EXPECT_STREQ(verdict({0, 0, 0}, -0.1), "undecided");
}

TEST(Lab, PretrainingIsAStageOfItsOwn) {
  LabOptions o;
  o.out = "lab";
  o.data = {"photos"};
  o.steps = 100;
  const Table& t = table_by_name("table12");
  const auto has = [](const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  const auto after = [](const std::vector<std::string>& words, const std::string& word) {
    const auto at = std::find(words.begin(), words.end(), word);
    return at == words.end() ? std::string() : *(at + 1);
  };
  const auto first = train_words(t, t.rows[0], o, 1, true), second = train_words(t, t.rows[0], o, 1, false);
  EXPECT_TRUE(has(first, "--contrast-only"));
  EXPECT_TRUE(has(first, "20"));
  EXPECT_FALSE(has(second, "--contrast-only"));
  EXPECT_EQ(after(second, "--init"), after(first, "--out") + "/last.safetensors");
  EXPECT_NE(after(second, "--out"), after(first, "--out"));
  EXPECT_NE(after(second, "--out"), after(train_words(t, t.rows[1], o, 1, false), "--out"));
  EXPECT_FALSE(has(train_words(t, t.rows[1], o, 1, false), "--init"));
}

}  // namespace
}  // namespace cdsr::analyze
