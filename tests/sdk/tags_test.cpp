// Tag schemes and the entity meter. tests/parity/ner holds them against seqeval.
#include "berth/kit/tags.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "berth/kit/entity_meter.h"
#include "support.h"

namespace berth::kit {
namespace {

using test::expect_error;
using testing::ElementsAre;

std::vector<Tag> tags_of(const std::string& text) {
  std::vector<Tag> tags;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    tags.push_back(parse_tag(text.substr(begin, end - begin)).value());
    begin = end + 1;
  }
  return tags;
}

// "PER 0-2, LOC 3-4" of the words' tags.
std::string shown(const std::vector<EntitySpan>& entities) {
  std::string text;
  for (const EntitySpan& e : entities) {
    text += (text.empty() ? "" : ", ") + e.type + " " + std::to_string(e.begin) + "-" + std::to_string(e.end);
  }
  return text;
}

std::string read(const std::string& tags) { return shown(read_entities(tags_of(tags))); }
std::string strict(const std::string& tags, TagScheme scheme) {
  return shown(read_entities_strictly(tags_of(tags), scheme));
}

TEST(Tags, AreParsed) {
  EXPECT_EQ(parse_tag("O"), Tag{});
  EXPECT_EQ(parse_tag("B-creative-work"), (Tag{'B', "creative-work"}));
  EXPECT_EQ(parse_tag("I"), (Tag{'I', "_"}));
  EXPECT_EQ(parse_tag("B-"), (Tag{'B', "_"}));
  EXPECT_EQ(parse_tag("L-x"), (Tag{'E', "x"}));
  EXPECT_EQ(parse_tag("U-x"), (Tag{'S', "x"}));
  EXPECT_EQ(parse_tag("M-x"), (Tag{'I', "x"}));
  for (const char* bad : {"", "o", "BPER", "O-PER", "OO", "X-PER", "-PER", "b-PER", "B_PER", " O"}) {
    EXPECT_FALSE(parse_tag(bad)) << bad;
  }
  EXPECT_EQ(to_string(Tag{'S', "a b"}), "S-a b");
}

TEST(Tags, AllSchemesReadRight) {
  EXPECT_EQ(read("B-PER I-PER O B-LOC"), "PER 0-2, LOC 3-4");                     // IOB2
  EXPECT_EQ(read("I-PER I-PER B-PER I-LOC"), "PER 0-2, PER 2-3, LOC 3-4");        // IOB1
  EXPECT_EQ(read("B-PER I-PER E-PER S-PER S-LOC"), "PER 0-3, PER 3-4, LOC 4-5");  // IOBES
  EXPECT_EQ(read("B-PER L-PER U-PER O U-LOC"), "PER 0-2, PER 2-3, LOC 4-5");      // BILOU
  EXPECT_EQ(read("O O"), "");
  EXPECT_EQ(read(""), "");
}

TEST(Tags, BrokenSequencesReadAsConllevalDoes) {
  EXPECT_EQ(read("O I-PER I-PER"), "PER 1-3");
  EXPECT_EQ(read("B-PER I-LOC"), "PER 0-1, LOC 1-2");
  EXPECT_EQ(read("B-PER E-LOC I-LOC"), "PER 0-1, LOC 1-2, LOC 2-3");
  EXPECT_EQ(read("E-PER E-PER"), "PER 0-1, PER 1-2");
  EXPECT_EQ(read("S-PER I-PER"), "PER 0-1, PER 1-2");
  EXPECT_EQ(read("B-PER"), "PER 0-1");
}

TEST(Tags, StrictReadingWantsTheLetter) {
  EXPECT_EQ(strict("O I-PER B-PER I-PER I-LOC", TagScheme::kIob2), "PER 2-4");
  EXPECT_EQ(strict("B-PER B-PER", TagScheme::kIob2), "PER 0-1, PER 1-2");
  EXPECT_EQ(strict("B-PER I-PER O S-LOC B-PER E-PER B-LOC E-PER", TagScheme::kIobes), "LOC 3-4, PER 4-6");
  EXPECT_EQ(strict("B-PER B-PER E-PER E-PER I-PER", TagScheme::kIobes), "PER 1-3");
}

TEST(Tags, WriteAndReadBack) {
  const std::vector<EntitySpan> entities = {{0, 1, "a"}, {1, 3, "a"}, {3, 6, "b"}};
  for (const TagScheme scheme : {TagScheme::kIob2, TagScheme::kIobes}) {
    const TagSet set(scheme, LabelSet::listed({"b", "a"}));
    const std::vector<Tag> tags = set.tags(set.write(entities, 7, {}));
    EXPECT_EQ(read_entities(tags), entities);
    EXPECT_EQ(read_entities_strictly(tags, scheme), entities);
  }
  const TagSet set(TagScheme::kIobes, LabelSet::listed({"b", "a"}));
  EXPECT_THAT(set.names(), ElementsAre("O", "B-b", "I-b", "E-b", "S-b", "B-a", "I-a", "E-a", "S-a"));
  EXPECT_THAT(set.write(entities, 7, {}), ElementsAre(8, 5, 7, 1, 2, 3, 0));
  EXPECT_THAT(TagSet(TagScheme::kIob2, LabelSet::listed({"x"})).names(), ElementsAre("O", "B-x", "I-x"));
  expect_error(ErrorKind::kContent, {"f:3: ", "'aa'"}, [&] { set.write({{0, 1, "aa"}}, 1, {"f", 3, 0}); });
  expect_error(ErrorKind::kConfig, {"'bio'", "'iobes'"}, [] { tag_scheme("bio"); });
}

// A sequence that the steps allow is one that strict reading leaves nothing out of, and the other way round.
TEST(Tags, AllowedStepsAreThoseOfStrictReading) {
  for (const TagScheme scheme : {TagScheme::kIob2, TagScheme::kIobes}) {
    const TagSet set(scheme, LabelSet::listed({"a", "b"}));
    const std::int64_t n = set.size();
    for (std::int64_t code = 0; code < n * n * n; ++code) {
      const std::vector<std::int64_t> sequence = {code / (n * n), code / n % n, code % n};
      const bool allowed = set.may_begin(sequence[0]) && set.may_follow(sequence[0], sequence[1]) &&
                           set.may_follow(sequence[1], sequence[2]) && set.may_end(sequence[2]);
      const auto entities = read_entities_strictly(set.tags(sequence), scheme);
      EXPECT_EQ(allowed, set.write(entities, 3, {}) == sequence) << code;
    }
  }
}

TEST(EntityMeter, CountsWordsAndTypes) {
  EntityMeter meter;
  meter.add({{0, 2, "a"}, {3, 4, "b"}}, {{3, 4, "b"}, {0, 2, "b"}});
  meter.add({{0, 1, "a"}}, {{0, 1, "a"}, {2, 3, "c"}});
  const AveragedPrecisionRecall averages = meter.averages();
  EXPECT_DOUBLE_EQ(averages.micro.precision, 2.0 / 4);
  EXPECT_DOUBLE_EQ(averages.micro.recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(averages.macro.f1, (2.0 / 3 + 2.0 / 3 + 0) / 3);
  EXPECT_DOUBLE_EQ(averages.weighted.recall, (2 * 0.5 + 1 * 1.0) / 3);
  EXPECT_DOUBLE_EQ(meter.of("a").recall, 0.5);
  EXPECT_EQ(meter.of("c").f1, 0);
  EXPECT_TRUE(std::isnan(meter.of("d").f1));
}

TEST(EntityMeter, NothingIsNotANumberOrZeroAsSeqevalHasIt) {
  EntityMeter meter;
  EXPECT_TRUE(std::isnan(meter.averages().micro.f1));
  meter.add({}, {});
  EXPECT_EQ(meter.averages().micro.f1, 0);
  EXPECT_EQ(meter.averages().weighted.f1, 0);
  EXPECT_TRUE(std::isnan(meter.averages().macro.f1));
}

TEST(EntityMeter, PartsAddUpToTheWhole) {
  EntityMeter whole;
  EntityMeter parts[2];
  for (std::size_t i = 0; i < 9; ++i) {
    const std::vector<EntitySpan> truth = {{i, i + 1 + i % 3, i % 2 == 0 ? "a" : "quote\" ä"}};
    const std::vector<EntitySpan> predicted = {{i, i + 2, "a"}};
    whole.add(truth, predicted);
    parts[i % 2].add(truth, predicted);
  }
  parts[0].merge(parts[1].state());
  EXPECT_EQ(parts[0].state(), whole.state());
  EXPECT_EQ(parts[0].sentences(), 9);
  expect_error(ErrorKind::kContent, {"sentences"}, [&] { whole.merge("{}"); });
  expect_error(ErrorKind::kContent, {"another form"},
               [&] { whole.merge(R"({"sentences": 1, "types": [["a", 1, 2]]})"); });
}

}  // namespace
}  // namespace berth::kit
