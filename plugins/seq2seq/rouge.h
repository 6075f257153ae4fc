// ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) with the numbers of the package rouge-score: F measures, one reference, the
// mean over the examples.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::seq2seq {

enum class Stemming : std::uint8_t { kNone, kPorter };

// UTF-8 text as runs of a-z and 0-9 in lower case; with stemming, those of more than three letters as their stems.
std::vector<std::string> rouge_words(std::string_view text, Stemming stemming);

class Rouge {
 public:
  enum Type : std::uint8_t { kOne, kTwo, kLongest, kTypes };

  explicit Rouge(Stemming stemming) : stemming_(stemming) {}

  void add(std::string_view reference, std::string_view answer);
  double score(Type type) const;  // 0 to 1; NaN without examples

  // How many examples had which counts: common, in the reference, in the answer. Exact, so that the order of adding and
  // merging changes nothing.
  using Counts = std::array<std::int64_t, 3>;
  const std::map<Counts, std::int64_t>& counts(Type type) const { return counts_[type]; }
  void add(Type type, const Counts& counts, std::int64_t examples) { counts_[type][counts] += examples; }

 private:
  Stemming stemming_;
  std::array<std::map<Counts, std::int64_t>, kTypes> counts_;
};

}  // namespace berth::seq2seq
