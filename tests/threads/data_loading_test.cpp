// What the SDK promises of data loading, under ThreadSanitizer: a task's features(), its labels' lookups and the host's
// tokenizer are called from several threads at once, files are read beside each other, batches are packed beside each
// other. Built once a plugin, with its objects.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "core/text/load_tokenizer.h"
#include "fake_host.h"
#include "task_test.h"

namespace berth::test {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 3;
constexpr std::int64_t kMaxLength = 48;  // the longer texts are cut, or go into several windows

// work(number of the thread), on all threads at once. Rethrows what one of them threw.
template <typename Work>
void on_threads(const Work& work) {
  std::vector<std::exception_ptr> thrown(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      try {
        for (int round = 0; round < kRounds; ++round) work(t);
      } catch (...) {
        thrown[t] = std::current_exception();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
}

// Every word of the file, and every byte as a piece: nothing is [UNK].
std::unique_ptr<Tokenizer> tokenizer_of(const std::string& file, const std::filesystem::path& folder) {
  std::ifstream in(file);
  std::set<std::string> words;
  for (std::string word; in >> word;) {
    std::erase_if(word, [](unsigned char c) { return std::isalnum(c) == 0; });
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    if (word.size() > 1) words.insert(word);
  }
  std::ofstream out(folder / "vocab.txt");
  out << "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (char c = '!'; c <= '~'; ++c) out << c << "\n##" << c << '\n';
  for (const auto& word : words) out << word << '\n';
  out.close();
  return text::load_tokenizer(folder);
}

class DataLoading : public testing::Test {
 protected:
  DataLoading() : tokenizer_(tokenizer_of(BERTH_TRAIN_FILE, folder_.path())), task_(make()) {
    task_->describe(options_);
    FakeSet pass(*task_, BERTH_TRAIN_FILE);
    task_->fit(pass.stream());
  }

  std::unique_ptr<Task> make() const {
    char message[256] = "";
    std::unique_ptr<Task> task(berth_create_task(message, sizeof(message)));
    task->use_tokenizer(*tokenizer_);
    return task;
  }

  std::vector<std::unique_ptr<Example>> read() const {
    FakeSet set(*task_, BERTH_TRAIN_FILE);
    std::vector<std::unique_ptr<Example>> examples;
    while (auto example = set.stream().next()) examples.push_back(std::move(example));
    return examples;
  }

  std::vector<Feature> features(const std::vector<std::unique_ptr<Example>>& examples) const {
    CollectingSink sink;
    for (const auto& example : examples) {
      task_->label(*example);
      task_->features(*example, {*tokenizer_, kMaxLength}, sink);
    }
    return std::move(sink.features);
  }

  TemporaryFolder folder_;
  const std::unique_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<Task> task_;
  FakeOptions options_;
};

bool are_same(const std::vector<Feature>& a, const std::vector<Feature>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].encoding.ids != b[i].encoding.ids || a[i].fields != b[i].fields) return false;
  }
  return true;
}

TEST_F(DataLoading, FeaturesAreMadeFromSeveralThreads) {
  const auto examples = read();
  ASSERT_GT(examples.size(), 10U);
  const auto expected = features(examples);
  on_threads([&](int) {
    if (!are_same(features(examples), expected)) throw std::runtime_error("other features than from one thread");
  });
}

TEST_F(DataLoading, FilesAreReadBesideEachOther) {
  const auto expected = features(read());
  on_threads([&](int) {
    if (!are_same(features(read()), expected)) throw std::runtime_error("other features than from one thread");
  });
}

TEST_F(DataLoading, BatchesArePackedBesideEachOther) {
  data::FeatureStore store(task_->fields(), at::kFloat, "test");
  for (const auto& feature : features(read())) store.add(feature);
  const auto expected = store.pack_from(0, store.size());
  on_threads([&](int) {
    const auto batch = store.pack_from(0, store.size());
    if (!at::equal(batch->ids(), expected->ids())) throw std::runtime_error("other batches than from one thread");
  });
}

TEST_F(DataLoading, TextsAreTokenizedAndDecodedFromSeveralThreads) {
  std::ifstream in(BERTH_TRAIN_FILE);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  const auto texts = [&] {
    std::ostringstream text;
    for (const auto& line : lines) {
      const auto encoding = tokenizer_->encode(line, {kMaxLength});
      text << tokenizer_->decode(encoding.ids) << '\n';
      for (const auto& window : tokenizer_->windows(line, {kMaxLength, 8})) text << window.ids.size() << ' ';
    }
    return text.str();
  };
  const auto expected = texts();
  on_threads([&](int) {
    if (texts() != expected) throw std::runtime_error("other texts than from one thread");
  });
}

}  // namespace
}  // namespace berth::test
