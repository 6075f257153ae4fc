// Greedy and beam search over any model that scores one step at a time. It knows nothing of decoders.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace berth::seq2seq {

// Scores the next tokens of R = A * K hypotheses: K for each of A sequences, in the order of the sequences.
// All tensors are on the CPU, where the search is.
class StepModel {
 public:
  virtual ~StepModel() = default;

  // tokens: [R] int64, the last token of each hypothesis (at first, what begins an answer). parents: [R] int64, the row
  // of the last call that each goes on from; undefined in the first call. Returns [R, tokens] logarithms of
  // probability.
  virtual at::Tensor step(const at::Tensor& tokens, const at::Tensor& parents) = 0;

  // Where the tokens, [n] int64, came from in these rows, [n] int64, of the last step: a place in the source, or -1.
  virtual at::Tensor origins(const at::Tensor& rows, const at::Tensor& tokens) = 0;

  // Only these of the A sequences, int64, go on; rows of the last call are counted among theirs from now on.
  virtual void keep(const at::Tensor& sequences) = 0;
};

struct SearchOptions {
  std::int64_t beams = 1;         // K; 1: greedy search
  std::int64_t min_length = 0;    // tokens, the end not counted
  std::int64_t max_length = 128;  // likewise; there, nothing but the end may follow
  double length_penalty =
      0.6;  // alpha: hypotheses are ranked by score / ((5 + tokens and end) / 6)^alpha (Wu et al. 2016)
  std::int64_t block_ngrams = 0;  // no sequence of that many tokens comes twice; 0: not blocked
  bool early_stopping = true;     // stop at K finished hypotheses, even if one that goes on might be ranked higher
  std::int64_t begin = 0;
  std::int64_t end = 1;
  std::vector<std::int64_t> banned;  // tokens that are never taken
};

struct Hypothesis {
  std::vector<std::int64_t> tokens;   // without the end
  std::vector<std::int64_t> origins;  // one a token
  double score = 0;                   // logarithm of its probability, the end's included
};

// The best hypothesis of each sequence. Of equally good continuations the one of the better hypothesis is taken, then
// the one of the smaller token. Where every continuation is banned or blocked, the hypothesis ends as it is.
std::vector<Hypothesis> search(StepModel& model, std::int64_t sequences, const SearchOptions& options);

}  // namespace berth::seq2seq
