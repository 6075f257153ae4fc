#include "core/serve/batcher.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace berth::serve {

Batcher::Batcher(const BatcherOptions& options, Model model)
    : options_(options), model_(std::move(model)), thread_([this] { work(); }) {}

Batcher::~Batcher() { stop(); }

Admission Batcher::submit(std::vector<Question> questions, Clock::time_point deadline, Done done) {
  auto job = std::make_shared<Job>();
  job->answers.resize(questions.size());
  job->open = questions.size();
  job->deadline = deadline;
  job->done = std::move(done);
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  if (is_stopping_) return Admission::kStopping;
  if (questions.size() > options_.queue) return Admission::kTooMany;
  if (queue_.size() + questions.size() > options_.queue) return Admission::kFull;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    questions[i].deadline = deadline;
    queue_.push_back({std::move(questions[i]), job, i, now});
  }
  changed_.notify_one();
  return Admission::kTaken;
}

std::size_t Batcher::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Batcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Batcher::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
    if (is_stopping_) break;
    // As many as came together last time are likely all that will come: a client alone waits for nobody.
    changed_.wait_until(lock, queue_.front().since + options_.window,
                        [this] { return is_stopping_ || queue_.size() >= std::min(options_.batch, expected_); });
    if (is_stopping_) break;
    auto batch = take();
    expected_ = batch.size();
    lock.unlock();
    answer(std::move(batch));
    lock.lock();
  }
  const auto left = std::move(queue_);
  queue_.clear();
  lock.unlock();
  for (const auto& waiting : left) end(*waiting.job, Outcome::kStopped);
}

// The first of the queue, with those whose time is up besides: these cost nothing.
std::vector<Batcher::Waiting> Batcher::take() {
  std::vector<Waiting> batch;
  const auto now = Clock::now();
  std::size_t live = 0;
  while (!queue_.empty() && live < options_.batch) {
    if (queue_.front().job->deadline > now) ++live;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void Batcher::answer(std::vector<Waiting> batch) {
  const auto now = Clock::now();
  const auto late = std::stable_partition(batch.begin(), batch.end(), [now](const Waiting& waiting) {
    return !waiting.job->is_over && waiting.job->deadline > now;
  });
  for (auto waiting = late; waiting != batch.end(); ++waiting) end(*waiting->job, Outcome::kTimedOut);
  batch.erase(late, batch.end());
  if (batch.empty()) return;

  std::vector<Question> questions;
  questions.reserve(batch.size());
  for (auto& waiting : batch) questions.push_back(std::move(waiting.question));
  std::vector<Answer> answers;
  try {
    answers = model_(questions);
    if (answers.size() != batch.size()) throw std::logic_error("the model gave another number of answers than asked");
  } catch (const std::exception& error) {
    Answer failed;
    failed.failure = Failure{Failure::Cause::kModel, error.what()};
    answers.assign(batch.size(), failed);
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Job& job = *batch[i].job;
    job.answers[batch[i].place] = std::move(answers[i]);
    if (--job.open == 0) end(job, Outcome::kAnswered);
  }
}

void Batcher::end(Job& job, Outcome outcome) {
  if (job.is_over) return;
  job.is_over = true;
  if (outcome != Outcome::kAnswered) job.answers.clear();
  try {
    job.done(outcome, std::move(job.answers));
  } catch (const std::exception&) {  // out of memory: its client gets no answer in time; the others do
  }
}

}  // namespace berth::serve
