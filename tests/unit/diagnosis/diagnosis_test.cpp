// What is found in data made for it. The numbers are compared with scipy, scikit-learn and cleanlab in tests/parity.
#include "core/diagnosis/diagnosis.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace berth::diagnosis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Feature feature(const std::vector<std::int32_t>& words) {
  Feature result;
  auto& encoding = result.encoding;
  encoding.ids = {101};
  encoding.ids.insert(encoding.ids.end(), words.begin(), words.end());
  encoding.ids.push_back(102);
  encoding.segments.assign(encoding.ids.size(), 0);
  encoding.specials.assign(encoding.ids.size(), 0);
  encoding.specials.front() = encoding.specials.back() = 1;
  return result;
}

struct Row {
  std::vector<std::int32_t> words;
  std::string label;
};

SampleSet make_set(const std::string& name, const std::vector<Row>& rows) {
  SampleSet set{name, {}};
  for (const auto& row : rows) {
    const Where where{name + ".tsv", static_cast<std::int64_t>(set.samples.size()) + 2, 0};
    set.samples.push_back(make_sample({feature(row.words)}, row.label, where));
  }
  return set;
}

// 40 texts: a word that tells the label, and one that doesn't.
std::vector<Row> easy_rows() {
  std::vector<Row> rows;
  for (std::int32_t i = 0; i < 40; ++i) rows.push_back({{i % 2 == 0 ? 7 : 8, 100 + i}, i % 2 == 0 ? "good" : "bad"});
  return rows;
}

TEST(Samples, SpecialTokensAreNoWordsAndSegmentsAreSeen) {
  auto pair = feature({9, 7, 9});
  const auto sample = make_sample({pair}, "x", {});
  EXPECT_THAT(sample.words, ElementsAre(7, 9, 9));
  EXPECT_THAT(sample.lengths, ElementsAre(5));
  pair.encoding.segments.back() = 1;
  EXPECT_NE(make_sample({pair}, "x", {}).seen, sample.seen);
  EXPECT_NE(make_sample({feature({1}), feature({2})}, "x", {}).seen, make_sample({feature({1, 2})}, "x", {}).seen);
}

TEST(Duplicates, WithinAndAcrossWithTheirLabels) {
  const std::vector<SampleSet> sets = {make_set("train", {{{1, 2}, "a"}, {{3}, "a"}, {{1, 2}, "b"}}),
                                       make_set("dev", {{{3}, "a"}, {{2, 1}, "a"}, {{3}, "b"}}),
                                       make_set("test", {{{2, 1}, "a"}})};
  const auto found = find_duplicates(sets);
  ASSERT_EQ(found.within.size(), 2U);
  EXPECT_EQ(found.within[0].first.sample, 0U);
  EXPECT_EQ(found.within[0].second.sample, 2U);
  EXPECT_TRUE(found.within[0].labels_differ);
  EXPECT_EQ(found.within[1].second.set, 1U);
  ASSERT_EQ(found.across.size(), 3U);  // both of dev that stand in train, and test's that stands in dev
  EXPECT_FALSE(found.across[0].labels_differ);
  EXPECT_TRUE(found.across[1].labels_differ);
  EXPECT_EQ(found.across[2].first.set, 1U);
  EXPECT_EQ(found.across[2].second.set, 2U);
}

TEST(Shift, EqualSetsDontDifferAndDisjointOnesDoWholly) {
  const auto same = compare_lengths({3, 4, 4, 9}, {4, 9, 3, 4});
  EXPECT_EQ(same.statistic, 0);
  EXPECT_EQ(same.p, 1);
  EXPECT_EQ(compare_lengths({1, 2}, {3, 4, 5}).statistic, 1);
  const auto train = make_set("train", {{{1}, "a"}, {{2}, "a"}, {{3}, "b"}, {{4}, "c"}});
  const auto shift = compare_labels(train, make_set("dev", {{{1}, "b"}, {{2}, "c"}}));
  EXPECT_DOUBLE_EQ(shift.total_variation, 0.5);
  EXPECT_EQ(shift.shares.front().label, "a");
  const auto constant = compare_labels(make_set("train", {{{1}, "a"}}), make_set("dev", {{{1}, "a"}}));
  EXPECT_EQ(constant.p, 1);
}

TEST(Floor, LearnsWhatWordsTellAndFindsTheWrongLabel) {
  auto rows = easy_rows();
  rows[10].label = "bad";
  const std::vector<SampleSet> sets = {make_set("train", rows), make_set("dev", {{{7, 999}, "good"}, {{8}, "bad"}}),
                                       make_set("other", {{{7}, "fine"}})};
  const auto floor = std::get<Floor>(find_floor(sets));
  EXPECT_THAT(floor.labels, ElementsAre("bad", "good"));
  ASSERT_EQ(floor.scores.size(), 1U);  // "fine" is no label of train
  EXPECT_EQ(floor.scores[0].accuracy, 1);
  EXPECT_EQ(floor.scores[0].majority, 0.5);
  EXPECT_EQ(floor.cross_fitted.accuracy, 39.0 / 40);
  ASSERT_TRUE(floor.issues);
  ASSERT_EQ(floor.issues->size(), 1U);
  EXPECT_EQ(floor.issues->front().sample, 10U);
  EXPECT_EQ(floor.labels[floor.issues->front().suggested], "good");
  EXPECT_LT(floor.issues->front().margin, 0);
}

TEST(Floor, WhoKnowsNothingIsNoJudgeOfLabels) {
  std::vector<Row> rows;
  for (std::int32_t i = 0; i < 40; ++i) rows.push_back({{100 + i}, i % 2 == 0 ? "good" : "bad"});
  const std::vector<SampleSet> sets = {make_set("train", rows)};
  EXPECT_FALSE(std::get<Floor>(find_floor(sets)).issues);
  EXPECT_THAT(describe(diagnose(sets), sets).back(), HasSubstr("no judge"));
}

TEST(Floor, IsLeftOutWithAReason) {
  const auto why = [](const std::vector<Row>& rows) {
    return std::get<std::string>(find_floor({make_set("train", rows)}));
  };
  EXPECT_THAT(why({{{1}, "a"}, {{2}, ""}}), HasSubstr("one label"));
  EXPECT_THAT(why({{{1}, "a"}, {{2}, "a\nb"}}), HasSubstr("one label"));
  EXPECT_THAT(why({{{1}, "a"}, {{2}, "a"}}), HasSubstr("same label"));
}

TEST(Floor, TextsWithoutKnownWordsAndRareLabelsAreNoTrouble) {
  auto rows = easy_rows();
  rows.push_back({{}, "good"});
  rows.push_back({{5}, "rare"});
  const std::vector<SampleSet> sets = {make_set("train", rows), make_set("dev", {{{1000}, "bad"}, {{}, "good"}})};
  const auto floor = std::get<Floor>(find_floor(sets));
  EXPECT_TRUE(std::isfinite(floor.cross_fitted.accuracy));
  EXPECT_EQ(floor.scores.size(), 1U);
}

TEST(Diagnosis, IsToldWithFileAndLine) {
  auto rows = easy_rows();
  rows[10].label = "bad";
  const std::vector<SampleSet> sets = {make_set("train", rows),
                                       make_set("dev", {{{7, 110}, "good"}, {{8, 77}, "bad"}})};
  const auto diagnosis = diagnose(sets);
  const auto lines = describe(diagnosis, sets);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0],
            "duplicates: 1 of 2 in dev stand in an earlier set (1 with another label), such as dev.tsv:2 = "
            "train.tsv:12");
  EXPECT_THAT(lines[1], HasSubstr("train and dev: lengths KS 0.000 (p 1); labels 2.5% apart"));
  EXPECT_THAT(lines[2], HasSubstr("bag of words: dev accuracy"));
  EXPECT_EQ(lines[3], "labels that look wrong: 1 of 40 in train, most of all train.tsv:12: 'bad', rather 'good'");
  const auto json = to_json(diagnosis, sets);
  EXPECT_EQ(json["duplicates"]["across"][0]["example"]["line"], 2);
  EXPECT_EQ(json["label_issues"][0]["line"], 12);
  EXPECT_EQ(json["shift"]["dev"]["labels"]["shares"].size(), 2U);
}

TEST(Diagnosis, OfATaskWithoutLabels) {
  const std::vector<SampleSet> sets = {make_set("train", {{{1}, ""}}), make_set("dev", {{{2, 3}, ""}})};
  const auto lines = describe(diagnose(sets), sets);
  EXPECT_THAT(lines, ElementsAre("duplicates: none", HasSubstr("lengths KS 1.000"), HasSubstr("left out")));
}

}  // namespace
}  // namespace berth::diagnosis
