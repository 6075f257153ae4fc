#include "core/report/prediction_line.h"

#include <gtest/gtest.h>

#include "berth/error.h"

namespace berth::report {
namespace {

TEST(PredictionLine, RepeatsTheInputInItsOrderAndAddsTheAnswer) {
  EXPECT_EQ(prediction_line(R"({"z": 1, "text": "Grüße", "a": [null, 2.5]})", "mood", R"({"prediction": "good"})"),
            R"({"z":1,"text":"Grüße","a":[null,2.5],"task":"mood","prediction":"good"})");
}

TEST(PredictionLine, TheTasksKeysWin) {
  EXPECT_EQ(prediction_line(R"({"task": "mine", "prediction": 0, "id": 7})", "mood", R"({"prediction": 1})"),
            R"({"task":"mood","prediction":1,"id":7})");
}

TEST(PredictionLine, BrokenUtf8IsReplaced) {
  // An input that was parsed has none; a task may still cut a text within a character.
  EXPECT_EQ(prediction_line("{}", "mood", "{\"prediction\": \"ok\"}"), R"({"task":"mood","prediction":"ok"})");
  EXPECT_THROW(prediction_line("{}", "mood", "{\"prediction\": \"\xC3\"}"), Error);
}

TEST(PredictionLine, WhatIsNoObjectIsThePluginsError) {
  for (const auto* bad : {"", "[1]", "3", "{"}) {
    try {
      prediction_line("{}", "mood", bad);
      FAIL() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kPlugin);
    }
  }
}

}  // namespace
}  // namespace berth::report
