// The search over models that are tables.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "plugins/seq2seq/search.h"

namespace berth::seq2seq {
namespace {

using testing::ElementsAre;
using Tokens = std::vector<std::int64_t>;

constexpr std::int64_t kBegin = 0;
constexpr std::int64_t kEnd = 1;

// Scores depend on all tokens so far, as drawn from a hash of them: what a decoder with a memory does. Checks that the
// search counts its rows right.
class HashModel final : public StepModel {
 public:
  HashModel(std::int64_t sequences, std::int64_t classes) : classes_(classes) {
    for (std::int64_t i = 0; i < sequences; ++i) seeds_.push_back(i);
  }

  at::Tensor step(const at::Tensor& tokens, const at::Tensor& parents) override {
    const std::int64_t beams = tokens.size(0) / static_cast<std::int64_t>(seeds_.size());
    std::vector<Tokens> next;
    for (std::int64_t row = 0; row < tokens.size(0); ++row) {
      Tokens history = parents.defined() ? rows_.at(static_cast<std::size_t>(parents[row].item<std::int64_t>()))
                                         : Tokens{seeds_[static_cast<std::size_t>(row / beams)]};
      if (parents.defined()) {
        EXPECT_EQ(history.front(), seeds_[static_cast<std::size_t>(row / beams)]) << "a row of another sequence";
      }
      history.push_back(tokens[row].item<std::int64_t>());
      next.push_back(std::move(history));
    }
    rows_ = std::move(next);
    beams_ = beams;
    std::vector<at::Tensor> scores;
    for (const Tokens& row : rows_) scores.push_back(scores_after(row));
    return at::stack(scores);
  }

  at::Tensor origins(const at::Tensor& rows, const at::Tensor& tokens) override {
    EXPECT_LT(rows.max().item<std::int64_t>(), static_cast<std::int64_t>(rows_.size()));
    return tokens * 10;
  }

  void keep(const at::Tensor& sequences) override {
    std::vector<std::int64_t> seeds;
    std::vector<Tokens> rows;
    for (std::int64_t i = 0; i < sequences.size(0); ++i) {
      const auto s = sequences[i].item<std::int64_t>();
      seeds.push_back(seeds_[static_cast<std::size_t>(s)]);
      for (std::int64_t k = 0; k < beams_; ++k) rows.push_back(rows_[static_cast<std::size_t>(s * beams_ + k)]);
    }
    seeds_ = std::move(seeds);
    rows_ = std::move(rows);
  }

  // history: the seed, the begin, then tokens. Always the same for the same history.
  at::Tensor scores_after(const Tokens& history) const {
    std::uint64_t hash = 1469598103934665603ULL;
    for (const std::int64_t token : history) hash = (hash ^ static_cast<std::uint64_t>(token)) * 1099511628211ULL;
    at::Tensor logits = at::empty({classes_}, at::kDouble);
    for (std::int64_t i = 0; i < classes_; ++i) {
      hash = hash * 6364136223846793005ULL + 1442695040888963407ULL;
      logits[i] = static_cast<double>(hash >> 40U) / (1 << 23) * 3;
    }
    return at::log_softmax(logits, 0);
  }

 private:
  std::int64_t classes_;
  std::int64_t beams_ = 1;
  std::vector<std::int64_t> seeds_;
  std::vector<Tokens> rows_;
};

SearchOptions options(std::int64_t beams) {
  SearchOptions o;
  o.beams = beams;
  o.max_length = 6;
  o.banned = {kBegin};
  o.end = kEnd;
  return o;
}

// The best of all answers there are, by rank.
Hypothesis exhaustive(const HashModel& model, std::int64_t seed, std::int64_t classes, const SearchOptions& o) {
  Hypothesis best;
  double best_rank = -std::numeric_limits<double>::infinity();
  const std::function<void(Hypothesis)> visit = [&](const Hypothesis& h) {
    Tokens history = {seed, kBegin};
    history.insert(history.end(), h.tokens.begin(), h.tokens.end());
    const at::Tensor scores = model.scores_after(history);
    const auto length = static_cast<std::int64_t>(h.tokens.size());
    if (length >= o.min_length) {
      Hypothesis ended = h;
      ended.score += scores[kEnd].item<double>();
      const double rank = ended.score / std::pow((6.0 + static_cast<double>(length)) / 6, o.length_penalty);
      if (rank > best_rank) {
        best_rank = rank;
        best = ended;
      }
    }
    for (std::int64_t token = 2; token < classes && length < o.max_length; ++token) {
      Hypothesis longer = h;
      longer.tokens.push_back(token);
      longer.score += scores[token].item<double>();
      visit(longer);
    }
  };
  visit({});
  return best;
}

TEST(Seq2SeqSearch, WidthOneIsGreedy) {
  constexpr std::int64_t kSequences = 40;
  HashModel model(kSequences, 5);
  const auto found = search(model, kSequences, options(1));
  for (std::int64_t s = 0; s < kSequences; ++s) {
    Tokens history = {s, kBegin};
    Tokens expected;
    double score = 0;
    while (true) {
      at::Tensor scores = model.scores_after(history);
      scores[kBegin] = -1e9;
      const std::int64_t token = expected.size() == 6 ? kEnd : scores.argmax().item<std::int64_t>();
      score += scores[token].item<double>();
      if (token == kEnd) break;
      expected.push_back(token);
      history.push_back(token);
    }
    EXPECT_EQ(found[static_cast<std::size_t>(s)].tokens, expected);
    EXPECT_NEAR(found[static_cast<std::size_t>(s)].score, score, 1e-12);
  }
}

TEST(Seq2SeqSearch, WideEnoughItFindsTheBestOfAll) {
  for (const double penalty : {0.0, 0.6, 2.0, -1.0}) {
    for (const std::int64_t least : {0, 2}) {
      constexpr std::int64_t kSequences = 5;
      SearchOptions o = options(200);  // more than there are prefixes of a length: 3^4
      o.max_length = 4;
      o.length_penalty = penalty;
      o.min_length = least;
      o.early_stopping = false;
      HashModel model(kSequences, 5);
      const auto found = search(model, kSequences, o);
      for (std::int64_t s = 0; s < kSequences; ++s) {
        const Hypothesis best = exhaustive(model, s, 5, o);
        EXPECT_EQ(found[static_cast<std::size_t>(s)].tokens, best.tokens) << penalty << " " << least;
        EXPECT_NEAR(found[static_cast<std::size_t>(s)].score, best.score, 1e-9);
      }
    }
  }
}

TEST(Seq2SeqSearch, WithoutEarlyStoppingTheRankIsNoWorse) {
  constexpr std::int64_t kSequences = 60;
  SearchOptions early = options(3);
  early.length_penalty = 1.5;
  SearchOptions late = early;
  late.early_stopping = false;
  HashModel a(kSequences, 6);
  HashModel b(kSequences, 6);
  const auto first = search(a, kSequences, early);
  const auto second = search(b, kSequences, late);
  int better = 0;
  for (std::size_t s = 0; s < first.size(); ++s) {
    const auto rank = [](const Hypothesis& h) {
      return h.score / std::pow((6.0 + static_cast<double>(h.tokens.size())) / 6, 1.5);
    };
    EXPECT_GE(rank(second[s]), rank(first[s]) - 1e-12);
    better += rank(second[s]) > rank(first[s]) + 1e-12 ? 1 : 0;
  }
  EXPECT_GT(better, 0);
}

TEST(Seq2SeqSearch, ASequenceIsFoundAloneAsAmongOthers) {
  HashModel together(8, 6);
  const auto all = search(together, 8, options(4));
  HashModel alone(1, 6);  // has the seed of the first
  EXPECT_EQ(search(alone, 1, options(4)).front().tokens, all.front().tokens);
}

TEST(Seq2SeqSearch, LengthsAreKept) {
  SearchOptions o = options(3);
  o.min_length = 3;
  o.max_length = 4;
  HashModel model(50, 5);
  for (const Hypothesis& h : search(model, 50, o)) {
    EXPECT_GE(h.tokens.size(), 3U);
    EXPECT_LE(h.tokens.size(), 4U);
    EXPECT_EQ(h.origins.size(), h.tokens.size());
    for (std::size_t i = 0; i < h.tokens.size(); ++i) EXPECT_EQ(h.origins[i], 10 * h.tokens[i]);
  }
}

TEST(Seq2SeqSearch, NoNgramComesTwiceWhereBlocked) {
  const auto repeats = [](const Tokens& tokens, std::size_t n) {
    std::set<Tokens> seen;
    for (std::size_t i = 0; i + n <= tokens.size(); ++i) {
      const auto at = tokens.begin() + static_cast<std::ptrdiff_t>(i);
      if (!seen.insert(Tokens(at, at + static_cast<std::ptrdiff_t>(n))).second) return true;
    }
    return false;
  };
  for (const std::size_t n : {1U, 2U, 3U}) {
    SearchOptions o = options(2);
    o.min_length = n == 1 ? 3 : 9;
    o.max_length = 12;
    int unblocked = 0;
    HashModel plain(30, 5);
    for (const Hypothesis& h : search(plain, 30, o)) unblocked += repeats(h.tokens, n) ? 1 : 0;
    EXPECT_GT(unblocked, 0) << "the test shows nothing";
    o.block_ngrams = static_cast<std::int64_t>(n);
    HashModel blocked(30, 5);
    for (const Hypothesis& h : search(blocked, 30, o)) EXPECT_FALSE(repeats(h.tokens, n));
  }
}

TEST(Seq2SeqSearch, WhereEverythingIsBlockedTheAnswerEnds) {
  SearchOptions o = options(2);
  o.min_length = 5;
  o.block_ngrams = 1;  // of the tokens 2 and 3, each at most once; the end only from 5 on
  HashModel model(3, 4);
  for (const Hypothesis& h : search(model, 3, o)) EXPECT_EQ(h.tokens.size(), 2U);
}

// Two tokens are equally likely at every step.
class EvenModel final : public StepModel {
 public:
  at::Tensor step(const at::Tensor& tokens, const at::Tensor& parents) override {
    (void)parents;
    return at::tensor({-9.0, -2.0, -0.7, -0.7}).expand({tokens.size(0), 4});
  }
  at::Tensor origins(const at::Tensor& rows, const at::Tensor& tokens) override {
    (void)rows;
    return tokens - tokens - 1;
  }
  void keep(const at::Tensor& sequences) override { (void)sequences; }
};

TEST(Seq2SeqSearch, TiesGoToTheSmallerTokenAndTheBetterHypothesis) {
  EvenModel model;
  for (const std::int64_t beams : {1, 2, 3}) {
    SearchOptions o = options(beams);
    o.max_length = 3;
    o.min_length = 3;
    EXPECT_THAT(search(model, 1, o).front().tokens, ElementsAre(2, 2, 2)) << beams;
  }
}

TEST(Seq2SeqSearch, NotANumberIsNeverTaken) {
  class Broken final : public StepModel {
   public:
    at::Tensor step(const at::Tensor& tokens, const at::Tensor&) override {
      return at::full({tokens.size(0), 4}, std::nan(""), at::kFloat);
    }
    at::Tensor origins(const at::Tensor&, const at::Tensor& tokens) override { return tokens; }
    void keep(const at::Tensor&) override {}
  } model;
  EXPECT_TRUE(search(model, 2, options(2)).back().tokens.empty());
}

}  // namespace
}  // namespace berth::seq2seq
