#include "options.h"

#include <algorithm>

#include "berth/error.h"

namespace berth::seq2seq {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kConfig, text); }

}  // namespace

void TaskOptions::describe(Options& o) {
  o.field("kind", kind, "generate and copy through a gate, only generate, or one softmax over words and source")
      .one_of({"pointer-generator", "generator", "pointer"});
  o.field("vocabulary", vocabulary,
          "all words of the training targets, only those that are not copies, or the encoder's WordPieces; auto: "
          "symbols for kind = \"pointer\", else targets")
      .one_of({"auto", "targets", "symbols", "wordpiece"});
  o.field("min_count", min_count, "own vocabulary: least number of times that a word is seen").at_least(1);
  o.field("max_words", max_words, "own vocabulary: the most frequent words alone; 0: all").at_least(0);
  o.field("split_punctuation", split_punctuation, "punctuation at the ends of a source's word is a word of its own");
  o.field("layers", layers, "of the decoder").between(1, 48);
  o.field("heads", heads, "of its attention; 0: as many as make each 64 wide").at_least(0);
  o.field("inner_size", inner_size, "of its feed-forward nets; 0: four times the encoder's width").at_least(0);
  o.field("norm", norm, "LayerNorm before each part of a layer, or after it as in BERT").one_of({"pre", "post"});
  o.field("positions", positions, "how the decoder knows where a token stands").one_of({"learned", "sinusoidal"});
  o.field("dropout", dropout, "in the decoder; negative: the encoder's own").between(-1, 1);
  o.field("label_smoothing", label_smoothing, "share of the target that is spread over the vocabulary").between(0, 1);
  o.field("coverage", coverage, "weight of the coverage loss: against copying from the same place again").at_least(0);
  o.field("beams", beams, "hypotheses that the search keeps; 1: greedy").between(1, 256);
  o.field("length_penalty", length_penalty, "beams: above 0, longer answers are ranked higher").between(-10, 10);
  o.field("block_ngrams", block_ngrams, "no sequence of that many tokens comes twice in an answer; 0: it may")
      .at_least(0);
  o.field("min_length", min_length, "least tokens of an answer").at_least(0);
  o.field("max_length", max_length, "most tokens of an answer, and of a target that is learned").between(1, 100000);
  o.field("early_stopping", early_stopping, "beams: stop once as many answers as beams are finished");
  o.field("show_copies", show_copies, "predictions list their tokens, and which word of the source each is a copy of");
  o.field("primary_metric", primary_metric, "what checkpoints are chosen by")
      .one_of({"exact_match", "token_accuracy", "bleu", "rouge_1", "rouge_2", "rouge_l"});
  o.field("bleu_tokenizer", bleu_tokenizer, "how BLEU splits text; none: at white space").one_of({"13a", "none"});
  o.field("rouge_stemmer", rouge_stemmer, "ROUGE compares Porter stems");
  o.field("score_as_written", score_as_written,
          "wordpiece: score against targets as they stand in the file, not as the tokenizer gives them back");
}

void TaskOptions::check() const {
  if (kind == "generator" && vocabulary == "symbols") {
    refuse(
        "kind = \"generator\" copies nothing, so vocabulary = \"symbols\" would leave it without the other words; "
        "set vocabulary = \"targets\" or \"wordpiece\"");
  }
  if (kind == "generator" && coverage > 0) {
    refuse("`coverage` needs a kind that copies; leave it out for kind = \"generator\"");
  }
  if (min_length > max_length) {
    refuse("`min_length` is " + std::to_string(min_length) + ", but answers end at `max_length` = " +
           std::to_string(max_length) + "; make one smaller or the other larger");
  }
  if (vocabulary == "wordpiece" && (min_count > 1 || max_words > 0)) {
    refuse("vocabulary = \"wordpiece\" takes all of the encoder's tokens; leave out `min_count` and `max_words`");
  }
}

Kind TaskOptions::output_kind() const {
  if (kind == "generator") return Kind::kGenerator;
  return kind == "pointer" ? Kind::kPointer : Kind::kPointerGenerator;
}

TokenSource TaskOptions::token_source() const {
  if (vocabulary == "wordpiece") return TokenSource::kPieces;
  const bool is_symbols = vocabulary == "symbols" || (vocabulary == "auto" && kind == "pointer");
  return is_symbols ? TokenSource::kSymbols : TokenSource::kTargets;
}

std::int64_t head_count(std::int64_t heads, std::int64_t width) {
  if (heads == 0) {
    std::int64_t count = std::max<std::int64_t>(1, width / 64);
    while (width % count != 0) --count;
    return count;
  }
  if (width % heads == 0) return heads;
  refuse("`heads` is " + std::to_string(heads) + ", which does not divide the encoder's width of " +
         std::to_string(width) + "; give a divisor, or 0");
}

}  // namespace berth::seq2seq
