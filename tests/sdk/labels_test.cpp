#include "berth/kit/labels.h"

#include <gmock/gmock.h>

#include "support.h"

namespace berth::kit {
namespace {

using test::expect_error;
using testing::ElementsAre;

TEST(LabelSet, SortsWhatWasFound) {
  EXPECT_THAT(LabelSet::found({"pos", "neg", "Neutral"}).names(), ElementsAre("Neutral", "neg", "pos"));
  EXPECT_THAT(LabelSet::found({"10", "9", "-1", "2.5"}).names(), ElementsAre("-1", "2.5", "9", "10"));
  EXPECT_THAT(LabelSet::found({"10", "9", "x"}).names(), ElementsAre("10", "9", "x"));
  EXPECT_THAT(LabelSet::found({"1", "01", "1.0"}).names(), ElementsAre("01", "1", "1.0"));
  EXPECT_THAT(LabelSet::found({"nan", "10", "9"}).names(), ElementsAre("10", "9", "nan"));
}

TEST(LabelSet, KeepsTheOrderOfAList) {
  const LabelSet labels = LabelSet::listed({"z", "a", "m"});
  EXPECT_EQ(labels.size(), 3);
  EXPECT_EQ(labels.index("m", {}), 2);
  EXPECT_EQ(labels.name(0), "z");
  EXPECT_FALSE(labels.find("b").has_value());
  expect_error(ErrorKind::kConfig, {"'a' twice"}, [] { LabelSet::listed({"a", "b", "a"}); });
  expect_error(ErrorKind::kConfig, {"empty name"}, [] { LabelSet::listed({"a", ""}); });
}

TEST(LabelSet, UnknownLabelsAreAnsweredWithTheNearest) {
  const LabelSet labels = LabelSet::listed({"positive", "negative"});
  expect_error(ErrorKind::kContent, {"dev.tsv:7: ", "'postive'", "nearest: 'positive'", "label_map"}, [&] {
    labels.index("postive", {"dev.tsv", 7, 0});
  });
}

TEST(LabelSet, ComesBackFromItsJson) {
  const LabelSet labels = LabelSet::listed({"ü \"x\"", "b", "\xE4\xB8\xAD"});
  EXPECT_EQ(LabelSet::from_json(labels.to_json()).names(), labels.names());
  expect_error(ErrorKind::kContent, {"expected an array"}, [] { LabelSet::from_json("{}"); });
  expect_error(ErrorKind::kContent, {"expected a string"}, [] { LabelSet::from_json("[1]"); });
}

}  // namespace
}  // namespace berth::kit
