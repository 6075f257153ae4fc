// Joins what comes from all clients within a small time into batches for one model, which has a thread of its own. A
// model answers 16 texts at once in far less than 16 times the time of one. core/serve/service asks; the model is a
// function, so that this can be tested without one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace berth::serve {

// What an answer is wanted for.
enum class Form : std::uint8_t {
  kJson,   // programs
  kShown,  // people: also as a Shown and in HTML
};

// One row for one task.
struct Question {
  std::size_t task = 0;
  std::string row;          // a JSON object, as a line of `berth predict`
  std::int64_t number = 1;  // of the row in its request, from 1
  Form form = Form::kJson;
  // When nobody waits for the answer any more.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

struct Failure {
  enum class Cause : std::uint8_t {
    kInput,  // the row can't be read by the task
    kModel,  // a plugin's fault, numbers, memory
  };
  Cause cause = Cause::kModel;
  std::string message;
};

struct Answer {
  std::string json;   // the line of `berth predict`
  std::string shown;  // of Form::kShown: the Shown as JSON
  std::optional<Failure> failure;
};

struct BatcherOptions {
  // How long the first question of a batch waits for others, until as many are there as the last batch had.
  std::chrono::microseconds window{5000};
  std::size_t batch = 64;    // questions; a batch that is full waits no longer
  std::size_t queue = 1024;  // questions that may wait
};

enum class Admission : std::uint8_t {
  kTaken,
  kFull,      // come back later
  kTooMany,   // more questions than the queue can ever hold
  kStopping,  // there will be no answer any more
};

enum class Outcome : std::uint8_t {
  kAnswered,
  kTimedOut,  // its time was up before its last question's turn came
  kStopped,
};

class Batcher {
 public:
  using Clock = std::chrono::steady_clock;
  // One answer a question, in order. Called by one thread. What it throws becomes each question's failure.
  using Model = std::function<std::vector<Answer>(const std::vector<Question>&)>;
  // Called once, on the model's thread; the answers are empty unless kAnswered.
  using Done = std::function<void(Outcome, std::vector<Answer>)>;

  Batcher(const BatcherOptions& options, Model model);

  // As stop().
  ~Batcher();

  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // All of them or none are taken; `done` is called only where they are. There must be one at least. From any thread.
  Admission submit(std::vector<Question> questions, Clock::time_point deadline, Done done);

  std::size_t waiting() const;  // questions
  bool is_full() const { return waiting() >= options_.queue; }

  // Finishes the batch under way; what waits is told kStopped. May be called again.
  void stop();

 private:
  // One submit(): its questions may be answered in several batches. Only the model's thread changes it.
  struct Job {
    std::vector<Answer> answers;
    std::size_t open = 0;  // questions without an answer
    Clock::time_point deadline;
    Done done;
    bool is_over = false;
  };
  struct Waiting {
    Question question;
    std::shared_ptr<Job> job;
    std::size_t place = 0;  // among the job's answers
    Clock::time_point since;
  };

  void work();
  std::vector<Waiting> take();
  void answer(std::vector<Waiting> batch);
  static void end(Job& job, Outcome outcome);

  BatcherOptions options_;
  Model model_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Waiting> queue_;
  std::size_t expected_ = std::numeric_limits<std::size_t>::max();  // questions; as the last batch had
  bool is_stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace berth::serve
