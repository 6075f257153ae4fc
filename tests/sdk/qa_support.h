// What the tests of the qa plugin share: a real tokenizer with a small vocabulary, and questions made by hand.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/text/bert_tokenizer.h"
#include "fake_host.h"
#include "plugins/qa/example.h"

namespace berth::test {

// Some whole words, and every other lower-case word by its letters; other characters are [UNK].
inline std::unique_ptr<Tokenizer> small_tokenizer() {
  std::vector<std::string> pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[START]", ".", ",", "?", "'", "-"};
  for (const char* word :
       {"what", "does", "the",  "honey",  "lamp",  "cost", "costs", "who",  "made", "it", "was", "by",
        "anna", "olaf", "nine", "twelve", "euros", "in",   "our",   "shop", "is",   "a",  "and"}) {
    pieces.emplace_back(word);
  }
  for (char c = 'a'; c <= 'z'; ++c) {
    pieces.emplace_back(1, c);
    pieces.push_back(std::string("##") + c);
  }
  for (const char* character : {"\xE8\x9C\x82", "\xE8\x9C\x9C", "\xD8\xB9", "##\xD8\xB3", "##\xD9\x84"}) {
    pieces.emplace_back(character);
  }
  text::BertTokenizerParts parts;
  parts.source = "test";
  for (const std::string& piece : pieces) {
    parts.vocabulary.emplace_back(piece, static_cast<std::int32_t>(parts.vocabulary.size()));
  }
  return std::make_unique<text::BertTokenizer>(std::move(parts));
}

// A question whose answer, if it has one, is the first occurrence of `answer` in the context.
inline std::unique_ptr<qa::QaExample> question(const std::string& text, const std::string& context,
                                               const std::string& answer = "") {
  auto example = std::make_unique<qa::QaExample>();
  example->id = "q";
  example->question = text;
  example->context = std::make_shared<const std::string>(context);
  example->answers.emplace();
  if (!answer.empty()) {
    const auto begin = static_cast<std::uint32_t>(context.find(answer));
    example->answers->push_back({answer, Span{begin, begin + static_cast<std::uint32_t>(answer.size())}});
  }
  return example;
}

}  // namespace berth::test
