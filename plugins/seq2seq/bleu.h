// Corpus BLEU (Papineni et al. 2002) with the numbers of sacrebleu: one reference, orders 1 to 4, exponential
// smoothing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::seq2seq {

enum class BleuTokenizer : std::uint8_t {
  k13a,   // mteval-v13a's, as WMT uses it
  kNone,  // words between white space
};

// UTF-8 text as the words that BLEU counts.
std::vector<std::string> bleu_words(std::string_view text, BleuTokenizer tokenizer);

class Bleu {
 public:
  static constexpr std::size_t kOrders = 4;

  explicit Bleu(BleuTokenizer tokenizer) : tokenizer_(tokenizer) {}

  void add(std::string_view reference, std::string_view answer);
  double score() const;  // 0 to 100

  // What add() counted: reference words, answer words, then matches and totals by order.
  using Counts = std::array<std::int64_t, 2 + 2 * kOrders>;
  const Counts& counts() const { return counts_; }
  void add(const Counts& counts);

 private:
  BleuTokenizer tokenizer_;
  Counts counts_ = {};
};

}  // namespace berth::seq2seq
