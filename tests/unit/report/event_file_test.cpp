// TensorBoard's own reader has its say in tests/parity/tensorboard. Here: what is drawn of a line, what a run that goes
// on begins with, and that the bytes are those of the formats, by a reader that shares nothing with the writer.
#include "core/report/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "berth/error.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"
#include "tests/unit/checkpoint/temporary_folder.h"

namespace berth::report {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

MATCHER_P2(Draws, tag, value, "") { return arg.tag == tag && arg.value == value; }

Json train_line(const std::string& task, std::int64_t step, double loss) {
  return {{"kind", "train"}, {"step", step}, {"task", task}, {"loss", loss}, {"rate", 0.5}, {"gradient_norm", 2.0}};
}

Json final_line(std::int64_t step) {
  return {{"kind", "final"}, {"step", step}, {"task", "a"}, {"set", "dev"}, {"scores", {{"f1", 0.5}}}};
}

TEST(ScalarsOf, ALineOfTraining) {
  EXPECT_THAT(scalars_of(train_line("a", 3, 1.5)),
              ElementsAre(Draws("train/a/loss", 1.5), Draws("train/rate", 0.5), Draws("train/gradient_norm", 2.0)));
}

TEST(ScalarsOf, ScoresAndThoseOfGroups) {
  Json line = {{"kind", "evaluation"},  {"step", 3},
               {"task", "a"},           {"set", "dev"},
               {"scores", {{"f1", 1}}}, {"groups", {{"yes, low", {{"f1", 0.25}}}}}};
  EXPECT_THAT(scalars_of(line), ElementsAre(Draws("dev/a/f1", 1.0), Draws("dev/a/f1/yes, low", 0.25)));
  line["kind"] = "final";
  EXPECT_THAT(scalars_of(line), ElementsAre(Draws("final/a/dev/f1", 1.0), Draws("final/a/dev/f1/yes, low", 0.25)));
}

TEST(ScalarsOf, AnglesBetweenTasks) {
  const Json line = {{"kind", "cosines"}, {"step", 3}, {"between", {{{"tasks", {"a", "b"}}, {"cosine", -0.5}}}}};
  EXPECT_THAT(scalars_of(line), ElementsAre(Draws("cosine/a,b", -0.5)));
  EXPECT_THAT(scalars_of({{"kind", "cosines"}, {"step", 3}}), IsEmpty());
}

TEST(ScalarsOf, ALineSaysTheSameBeforeItIsWrittenAndAfter) {
  for (const double loss : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    const auto line = train_line("a", 3, loss);
    EXPECT_TRUE(std::isnan(scalars_of(line).front().value));
    EXPECT_TRUE(std::isnan(scalars_of(Json::parse(line.dump())).front().value));
  }
}

TEST(ScalarsOf, OtherLinesHaveNone) {
  for (const auto* kind : {"plan", "cache", "debias", "not_finite"}) {
    EXPECT_THAT(scalars_of({{"kind", kind}, {"step", 3}}), IsEmpty()) << kind;
  }
  EXPECT_THROW(scalars_of(Json(5)), Json::exception);
  EXPECT_THROW(scalars_of({{"kind", "train"}}), Json::exception);
}

// ---- A reader of events

std::uint32_t crc32c(std::string_view bytes) {  // bit by bit, from its definition
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

template <typename Number>
Number take(std::string_view& bytes) {
  Number number{};
  if (bytes.size() < sizeof number) throw std::runtime_error("cut off");
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = take<std::uint8_t>(bytes);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

// The fields of a message in their order: number, and what it holds in hexadecimal or as text.
using Fields = std::vector<std::pair<std::uint64_t, std::string>>;
Fields fields_of(std::string_view message) {
  Fields fields;
  while (!message.empty()) {
    const auto key = take_varint(message);
    auto& value = fields.emplace_back(key >> 3, "").second;
    switch (key & 7) {
      case 0:
        value = std::to_string(take_varint(message));
        break;
      case 1:
        value = std::to_string(take<double>(message));
        break;
      case 5:
        value = std::to_string(take<float>(message));
        break;
      default: {
        const auto size = take_varint(message);
        if (size > message.size()) throw std::runtime_error("cut off");
        value = message.substr(0, size);
        message.remove_prefix(size);
      }
    }
  }
  return fields;
}

void expect_crc(std::string_view bytes, std::uint32_t masked) {
  const auto crc = crc32c(bytes);
  EXPECT_EQ(masked, ((crc >> 15) | (crc << 17)) + 0xa282ead8U);
}

// Of each record, without the time. Checks its frame.
std::vector<Fields> events_of(const fs::path& file) {
  const auto text = model::read_text(file);
  std::string_view rest = text;
  std::vector<Fields> events;
  while (!rest.empty()) {
    const auto head = rest.substr(0, 8);
    const auto size = take<std::uint64_t>(rest);
    expect_crc(head, take<std::uint32_t>(rest));
    const auto event = rest.substr(0, size);
    rest.remove_prefix(size);
    expect_crc(event, take<std::uint32_t>(rest));
    auto fields = fields_of(event);
    EXPECT_EQ(fields.front().first, 1U);
    EXPECT_GT(std::stod(fields.front().second), 1.6e9) << "seconds since 1970";
    fields.erase(fields.begin());
    events.push_back(std::move(fields));
  }
  return events;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// "TAG VALUE" of each value of an event with a summary.
std::vector<std::string> values_of(const Fields& event) {
  std::vector<std::string> values;
  for (const auto& [field, summary] : event) {
    if (field != 5) continue;
    for (const auto& value : fields_of(summary)) {
      const auto parts = fields_of(value.second);
      values.push_back(parts.at(0).second + " " + parts.at(1).second);
    }
  }
  return values;
}

TEST(EventFile, HoldsWhatTheFormatsSay) {
  ASSERT_EQ(crc32c("123456789"), 0xE3069283U) << "the test's own checksum";
  const berth::testing::TemporaryFolder temporary;
  const auto& folder = temporary.path();
  EventFile file(folder / "run/tensorboard");
  file.add({{"kind", "cache"}, {"task", "a"}});
  file.add(train_line("a", 300, 1.5));
  file.add(train_line("b", 300, 0.25));
  file.add(train_line("a", 310, -1));
  const auto files = files_in(folder / "run/tensorboard");
  ASSERT_EQ(files.size(), 1U);
  const auto events = events_of(files[0]);
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0], (Fields{{3, "brain.Event:2"}}));
  EXPECT_EQ(events[1].front(), (std::pair<std::uint64_t, std::string>(2, "300")));
  EXPECT_THAT(values_of(events[1]),
              ElementsAre("train/a/loss 1.500000", "train/rate 0.500000", "train/gradient_norm 2.000000"));
  EXPECT_THAT(values_of(events[2]), ElementsAre("train/b/loss 0.250000")) << "what the run has once is there once";
  EXPECT_EQ(values_of(events[3]).size(), 3U);
}

TEST(EventFile, AFileOfARunThatGoesOnComesAfterTheOthers) {
  const berth::testing::TemporaryFolder temporary;
  const auto& folder = temporary.path();
  fs::create_directories(folder / "t");
  const std::string before = "events.out.tfevents.3000000000.host.1.0";  // of a clock that was wrong
  std::ofstream(folder / "t" / before).put('\n');
  EventFile(folder / "t").restart({7, {train_line("a", 8, 1.5)}});
  const auto files = files_in(folder / "t");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].filename(), before);
  EXPECT_THAT(files[1].filename().string(), ::testing::StartsWith("events.out.tfevents.3000000001."));
}

TEST(EventFile, ARestartNamesItsStepAndSaysAgainWhatStays) {
  const berth::testing::TemporaryFolder temporary;
  const auto& folder = temporary.path();
  for (int i = 0; i < 3; ++i) EventFile(folder / "t").restart({7, {train_line("a", 8, 1.5)}});
  const auto files = files_in(folder / "t");
  ASSERT_EQ(files.size(), 3U) << "in one second";
  for (const auto& file : files) {
    const auto events = events_of(file);
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[1].front(), (std::pair<std::uint64_t, std::string>(2, "7")));
    EXPECT_EQ(events[1].back().first, 7U);
    EXPECT_EQ(fields_of(events[1].back().second), (Fields{{1, "1"}})) << "SessionLog.START";
    EXPECT_EQ(values_of(events[2]).front(), "train/a/loss 1.500000");
  }
}

TEST(EventFile, WhereItCanNotBeWrittenAnErrorSaysSo) {
  const berth::testing::TemporaryFolder temporary;
  const auto& folder = temporary.path();
  platform::write_text(folder / "taken", "");
  try {
    EventFile file(folder / "taken");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("taken"));
  }
}

// ---- What is told again

class RestartOf : public ::testing::Test {
 protected:
  void write(const std::vector<Json>& lines) {
    std::string text;
    for (const auto& line : lines) text.append(line.dump()).append("\n");
    platform::write_text(file_, text);
  }
  std::uintmax_t bytes(const std::vector<Json>& lines) {
    std::uintmax_t sum = 0;
    for (const auto& line : lines) sum += line.dump().size() + 1;
    return sum;
  }

  berth::testing::TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path();
  fs::path file_ = folder_ / "metrics.jsonl";
};

TEST_F(RestartOf, TheLinesOfItsStepThatStay) {
  const std::vector<Json> kept = {{{"kind", "plan"}}, train_line("a", 4, 1), train_line("a", 5, 2)};
  auto all = kept;
  all.push_back(train_line("b", 5, 3));
  all.push_back(train_line("a", 6, 4));
  write(all);
  const auto restart = restart_of(file_, bytes(kept), 5);
  EXPECT_EQ(restart.step, 5);
  EXPECT_THAT(restart.lines, ElementsAre(kept[2]));
}

TEST_F(RestartOf, AFinalScoreThatGoesStandsAtAnEarlyStep) {
  const std::vector<Json> kept = {train_line("a", 1, 1), train_line("a", 2, 2), train_line("a", 3, 3)};
  auto all = kept;
  all.push_back(final_line(2));
  write(all);
  const auto restart = restart_of(file_, bytes(kept), 3);
  EXPECT_EQ(restart.step, 2);
  EXPECT_THAT(restart.lines, ElementsAre(kept[1], kept[2]));
}

TEST_F(RestartOf, ALineThatIsCutOffSaysNothing) {
  const std::vector<Json> kept = {train_line("a", 5, 1)};
  platform::write_text(file_, kept[0].dump() + "\n" + R"({"kind":"train","step":1,"ta)");
  const auto restart = restart_of(file_, bytes(kept), 5);
  EXPECT_EQ(restart.step, 5);
  EXPECT_THAT(restart.lines, ElementsAre(kept[0]));
  EXPECT_THROW(restart_of(folder_ / "none", 0, 5), Error);
}

}  // namespace
}  // namespace berth::report
