// Tags for the words of one sentence out of their scores: each by itself, or as a chain in which steps from tag to tag
// score, too. Used by decode().
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "berth/kit/tags.h"

namespace berth::ner {

// Scores of W words, T each.
struct Emissions {
  std::size_t tags = 0;
  std::vector<double> values;  // [W * T]

  std::size_t words() const { return values.size() / tags; }
  const double* of(std::size_t word) const { return values.data() + word * tags; }
};

// What a chain scores besides emissions; all empty: words are tagged one by one. -infinity: never.
struct ChainWeights {
  std::vector<double> transitions;  // [T * T], from the row's tag to the column's
  std::vector<double> start;        // [T]
  std::vector<double> end;          // [T]

  bool empty() const { return transitions.empty(); }
};

// 0 where the scheme allows a step, -infinity where not.
ChainWeights allowed_steps(const kit::TagSet& tags);

// The tags with the highest score (Viterbi, 1967); of equal ones, those with the lower numbers in the last word where
// they differ. One a word.
std::vector<std::int64_t> best_tags(const Emissions& emissions, const ChainWeights& weights);

// Probabilities of some words' tags, whatever the others' are (forward-backward).
class Marginals {
 public:
  // Both must outlive this.
  Marginals(const Emissions& emissions, const ChainWeights& weights);

  // That the words [begin, end) have exactly these of `tags`, which has one a word of the sentence. For words tagged
  // one by one, the product of their softmax probabilities.
  double of(const std::vector<std::int64_t>& tags, std::size_t begin, std::size_t end) const;

 private:
  void run_chain();

  const Emissions& emissions_;
  const ChainWeights& weights_;
  std::vector<double> forward_;   // [W * T]: log of all that leads to a tag, its own emission included
  std::vector<double> backward_;  // [W * T]: log of all that follows it; empty where words are tagged one by one
  double total_ = 0;              // log of the sum over all sequences
};

}  // namespace berth::ner
