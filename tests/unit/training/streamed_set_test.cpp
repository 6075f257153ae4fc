// A training set that is streamed: every feature once an epoch, whatever the buffer, and the same steps however one
// came to them. The plugin `rows` of tests/plugins makes as many windows of a row as it says.
#include "core/training/streamed_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "core/data/file_fingerprint.h"
#include "core/platform/temporary_folder.h"
#include "core/text/bert_tokenizer.h"
#include "saved_state.h"

namespace berth::training {
namespace {

using ::testing::HasSubstr;

using Token = std::pair<std::int64_t, std::int64_t>;  // line and window
using Steps = std::vector<std::vector<Token>>;

text::BertTokenizer tokenizer() {
  text::BertTokenizerParts parts;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) {
    parts.vocabulary.emplace_back(token, static_cast<std::int32_t>(parts.vocabulary.size()));
  }
  return text::BertTokenizer(std::move(parts));
}

class StreamedSetTest : public ::testing::Test {
 protected:
  void write(const std::vector<std::string>& rows) const {
    std::ofstream out(file_);
    for (const auto& row : rows) out << row << '\n';
  }
  void write(std::size_t rows) const { write(std::vector<std::string>(rows, "1")); }

  data::FeatureOptions features() const { return {tokenizer_, 8, at::kFloat}; }

  plugin::LoadedTask task(const std::string& name = "a") const {
    suite::TaskConfig config;
    config.name = name;
    config.plugin = "rows";
    config.stream = true;
    config.train = {"train", file_, {}, {}};
    return {plugin::Registry({BERTH_BUILD "/tests/plugins-reading"}), config};
  }

  StreamedSet open(const plugin::LoadedTask& task, const StreamedSet::Options& options) const {
    const auto start = data::make_task_data(task, "train", data::read_examples(task, *task.config().train, 4),
                                            data::Keep::kFeatures, features());
    return StreamedSet(task, features(), start, options);
  }

  static std::vector<Token> step_of(StreamedSet& set, std::int64_t step) {
    std::vector<Token> tokens;
    for (const auto& features : set.at(step)) {
      const auto batch = set.data().store.pack(features);
      const auto* ids = batch->ids().const_data_ptr<std::int64_t>();
      for (std::int64_t i = 0; i < batch->tokens(); i += 2) tokens.emplace_back(ids[i], ids[i + 1]);
    }
    return tokens;
  }

  Steps steps_of(const StreamedSet::Options& options, std::int64_t count, const std::string& name = "a") const {
    const auto loaded = task(name);
    auto set = open(loaded, options);
    Steps steps;
    for (std::int64_t step = 0; step < count; ++step) steps.push_back(step_of(set, step));
    return steps;
  }

  // What a run that goes on at this step does first.
  std::vector<Token> resumed(const StreamedSet::Options& options, const TrainingState& state, std::int64_t step) const {
    const auto loaded = task();
    auto set = open(loaded, options);
    set.load(state, step);
    return step_of(set, step);
  }

  platform::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.place_for("train.txt");
  text::BertTokenizer tokenizer_ = tokenizer();
};

TrainingState state_at(StreamedSet& set, std::int64_t step) {
  TrainingState state;
  set.save(state, step);
  return testing::saved(state);
}

std::vector<Token> joined(const Steps& steps, std::size_t begin, std::size_t end) {
  std::vector<Token> tokens;
  for (auto i = begin; i < end; ++i) tokens.insert(tokens.end(), steps[i].begin(), steps[i].end());
  return tokens;
}

std::vector<Token> sorted(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

std::vector<Token> single(std::int64_t rows) {
  std::vector<Token> tokens;
  for (std::int64_t row = 1; row <= rows; ++row) tokens.emplace_back(row, 0);
  return tokens;
}

TEST_F(StreamedSetTest, EveryFeatureComesUpOnceAnEpochWhateverTheSizes) {
  for (const std::int64_t rows : {1, 7, 8, 9, 33}) {
    write(static_cast<std::size_t>(rows));
    for (const std::int64_t buffer : {1, 2, 8, 32, 33, 34, 1000}) {
      const auto per_epoch = static_cast<std::size_t>((rows + 7) / 8);
      const auto steps = steps_of({4, 2, buffer, 42}, 3 * static_cast<std::int64_t>(per_epoch));
      for (std::size_t epoch = 0; epoch < 3; ++epoch) {
        EXPECT_EQ(sorted(joined(steps, epoch * per_epoch, (epoch + 1) * per_epoch)), single(rows))
            << rows << " rows, a buffer of " << buffer << ", epoch " << epoch;
      }
    }
  }
}

TEST_F(StreamedSetTest, ABufferOfOneIsTheOrderOfTheFile) {
  write(10);
  const auto steps = steps_of({2, 2, 1, 42}, 4);
  EXPECT_EQ(joined(steps, 0, 3), single(10));
  EXPECT_EQ(steps[2].size(), 2U) << "the epoch's last step is short";
  EXPECT_EQ(steps[3], steps[0]) << "the next epoch";
}

TEST_F(StreamedSetTest, AStepIsCutIntoMicroBatches) {
  write(7);
  const auto loaded = task();
  auto set = open(loaded, {3, 2, 1, 42});
  EXPECT_EQ(set.at(0), (std::vector<MicroBatch>{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(set.at(1), (std::vector<MicroBatch>{{0}}));
}

TEST_F(StreamedSetTest, ABufferHoldsBackAndTheWholeSetIsShuffledEvenly) {
  write(40);
  const auto few = joined(steps_of({8, 1, 4, 42}, 5), 0, 5);
  EXPECT_NE(few, single(40));
  for (std::size_t i = 0; i < few.size(); ++i) {
    EXPECT_LE(few[i].first, static_cast<std::int64_t>(i) + 4) << "read no further than the buffer";
  }
  // With room for all of them, each row is as likely to come first as any other.
  write(5);
  const auto steps = steps_of({1, 1, 5, 42}, 5 * 2000);
  std::vector<int> first(6, 0);
  for (std::size_t epoch = 0; epoch < 2000; ++epoch) ++first[static_cast<std::size_t>(steps[5 * epoch][0].first)];
  for (std::size_t row = 1; row <= 5; ++row) EXPECT_NEAR(first[row], 400, 80);
}

TEST_F(StreamedSetTest, TheOrderFollowsSeedNameAndEpoch) {
  write(50);
  const auto steps = steps_of({10, 1, 20, 7}, 10);
  EXPECT_EQ(steps_of({10, 1, 20, 7}, 10), steps);
  EXPECT_NE(steps_of({10, 1, 20, 8}, 10), steps);
  EXPECT_NE(steps_of({10, 1, 20, 7}, 10, "b"), steps);
  EXPECT_NE(joined(steps, 0, 5), joined(steps, 5, 10));
}

TEST_F(StreamedSetTest, AnExampleOfSeveralWindowsMayLieInSeveralSteps) {
  write({"1", "5", "2", "1", "7"});
  const auto steps = steps_of({3, 1, 1, 42}, 12);
  EXPECT_EQ(steps[0], (std::vector<Token>{{1, 0}, {2, 0}, {2, 1}}));
  EXPECT_EQ(steps[1], (std::vector<Token>{{2, 2}, {2, 3}, {2, 4}}));
  EXPECT_EQ(steps[5], (std::vector<Token>{{5, 6}}));
  EXPECT_EQ(joined(steps, 0, 6), joined(steps, 6, 12));
  const auto loaded = task();
  auto set = open(loaded, {3, 1, 1, 42});
  const auto places = set.data().places_of(set.at(2).front());
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(to_string(places[0]), file_.string() + ":3: ");
  EXPECT_EQ(to_string(places[1]), file_.string() + ":4: ");
}

TEST_F(StreamedSetTest, AStepIsTheSameHoweverOneCameToIt) {
  write({"1", "5", "2", "1", "7", "3", "1", "1", "4", "1"});
  for (const std::int64_t buffer : {1, 3, 100}) {
    const StreamedSet::Options options{3, 1, buffer, 42};
    const auto steps = steps_of(options, 30);
    const auto at = [&](std::int64_t step) { return steps[static_cast<std::size_t>(step)]; };
    const auto loaded = task();
    auto set = open(loaded, options);
    for (const std::int64_t step : {4, 4, 5, 9, 8, 8, 0, 29, 1}) EXPECT_EQ(step_of(set, step), at(step)) << step;
    auto walking = open(loaded, options);
    for (std::int64_t step = 0; step < 29; ++step) {
      EXPECT_EQ(resumed(options, state_at(walking, step), step), at(step)) << "stopped before " << step;
      EXPECT_EQ(step_of(walking, step), at(step));
      EXPECT_EQ(resumed(options, state_at(walking, step), step), at(step)) << "drawn, but not made: " << step;
      EXPECT_EQ(resumed(options, state_at(walking, step + 1), step + 1), at(step + 1)) << "stopped after " << step;
    }
  }
}

TEST_F(StreamedSetTest, ABadRowIsToldAndLeavesTheStepBeforeAsItWas) {
  write({"1", "1", "1", "1", "1", "bad", "1"});
  const StreamedSet::Options options{2, 1, 1, 42};
  const auto loaded = task();
  auto set = open(loaded, options);
  EXPECT_EQ(step_of(set, 1), (std::vector<Token>{{3, 0}, {4, 0}}));
  for (int i = 0; i < 2; ++i) {
    try {
      set.at(2);
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kContent);
      EXPECT_THAT(error.what(), HasSubstr("train.txt:6: "));
    }
  }
  EXPECT_EQ(step_of(set, 1), (std::vector<Token>{{3, 0}, {4, 0}}));
  EXPECT_THROW(set.at(2), Error);
  const auto state = state_at(set, 2);
  write(7);  // the row is mended
  EXPECT_EQ(resumed(options, state, 2), (std::vector<Token>{{5, 0}, {6, 0}}));
}

TEST_F(StreamedSetTest, ASetThatHasBecomeShorterIsToldWhenTheRunGoesOn) {
  write(20);
  const StreamedSet::Options options{4, 1, 2, 42};
  const auto loaded = task();
  auto set = open(loaded, options);
  step_of(set, 1);
  const auto early = state_at(set, 2);
  step_of(set, 3);
  const auto late = state_at(set, 4);
  write(10);
  EXPECT_NO_THROW(resumed(options, early, 2));
  EXPECT_THROW(resumed(options, late, 4), Error);
}

TEST_F(StreamedSetTest, AnotherFileHasAnotherFingerprint) {
  write(20);
  const auto before = data::file_fingerprint(file_);
  EXPECT_EQ(data::file_fingerprint(file_), before);
  write(21);
  EXPECT_NE(data::file_fingerprint(file_), before);
  write({"2", "1"});
  const auto small = data::file_fingerprint(file_);
  write({"1", "2"});
  EXPECT_NE(data::file_fingerprint(file_), small) << "of the same size";
  EXPECT_THROW(data::file_fingerprint(file_.parent_path() / "none.txt"), Error);
}

}  // namespace
}  // namespace berth::training
