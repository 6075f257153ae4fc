// The options of `[tasks.NAME.options]`, and what follows from them for the head.
#pragma once

#include <cstdint>
#include <string>

#include "berth/options.h"
#include "output.h"
#include "vocabulary.h"

namespace berth::seq2seq {

// Where the target's tokens come from.
enum class TokenSource : std::uint8_t {
  kTargets,  // all words of the training targets
  kSymbols,  // those that stand in a target without standing in its source
  kPieces,   // the encoder's WordPieces
};

struct TaskOptions {
  std::string kind = "pointer-generator";
  std::string vocabulary = "auto";
  std::int64_t min_count = 1;
  std::int64_t max_words = 0;
  bool split_punctuation = false;

  std::int64_t layers = 2;
  std::int64_t heads = 0;
  std::int64_t inner_size = 0;
  std::string norm = "pre";
  std::string positions = "learned";
  double dropout = -1;

  double label_smoothing = 0;
  double coverage = 0;

  std::int64_t beams = 1;
  double length_penalty = 0.6;
  std::int64_t block_ngrams = 0;
  std::int64_t min_length = 0;
  std::int64_t max_length = 128;
  bool early_stopping = true;
  bool show_copies = false;

  std::string primary_metric = "exact_match";
  std::string bleu_tokenizer = "13a";
  bool rouge_stemmer = false;
  bool score_as_written = false;

  void describe(Options& o);
  // What no range of a single option can say. Throws Error kConfig.
  void check() const;

  Kind output_kind() const;
  TokenSource token_source() const;
  VocabularyLimits limits() const { return {min_count, max_words}; }
};

// heads, or as many as make each 64 wide where it is 0. Throws Error kConfig where they don't divide the width.
std::int64_t head_count(std::int64_t heads, std::int64_t width);

}  // namespace berth::seq2seq
