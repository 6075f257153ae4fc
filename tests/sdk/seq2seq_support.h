// What the tests of the seq2seq plugin share: a real tokenizer over a small vocabulary, and an encoder's output that is
// a leaf of autograd.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/data/encoded_batch.h"
#include "core/text/bert_tokenizer.h"
#include "fake_host.h"

namespace berth::test {

// Special tokens, a few whole words, and single letters, digits and marks for all else.
inline std::unique_ptr<Tokenizer> small_tokenizer() {
  text::BertTokenizerParts parts;
  parts.source = "test";
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "the", "jazz", "##ing"};
  for (const char c : std::string("abcdefghijklmnopqrstuvwxyz0123456789")) {
    tokens.emplace_back(1, c);
    tokens.push_back(std::string("##") + c);
  }
  for (const char c : std::string("[]():,.!?'-_")) tokens.emplace_back(1, c);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    parts.vocabulary.emplace_back(tokens[i], static_cast<std::int32_t>(i));
  }
  return std::make_unique<text::BertTokenizer>(std::move(parts));
}

// Hidden states of a batch: random, float64, and known to autograd.
class LeafEncoded final : public Encoded {
 public:
  LeafEncoded(const Batch& batch, std::int64_t width) : batch_(batch) {
    at::manual_seed(5);
    hidden_ = at::randn({batch.tokens(), width}, at::kDouble).requires_grad_(true);
  }

  const Batch& batch() const override { return batch_; }
  at::Tensor hidden() const override { return hidden_; }
  at::Tensor first() const override { return hidden_.index_select(0, batch_.offsets().slice(0, 0, batch_.size())); }
  at::Tensor pooled() const override { return first().tanh(); }
  Padded padded() const override { return data::EncodedBatch(batch_, {hidden_, first(), pooled()}).padded(); }

 private:
  const Batch& batch_;
  at::Tensor hidden_;
};

}  // namespace berth::test
