#include "context.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace berth::ner {
namespace {

class ContextStream final : public ExampleStream {
 public:
  ContextStream(std::unique_ptr<ExampleStream> sentences, std::size_t words)
      : sentences_(std::move(sentences)), words_(words) {}

  std::unique_ptr<Example> next() override {
    if (waiting_.empty() && !read()) return nullptr;
    while (!knows_enough() && read()) {
    }
    std::unique_ptr<NerExample> example = std::move(waiting_.front());
    waiting_.pop_front();
    if (example->document != document_) seen_.clear();
    document_ = example->document;
    if (document_.empty()) return example;
    example->before.assign(seen_.begin(), seen_.end());
    for (const auto& following : waiting_) {
      if (following->document != document_) break;
      const std::size_t room = words_ - example->after.size();
      const auto begin = following->words.begin();
      example->after.insert(example->after.end(), begin,
                            begin + static_cast<std::ptrdiff_t>(std::min(room, following->words.size())));
    }
    seen_.insert(seen_.end(), example->words.begin(), example->words.end());
    while (seen_.size() > words_) seen_.pop_front();
    return example;
  }

 private:
  bool read() {
    auto example = sentences_->next();
    if (!example) return false;
    waiting_.emplace_back(static_cast<NerExample*>(example.release()));
    return true;
  }

  // Whether what waits behind the first sentence holds all that it is to see.
  bool knows_enough() const {
    const std::string& document = waiting_.front()->document;
    if (document.empty() || waiting_.back()->document != document) return true;
    std::size_t words = 0;
    for (std::size_t i = 1; i < waiting_.size(); ++i) words += waiting_[i]->words.size();
    return words >= words_;
  }

  std::unique_ptr<ExampleStream> sentences_;
  std::size_t words_;
  std::deque<std::unique_ptr<NerExample>> waiting_;
  std::deque<std::string> seen_;  // the last words of the document so far
  std::string document_;
};

}  // namespace

std::unique_ptr<ExampleStream> add_context(std::unique_ptr<ExampleStream> sentences, std::size_t words) {
  return std::make_unique<ContextStream>(std::move(sentences), words);
}

}  // namespace berth::ner
