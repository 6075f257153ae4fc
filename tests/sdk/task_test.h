// What the tests of a plugin's whole task share: its files, the task as the loader makes it, and sets read through it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "berth/plugin.h"
#include "fake_host.h"
#include "support.h"

// Of the plugin whose objects are linked into the test.
extern "C" berth::Task* berth_create_task(char* message, std::size_t size) noexcept;

namespace berth::test {

class TaskTest : public testing::Test {
 protected:
  using Fill = std::function<void(FakeOptions&)>;

  explicit TaskTest(std::unique_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)), task_(make()) {
    task_->describe(options_);
  }

  std::unique_ptr<Task> make() const {
    char message[256] = "";
    std::unique_ptr<Task> task(berth_create_task(message, sizeof(message)));
    task->use_tokenizer(*tokenizer_);
    return task;
  }

  // Fits the task on the file and loads it.
  std::unique_ptr<FakeSet> fitted(const std::string& name, const std::string& content, const Fill& fill = {}) {
    const std::string file = folder_.write(name, content);
    FakeSet pass(*task_, file, fill);
    task_->fit(pass.stream());
    return loaded(file, fill);
  }
  std::unique_ptr<FakeSet> loaded(const std::string& file, const Fill& fill = {}) const {
    auto set = std::make_unique<FakeSet>(*task_, file, fill);
    set->load(*task_, {*tokenizer_, max_length_});
    return set;
  }

  TemporaryFolder folder_;
  const std::unique_ptr<const Tokenizer> tokenizer_;
  std::int64_t max_length_ = 64;
  std::unique_ptr<Task> task_;
  FakeOptions options_;
};

}  // namespace berth::test
