// What a feature file gives back is what was put in, bit for bit, and a file that was changed in any place is refused.
#include "core/data/feature_file.h"

#include <ATen/Functions.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <random>

#include "core/platform/temporary_folder.h"

namespace berth::data {
namespace {

using testing::HasSubstr;

const std::string kKey(64, 'a');
const std::vector<std::string> kNames = {"one.tsv", "two.tsv"};
const std::string kState("the state\0 of a task", 20);

// Every type, in every shape and role that it can have.
std::vector<FieldSpec> all_specs() {
  std::vector<FieldSpec> specs;
  for (const auto role : {FieldRole::kTarget, FieldRole::kInput}) {
    for (const auto type : {FieldType::kInt64, FieldType::kReal}) {
      for (const auto& [shape, width] : {std::pair(FieldShape::kPerSequence, 1), std::pair(FieldShape::kPerSequence, 3),
                                         std::pair(FieldShape::kPerToken, 1), std::pair(FieldShape::kRagged, 1)}) {
        specs.push_back({"field" + std::to_string(specs.size()), type, shape, width, role});
      }
    }
  }
  return specs;
}

class Draw {
 public:
  std::int64_t below(std::int64_t bound) { return std::uniform_int_distribution<std::int64_t>(0, bound - 1)(random_); }

  Feature feature(const std::vector<FieldSpec>& specs, FieldRole least) {
    Feature feature;
    for (auto left = 1 + below(6); left > 0; --left) {
      feature.encoding.ids.push_back(static_cast<std::int32_t>(below(1 << 24)));
      feature.encoding.segments.push_back(static_cast<std::uint8_t>(below(2)));
    }
    for (const auto& spec : specs) {
      if (least == FieldRole::kInput && spec.role == FieldRole::kTarget) continue;
      const auto count = spec.shape == FieldShape::kPerSequence ? spec.width
                         : spec.shape == FieldShape::kPerToken  ? std::ssize(feature.encoding.ids)
                                                                : below(4);
      if (spec.type == FieldType::kInt64) {
        std::vector<std::int64_t> values;
        for (std::int64_t i = 0; i < count; ++i) values.push_back(below(std::numeric_limits<std::int64_t>::max()));
        feature.fields[spec.name] = std::move(values);
      } else {
        std::vector<double> values;
        for (std::int64_t i = 0; i < count; ++i) values.push_back(1.0 / static_cast<double>(1 + below(1000)));
        feature.fields[spec.name] = std::move(values);
      }
    }
    return feature;
  }

 private:
  std::mt19937 random_{7};
};

class FeatureFileTest : public ::testing::Test {
 protected:
  // Examples of one to three features, in two files, the second one's without lines; the whole in `data`, and in the
  // file a part at a time.
  void write(const std::vector<FieldSpec>& specs, int examples, FieldRole least = FieldRole::kTarget) {
    Draw draw;
    data_.emplace(TaskData{"train", FeatureStore(specs, at::kFloat, "x"), {}, {}, {0}, 0});
    TaskData part{"train", FeatureStore(specs, at::kFloat, "x"), {}, {}, {0}, 0};
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FeatureFileWriter writer({file, path_, specs, kNames, ""});
    for (int i = 0; i < examples; ++i) {
      std::vector<Feature> features;
      for (auto left = 1 + draw.below(3); left > 0; --left) features.push_back(draw.feature(specs, least));
      const Where where{kNames[2 * i < examples ? 0 : 1], 2 * i < examples ? i + 2 : 0};
      add_features(features, where, *data_);
      add_features(features, where, part);
      if (i % 3 != 1) continue;
      writer.add(part);
      part.clear();
    }
    writer.add(part);
    writer.finish(kKey, kState);
    ::close(file);
  }

  FeatureFile read() const { return read_feature_file(path_, kKey).value(); }

  std::string bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string complaint(const std::string& bytes, const std::string& key = kKey) const {
    const auto path = folder_ / "changed";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    try {
      return read_feature_file(path, key) ? "" : "there is none";
    } catch (const DamagedFile& damaged) {
      return damaged.reason;
    }
  }

  void expect_same(at::ScalarType dtype) const {
    auto file = read();
    const auto& whole = *data_;
    EXPECT_EQ(file.bytes, std::ssize(bytes()));
    EXPECT_EQ(file.fingerprint, whole.store.fingerprint());
    const FeatureStore held(file.specs, dtype, "x", whole.store.arrays(), 0);
    const FeatureStore mapped(file.specs, dtype, "x", file.arrays, file.fingerprint);
    EXPECT_EQ(mapped.fingerprint(), whole.store.fingerprint());
    ASSERT_EQ(mapped.size(), held.size());
    EXPECT_EQ(mapped.tokens(), held.tokens());
    EXPECT_TRUE(std::ranges::equal(file.first_feature.all(), whole.first_feature.all()));
    EXPECT_TRUE(std::ranges::equal(file.lines.all(), whole.places.lines().all()));
    Draw draw;
    for (int i = 0; i < 50; ++i) {
      std::vector<std::int64_t> some;
      for (auto left = 1 + draw.below(8); left > 0; --left) some.push_back(draw.below(held.size()));
      expect_same(*held.pack(some), *mapped.pack(some), file.specs);
    }
  }

  static void expect_same(const Batch& a, const Batch& b, const std::vector<FieldSpec>& specs) {
    const auto is_same = [](const at::Tensor& x, const at::Tensor& y) {
      return x.dtype() == y.dtype() && x.sizes() == y.sizes() && at::equal(x, y);
    };
    EXPECT_TRUE(is_same(a.ids(), b.ids()));
    EXPECT_TRUE(is_same(a.segments(), b.segments()));
    EXPECT_TRUE(is_same(a.offsets(), b.offsets()));
    EXPECT_TRUE(is_same(a.positions(), b.positions()));
    for (const auto& spec : specs) {
      ASSERT_EQ(a.has_field(spec.name), b.has_field(spec.name)) << spec.name;
      if (!a.has_field(spec.name)) continue;
      EXPECT_TRUE(is_same(a.field(spec.name), b.field(spec.name))) << spec.name;
      if (spec.shape != FieldShape::kRagged) continue;
      EXPECT_TRUE(is_same(a.field_offsets(spec.name), b.field_offsets(spec.name))) << spec.name;
    }
  }

  platform::TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.place_for("x").parent_path();
  std::filesystem::path path_ = folder_ / "features";
  std::optional<TaskData> data_;
};

TEST_F(FeatureFileTest, GivesBackWhatWasPutIn) {
  write(all_specs(), 40);
  expect_same(at::kFloat);
  expect_same(at::kDouble);
  const auto file = read();
  EXPECT_EQ(file.state, kState);
  EXPECT_EQ(file.files, (std::vector<std::pair<std::int64_t, std::uint64_t>>{{0, 1}, {20, 2}}));
  ASSERT_EQ(file.specs.size(), all_specs().size());
  for (std::size_t i = 0; i < file.specs.size(); ++i) {
    const auto expected = all_specs()[i];
    EXPECT_EQ(std::tuple(file.specs[i].name, file.specs[i].type, file.specs[i].shape, file.specs[i].width,
                         file.specs[i].role),
              std::tuple(expected.name, expected.type, expected.shape, expected.width, expected.role));
  }
}

TEST_F(FeatureFileTest, FeaturesWithoutTargetsOrWithoutFields) {
  write(all_specs(), 10, FieldRole::kInput);
  expect_same(at::kFloat);
  EXPECT_FALSE(*read().arrays.has_targets);
  write({}, 10);
  expect_same(at::kFloat);
}

TEST_F(FeatureFileTest, ManyExamplesGoThroughAllBuffers) {
  write({{"label"}, {"tags", FieldType::kReal, FieldShape::kPerToken}}, 60'000);
  expect_same(at::kFloat);
}

TEST_F(FeatureFileTest, WhatWasReadStaysWhenTheFileIsGone) {
  write(all_specs(), 10);
  const auto file = read();
  std::filesystem::remove(path_);
  const FeatureStore store(file.specs, at::kFloat, "x", file.arrays, file.fingerprint);
  expect_same(*store.pack({3, 1}), *data_->store.pack({3, 1}), file.specs);
}

TEST_F(FeatureFileTest, ThereIsNone) { EXPECT_FALSE(read_feature_file(folder_ / "none", kKey)); }

TEST_F(FeatureFileTest, AFileThatIsCutIsRefusedWhereverItEnds) {
  write({{"label"}, {"weights", FieldType::kReal, FieldShape::kRagged}}, 5);
  const auto whole = bytes();
  EXPECT_EQ(complaint(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(complaint(whole.substr(0, size)), ::testing::AnyOf(HasSubstr("is cut off"), HasSubstr("were written")))
        << size;
  }
  EXPECT_THAT(complaint(whole + '\0'), HasSubstr("were written"));
}

TEST_F(FeatureFileTest, AFileWithABitFlippedIsRefusedWhereverItIs) {
  write({{"label"}, {"weights", FieldType::kReal, FieldShape::kRagged}}, 5);
  const auto whole = bytes();
  for (std::size_t place = 0; place < whole.size(); ++place) {
    const auto bit = place % 8;  // each in turn: eight times as many files would be tried for nothing more
    auto changed = whole;
    changed[place] = static_cast<char>(changed[place] ^ (1 << bit));
    EXPECT_NE(complaint(changed), "") << place << ", bit " << bit;
  }
}

TEST_F(FeatureFileTest, AFileOfAnotherKeyIsRefused) {
  write({{"label"}}, 5);
  EXPECT_EQ(complaint(bytes(), std::string(64, 'b')), "belongs to another training set");
  EXPECT_EQ(complaint("something else altogether, that is long enough to have a head, if only it had one, "
                      "which it has not"),
            "is no file of features");
}

TEST_F(FeatureFileTest, AnExampleOfAnUnknownFileIsRefused) {
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  FeatureFileWriter writer({file, path_, {}, kNames, ""});
  TaskData part{"train", FeatureStore({}, at::kFloat, "x"), {}, {}, {0}, 0};
  const std::vector<Feature> features = {Draw().feature({}, FieldRole::kTarget)};
  add_features(features, {"three.tsv", 7}, part);
  try {
    writer.add(part);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kConfig);
    EXPECT_THAT(e.what(), HasSubstr("three.tsv:7: "));
  }
  ::close(file);
}

TEST_F(FeatureFileTest, NoRoomIsAnErrorWithWhatToDo) {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CREAT, 0600);  // nothing can be written to it
  FeatureFileWriter writer({file, path_, {}, kNames, "buy a disk"});
  TaskData part{"train", FeatureStore({}, at::kFloat, "x"), {}, {}, {0}, 0};
  const std::vector<Feature> features = {Draw().feature({}, FieldRole::kTarget)};
  add_features(features, {"one.tsv", 7}, part);
  writer.add(part);
  try {
    writer.finish(kKey, "");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    EXPECT_THAT(e.what(), HasSubstr("can't be written: Bad file descriptor; buy a disk"));
  }
  ::close(file);
}

}  // namespace
}  // namespace berth::data
