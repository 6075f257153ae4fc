#include "core/data/feature_store.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "berth/error.h"

namespace berth::data {
namespace {

using testing::HasSubstr;

const std::vector<FieldSpec> kSpecs = {{"label", FieldType::kInt64, FieldShape::kPerSequence, 1},
                                       {"scores", FieldType::kReal, FieldShape::kPerSequence, 2},
                                       {"tags", FieldType::kInt64, FieldShape::kPerToken, 1},
                                       {"target", FieldType::kInt64, FieldShape::kRagged, 1}};

// A feature of `length` tokens whose numbers tell which one it is.
Feature feature(std::int64_t length, std::int64_t id, std::int64_t target_length) {
  Feature f;
  for (std::int64_t i = 0; i < length; ++i) {
    f.encoding.ids.push_back(static_cast<std::int32_t>(100 * id + i));
    f.encoding.segments.push_back(i % 2 == 0 ? 0 : 1);
  }
  f.fields["label"] = std::vector<std::int64_t>{id};
  f.fields["scores"] = std::vector<double>{0.5 * static_cast<double>(id), -1.0};
  f.fields["tags"] = std::vector<std::int64_t>(length, id);
  f.fields["target"] = std::vector<std::int64_t>(target_length, id);
  return f;
}

FeatureStore store() {
  FeatureStore store(kSpecs, at::kFloat, "task 'x' (plugin y)");
  store.add(feature(3, 1, 0));
  store.add(feature(1, 2, 4));
  store.add(feature(5, 3, 2));
  return store;
}

at::Tensor longs(std::vector<std::int64_t> values) { return at::tensor(values, at::kLong); }

TEST(FeatureStore, PacksEndToEndInTheOrderAskedFor) {
  const auto s = store();
  const auto batch = s.pack({2, 0});
  EXPECT_EQ(batch->size(), 2);
  EXPECT_EQ(batch->tokens(), 8);
  EXPECT_TRUE(at::equal(batch->offsets(), longs({0, 5, 8})));
  EXPECT_TRUE(at::equal(batch->ids(), longs({300, 301, 302, 303, 304, 100, 101, 102})));
  EXPECT_TRUE(at::equal(batch->positions(), longs({0, 1, 2, 3, 4, 0, 1, 2})));
  EXPECT_TRUE(at::equal(batch->segments(), longs({0, 1, 0, 1, 0, 0, 1, 0})));
}

TEST(FeatureStore, PacksEveryShapeOfField) {
  const auto batch = store().pack({1, 2, 0});
  EXPECT_TRUE(at::equal(batch->field("label"), longs({2, 3, 1})));
  EXPECT_TRUE(at::equal(batch->field("scores"), at::tensor({1.0F, -1.0F, 1.5F, -1.0F, 0.5F, -1.0F}).view({3, 2})));
  EXPECT_TRUE(at::equal(batch->field("tags"), longs({2, 3, 3, 3, 3, 3, 1, 1, 1})));
  EXPECT_TRUE(at::equal(batch->field("target"), longs({2, 2, 2, 2, 3, 3})));
  EXPECT_TRUE(at::equal(batch->field_offsets("target"), longs({0, 4, 6, 6})));
  EXPECT_THROW(batch->field_offsets("label"), Error);
}

TEST(FeatureStore, AnUndeclaredFieldIsNamedWithThoseThatAre) {
  const auto batch = store().pack({0});
  try {
    batch->field("lable");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kPlugin);
    EXPECT_THAT(e.what(), HasSubstr("'lable'"));
    EXPECT_THAT(e.what(), HasSubstr("label, scores, tags, target"));
  }
}

void expect_refused(Feature f, const std::string& text) {
  FeatureStore s(kSpecs, at::kFloat, "task 'x' (plugin y)");
  try {
    s.add(f);
    FAIL() << text;
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kPlugin);
    EXPECT_THAT(e.what(), HasSubstr(text));
    EXPECT_THAT(e.what(), HasSubstr("task 'x' (plugin y), features"));
  }
}

TEST(FeatureStore, RefusesWhatBreaksTheDeclaration) {
  expect_refused(Feature{}, "0 ids");
  auto f = feature(3, 1, 1);
  f.encoding.segments.pop_back();
  expect_refused(f, "2 segments");
  f = feature(3, 1, 1);
  f.fields["tags"] = std::vector<std::int64_t>{1, 2};
  expect_refused(f, "'tags' has 2 values, expected 3");
  f = feature(3, 1, 1);
  f.fields["label"] = std::vector<double>{1};
  expect_refused(f, "'label' is declared as integer but holds reals");
  f = feature(3, 1, 1);
  f.fields.erase("scores");
  expect_refused(f, "'scores' is missing");
  f = feature(3, 1, 1);
  f.fields["extra"] = std::vector<std::int64_t>{1};
  expect_refused(f, "5 fields were set, 4 are declared");
}

TEST(FeatureStore, RefusesAWidthThatItWouldNotKeep) {
  for (const FieldSpec& spec : {FieldSpec{"tags", FieldType::kInt64, FieldShape::kPerToken, 2},
                                FieldSpec{"target", FieldType::kInt64, FieldShape::kRagged, 2},
                                FieldSpec{"label", FieldType::kInt64, FieldShape::kPerSequence, 0}}) {
    EXPECT_THROW(FeatureStore({spec}, at::kFloat, "task 'x'"), Error) << spec.name;
  }
}

TEST(FeatureStore, FeaturesWithoutTargetsPackWithoutFields) {
  FeatureStore s(kSpecs, at::kFloat, "x");
  auto f = feature(2, 1, 1);
  f.fields.clear();
  s.add(f);
  EXPECT_FALSE(s.pack({0})->has_field("label"));
  EXPECT_THROW(s.add(feature(2, 1, 1)), Error) << "some with, some without";
}

TEST(FeatureStore, InputFieldsAreThereWithAndWithoutTargets) {
  const std::vector<FieldSpec> specs = {{"label"},
                                        {"scored", FieldType::kInt64, FieldShape::kPerToken, 1, FieldRole::kInput}};
  Feature f;
  f.encoding.ids = {1, 2};
  f.encoding.segments = {0, 0};
  f.fields["scored"] = std::vector<std::int64_t>{0, 1};
  FeatureStore without(specs, at::kFloat, "x");
  without.add(f);
  EXPECT_TRUE(at::equal(without.pack({0})->field("scored"), longs({0, 1})));
  EXPECT_FALSE(without.pack({0})->has_field("label"));

  FeatureStore with(specs, at::kFloat, "x");
  auto labelled = f;
  labelled.fields["label"] = std::vector<std::int64_t>{7};
  with.add(labelled);
  EXPECT_TRUE(at::equal(with.pack({0})->field("label"), longs({7})));
  EXPECT_THROW(with.add(f), Error) << "some with, some without";
  labelled.fields.erase("scored");
  EXPECT_THROW(FeatureStore(specs, at::kFloat, "x").add(labelled), Error) << "an input is missing";
}

}  // namespace
}  // namespace berth::data
