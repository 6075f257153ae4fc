#include "core/serve/batcher.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace berth::serve {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr milliseconds kLong{20'000};

Batcher::Clock::time_point in(milliseconds time) { return Batcher::Clock::now() + time; }

std::vector<Question> questions(std::vector<std::string> rows) {
  std::vector<Question> result;
  for (auto& row : rows)
    result.push_back({0, std::move(row), static_cast<std::int64_t>(result.size()) + 1, Form::kJson});
  return result;
}

std::vector<Answer> repeat(const std::vector<Question>& asked) {
  std::vector<Answer> answers;
  for (const auto& question : asked) answers.push_back({"re " + question.row, "", {}});
  return answers;
}

struct Result {
  Outcome outcome;
  std::vector<std::string> texts;
};

// What a submit() came to, for a test to wait for.
class Waiter {
 public:
  Batcher::Done done() {
    return [promise = promise_](Outcome outcome, const std::vector<Answer>& answers) {
      Result result{outcome, {}};
      for (const auto& answer : answers) result.texts.push_back(answer.failure ? answer.failure->message : answer.json);
      promise->set_value(std::move(result));
    };
  }

  Result get() {
    auto future = promise_->get_future();
    if (future.wait_for(kLong) != std::future_status::ready) throw std::runtime_error("no answer");
    return future.get();
  }

 private:
  // Shared: the waiting thread may go on, and away, while set_value() returns.
  std::shared_ptr<std::promise<Result>> promise_ = std::make_shared<std::promise<Result>>();
};

// A model that stands still until it is let go; tells the sizes of its batches.
class Gate {
 public:
  Batcher::Model model() {
    return [this](const std::vector<Question>& asked) {
      sizes.push_back(asked.size());
      entered.set_value();
      entered = {};
      opened_.wait();
      return repeat(asked);
    };
  }
  void open() { open_.set_value(); }

  std::vector<std::size_t> sizes;  // to be read when all is answered
  std::promise<void> entered;

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

TEST(Batcher, JoinsWhatComesWithinTheWindow) {
  std::vector<std::size_t> sizes;
  BatcherOptions options;
  options.window = milliseconds(200);
  Batcher batcher(options, [&](const std::vector<Question>& asked) {
    sizes.push_back(asked.size());
    return repeat(asked);
  });
  Waiter first;
  Waiter second;
  ASSERT_EQ(batcher.submit(questions({"a", "b"}), in(kLong), first.done()), Admission::kTaken);
  ASSERT_EQ(batcher.submit(questions({"c"}), in(kLong), second.done()), Admission::kTaken);
  EXPECT_THAT(first.get().texts, ElementsAre("re a", "re b"));
  EXPECT_THAT(second.get().texts, ElementsAre("re c"));
  batcher.stop();
  EXPECT_THAT(sizes, ElementsAre(3));
}

TEST(Batcher, AFullBatchWaitsForNobody) {
  BatcherOptions options;
  options.window = kLong;
  options.batch = 2;
  Batcher batcher(options, repeat);
  Waiter waiter;
  batcher.submit(questions({"a", "b"}), in(kLong), waiter.done());
  EXPECT_EQ(waiter.get().outcome, Outcome::kAnswered);
}

TEST(Batcher, AClientAloneWaitsForTheWindowOnce) {
  BatcherOptions options;
  options.window = milliseconds(500);
  Batcher batcher(options, repeat);
  for (const bool is_first : {true, false}) {
    const auto start = Batcher::Clock::now();
    Waiter waiter;
    batcher.submit(questions({"a"}), in(kLong), waiter.done());
    EXPECT_EQ(waiter.get().outcome, Outcome::kAnswered);
    EXPECT_EQ(Batcher::Clock::now() - start >= options.window, is_first);
  }
}

TEST(Batcher, ALongListGoesThroughSeveralBatches) {
  std::vector<std::size_t> sizes;
  BatcherOptions options;
  options.window = milliseconds(0);
  options.batch = 2;
  Batcher batcher(options, [&](const std::vector<Question>& asked) {
    sizes.push_back(asked.size());
    return repeat(asked);
  });
  Waiter waiter;
  batcher.submit(questions({"a", "b", "c", "d", "e"}), in(kLong), waiter.done());
  EXPECT_THAT(waiter.get().texts, ElementsAre("re a", "re b", "re c", "re d", "re e"));
  batcher.stop();
  EXPECT_THAT(sizes, ElementsAre(2, 2, 1));
}

TEST(Batcher, AFullQueueRefusesAtOnce) {
  Gate gate;
  BatcherOptions options;
  options.window = milliseconds(0);
  options.batch = 1;
  options.queue = 2;
  Batcher batcher(options, gate.model());
  auto is_busy = gate.entered.get_future();
  Waiter busy;
  Waiter waiting;
  batcher.submit(questions({"a"}), in(kLong), busy.done());
  is_busy.wait();
  EXPECT_EQ(batcher.submit(questions({"b", "c", "d"}), in(kLong), [](auto, const auto&) {}), Admission::kTooMany);
  EXPECT_EQ(batcher.submit(questions({"b", "c"}), in(kLong), waiting.done()), Admission::kTaken);
  EXPECT_TRUE(batcher.is_full());
  EXPECT_EQ(batcher.waiting(), 2);
  EXPECT_EQ(batcher.submit(questions({"d"}), in(kLong), [](auto, const auto&) {}), Admission::kFull);
  gate.open();
  EXPECT_THAT(waiting.get().texts, SizeIs(2));
  EXPECT_FALSE(batcher.is_full());
}

TEST(Batcher, WhatWaitedTooLongIsNotComputed) {
  Gate gate;
  BatcherOptions options;
  options.window = milliseconds(0);
  Batcher batcher(options, gate.model());
  auto is_busy = gate.entered.get_future();
  Waiter busy;
  Waiter late;
  Waiter patient;
  batcher.submit(questions({"a"}), in(kLong), busy.done());
  is_busy.wait();
  batcher.submit(questions({"b", "c"}), in(milliseconds(0)), late.done());
  batcher.submit(questions({"d"}), in(kLong), patient.done());
  gate.open();
  EXPECT_EQ(late.get().outcome, Outcome::kTimedOut);
  EXPECT_THAT(patient.get().texts, ElementsAre("re d"));
  batcher.stop();
  EXPECT_THAT(gate.sizes, ElementsAre(1, 1));
}

TEST(Batcher, TheModelKnowsHowLongAQuestionIsWaitedFor) {
  std::vector<Batcher::Clock::time_point> deadlines;
  BatcherOptions options;
  options.window = milliseconds(0);
  Batcher batcher(options, [&](const std::vector<Question>& asked) {
    for (const auto& question : asked) deadlines.push_back(question.deadline);
    return repeat(asked);
  });
  const auto deadline = in(kLong);
  Waiter waiter;
  batcher.submit(questions({"a", "b"}), deadline, waiter.done());
  EXPECT_EQ(waiter.get().outcome, Outcome::kAnswered);
  batcher.stop();
  EXPECT_THAT(deadlines, ElementsAre(deadline, deadline));
}

TEST(Batcher, WhatTheModelThrowsIsTheFailureOfItsBatchAlone) {
  std::atomic<int> calls{0};
  BatcherOptions options;
  options.window = milliseconds(0);
  Batcher batcher(options, [&](const std::vector<Question>& asked) {
    if (++calls == 1) throw std::runtime_error("broken");
    if (calls == 2) return std::vector<Answer>{};
    return repeat(asked);
  });
  Waiter thrown;
  batcher.submit(questions({"a"}), in(kLong), thrown.done());
  EXPECT_THAT(thrown.get().texts, ElementsAre("broken"));
  Waiter short_of;
  batcher.submit(questions({"a"}), in(kLong), short_of.done());
  EXPECT_THAT(short_of.get().texts, ElementsAre(::testing::HasSubstr("another number of answers")));
  Waiter good;
  batcher.submit(questions({"b"}), in(kLong), good.done());
  EXPECT_THAT(good.get().texts, ElementsAre("re b"));
}

TEST(Batcher, StopFinishesTheBatchUnderWayAndTellsTheRest) {
  Gate gate;
  BatcherOptions options;
  options.window = milliseconds(0);
  Batcher batcher(options, gate.model());
  auto is_busy = gate.entered.get_future();
  Waiter busy;
  Waiter waiting;
  batcher.submit(questions({"a"}), in(kLong), busy.done());
  is_busy.wait();
  batcher.submit(questions({"b"}), in(kLong), waiting.done());
  auto stopped = std::async(std::launch::async, [&] { batcher.stop(); });
  while (batcher.submit(questions({"c"}), in(milliseconds(0)), [](auto, const auto&) {}) != Admission::kStopping) {
    std::this_thread::yield();
  }
  gate.open();
  stopped.get();
  EXPECT_THAT(busy.get().texts, ElementsAre("re a"));
  EXPECT_EQ(waiting.get().outcome, Outcome::kStopped);
  EXPECT_EQ(batcher.submit(questions({"d"}), in(kLong), [](auto, const auto&) {}), Admission::kStopping);
}

TEST(Batcher, ManyClientsGetTheirOwnAnswers) {
  constexpr int kClients = 16;
  constexpr int kEach = 50;
  BatcherOptions options;
  options.window = milliseconds(1);
  options.batch = 8;
  Batcher batcher(options, repeat);
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < kEach; ++i) {
        const auto row = std::to_string(c) + " " + std::to_string(i);
        Waiter waiter;
        if (batcher.submit(questions({row}), in(kLong), waiter.done()) != Admission::kTaken) continue;
        if (waiter.get().texts == std::vector<std::string>{"re " + row}) ++right;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, kClients * kEach);
}

}  // namespace
}  // namespace berth::serve
