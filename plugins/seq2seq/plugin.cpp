// The seq2seq task: a text is made of a text, by generating and by copying.
#include "berth/plugin.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <map>
#include <utility>

#include "advice.h"
#include "berth/kit/json.h"
#include "berth/kit/text.h"
#include "display.h"
#include "example.h"
#include "head.h"
#include "metric.h"
#include "options.h"
#include "prediction.h"
#include "reader.h"
#include "target_code.h"
#include "words.h"

namespace berth::seq2seq {
namespace {

class Seq2SeqTask final : public Task, public Display, public Advisor {
 public:
  void describe(Options& options) override { options_.describe(options); }

  void use_tokenizer(const Tokenizer& tokenizer) override { tokenizer_ = &tokenizer; }

  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<Seq2SeqReader>(); }

  void fit(ExampleStream& train) override {
    options_.check();
    std::map<std::string, std::int64_t> counts;
    if (uses_pieces()) use(Vocabulary());
    while (const std::unique_ptr<Example> example = train.next()) {
      count(static_cast<const Seq2SeqExample&>(*example), counts);
    }
    if (!uses_pieces()) use(most_frequent(counts, options_.limits()));
  }

  std::string save_state() const override {
    kit::Json state;
    state.set("wordpiece", uses_pieces());
    state.set("words", kit::Json::Array(vocabulary_->words().begin(), vocabulary_->words().end()));
    return kit::dump_json(state);
  }

  void load_state(std::string_view text) override {
    options_.check();
    const kit::Json state = kit::parse_json(text);
    if (state.at("wordpiece").as_bool() != uses_pieces()) {
      throw Error(ErrorKind::kConfig, std::string("the task was trained with ") +
                                          (uses_pieces() ? "a vocabulary of its own" : "the encoder's WordPieces") +
                                          ", but `vocabulary` says otherwise now; set it back, or train again");
    }
    std::vector<std::string> words;
    for (const kit::Json& word : state.at("words").as_array()) words.push_back(word.as_string());
    use(Vocabulary(std::move(words)));
  }

  std::vector<FieldSpec> fields() const override {
    std::vector<FieldSpec> fields = {{"target", FieldType::kInt64, FieldShape::kRagged}};
    if (copies()) fields.push_back({"copy_id", FieldType::kInt64, FieldShape::kPerToken, 1, FieldRole::kInput});
    return fields;
  }

  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const Seq2SeqExample&>(example);
    EncodeOptions encode;
    encode.max_length = context.max_length;
    EncodedSource source{source_words(own), {}, {}};
    source.encoding = context.tokenizer.encode_words(source.words, encode);
    if (copies()) source.copy_ids = code().copy_ids(source.words, source.encoding);
    Feature feature;
    if (own.target) feature.fields.emplace("target", target_of(*own.target, source));
    if (copies()) feature.fields.emplace("copy_id", source.copy_ids);
    feature.encoding = std::move(source.encoding);
    sink.add(std::move(feature));
  }

  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override;

  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    const auto& own = static_cast<const Seq2SeqExample&>(example);
    const FeatureResult& result = *results.front();
    EncodedSource source{source_words(own), result.feature().encoding, {}};
    if (copies()) source.copy_ids = code().copy_ids(source.words, source.encoding);
    const at::Tensor tokens = result.sequence("tokens").contiguous();
    const at::Tensor origins = result.sequence("origins").contiguous();
    std::vector<std::int64_t> ids;
    Answer answer;
    for (std::int64_t i = 0; i < tokens.numel(); ++i) {
      const std::int64_t id = tokens.const_data_ptr<std::int64_t>()[i];
      const std::int64_t origin = origins.const_data_ptr<std::int64_t>()[i];
      if (id < 0) break;
      ids.push_back(id);
      answer.tokens.push_back({code().token(id, source), std::nullopt});
      if (origin >= 0) answer.tokens.back().source_word = source.encoding.words.at(static_cast<std::size_t>(origin));
    }
    answer.text = code().text(ids, source);
    answer.score = result.sequence("score").item<double>();
    answer.shows_tokens = options_.show_copies;
    if (own.target) answer.reference = reference_of(*own.target, source);
    return std::make_unique<Seq2SeqPrediction>(std::move(answer));
  }

  std::unique_ptr<Metric> make_metric() const override {
    return make_seq2seq_metric({options_.primary_metric,
                                options_.bleu_tokenizer == "none" ? BleuTokenizer::kNone : BleuTokenizer::k13a,
                                options_.rouge_stemmer ? Stemming::kPorter : Stemming::kNone});
  }

  Shown show(const Example& example, const Prediction& prediction) const override {
    return show_answer(static_cast<const Seq2SeqExample&>(example), static_cast<const Seq2SeqPrediction&>(prediction));
  }

  std::vector<Suggestion> suggest(const DataSample& sample) const override { return suggest_data(sample); }

 private:
  bool uses_pieces() const { return options_.token_source() == TokenSource::kPieces; }
  bool copies() const { return options_.output_kind() != Kind::kGenerator; }
  const TargetCode& code() const { return *code_; }

  void use(Vocabulary vocabulary) {
    vocabulary_ = std::make_shared<const Vocabulary>(std::move(vocabulary));
    code_ = uses_pieces() ? make_piece_code(tokenizer()) : make_word_code(vocabulary_);
  }

  const Tokenizer& tokenizer() const {
    if (tokenizer_ != nullptr) return *tokenizer_;
    throw Error(ErrorKind::kPlugin,
                "vocabulary = \"wordpiece\" needs the host's tokenizer; use_tokenizer() was not called");
  }

  std::vector<std::string> source_words(const Seq2SeqExample& example) const {
    std::vector<std::string> words = split_words(example.source);
    return options_.split_punctuation ? split_punctuation(words) : words;
  }

  // A target that is too long would be cut, and its end never learned.
  void check_length(std::size_t length, const Where& where) const {
    if (static_cast<std::int64_t>(length) <= options_.max_length) return;
    throw Error(ErrorKind::kContent, where,
                "the target has " + std::to_string(length) + (uses_pieces() ? " tokens" : " words") +
                    "; expected at most max_length = " + std::to_string(options_.max_length) +
                    ". Raise `max_length` in the task's options, or leave the row out");
  }

  void count(const Seq2SeqExample& example, std::map<std::string, std::int64_t>& counts) const {
    const std::vector<std::string> words = split_words(*example.target);
    check_length(uses_pieces() ? code().target_ids(*example.target, {}).size() : words.size(), example.where);
    if (options_.token_source() == TokenSource::kTargets) {
      for (const std::string& word : words) ++counts[word];
    } else if (options_.token_source() == TokenSource::kSymbols) {
      std::vector<std::string> source = source_words(example);
      std::sort(source.begin(), source.end());
      for (const std::string& word : words) {
        if (!std::binary_search(source.begin(), source.end(), word)) ++counts[word];
      }
    }
  }

  // The ids with the end. Where they are too long, as many as fit, without one.
  std::vector<std::int64_t> target_of(const std::string& target, const EncodedSource& source) const {
    std::vector<std::int64_t> ids = code().target_ids(target, source);
    ids.push_back(code().specials().end);
    const auto most = static_cast<std::size_t>(options_.max_length + 1);
    if (ids.size() > most) ids.resize(most - 1);
    return ids;
  }

  // The target as an answer could say it. One with a character that the tokenizer lacks stays as it is written, and no
  // answer equals it.
  std::string reference_of(const std::string& target, const EncodedSource& source) const {
    if (uses_pieces() && !options_.score_as_written) {
      const std::vector<std::int64_t> ids = code().target_ids(target, source);
      const bool is_known = std::find(ids.begin(), ids.end(), code().specials().unknown) == ids.end();
      if (is_known) return code().text(ids, source);
    }
    return join_words(split_words(target));
  }

  // A tokenizer with added tokens may leave ids out.
  void ban_ids_without_token(std::vector<std::int64_t>& banned) const {
    for (std::int32_t id = 0; id < tokenizer().vocabulary_size(); ++id) {
      if (!tokenizer().has_id(id)) banned.push_back(id);
    }
  }

  // [classes, width]: each word as the mean of its WordPieces' embeddings. Undefined without an encoder's.
  at::Tensor initial_words(const EncoderInfo& encoder) const {
    if (tokenizer_ == nullptr || !encoder.word_embeddings.defined()) return {};
    const at::NoGradGuard no_grad;
    at::Tensor rows = at::empty({vocabulary_->size(), encoder.hidden_size}, encoder.word_embeddings.options());
    EncodeOptions encode;
    encode.add_specials = false;
    const std::int32_t specials[] = {tokenizer_->cls_id(), tokenizer_->sep_id(), tokenizer_->unk_id()};
    for (std::int64_t id = 0; id < vocabulary_->size(); ++id) {
      std::vector<std::int32_t> pieces;
      if (id >= Vocabulary::kFirstWord) pieces = tokenizer_->encode(vocabulary_->word(id), encode).ids;
      if (pieces.empty()) pieces = {specials[std::min<std::int64_t>(id, Vocabulary::kUnknown)]};
      at::Tensor row = rows[id].zero_();
      for (const std::int32_t piece : pieces) row.add_(encoder.word_embeddings[piece]);
      row.div_(static_cast<double>(pieces.size()));
    }
    return rows;
  }

  TaskOptions options_;
  const Tokenizer* tokenizer_ = nullptr;
  std::shared_ptr<const Vocabulary> vocabulary_ = std::make_shared<const Vocabulary>();
  std::unique_ptr<TargetCode> code_;
};

std::shared_ptr<Head> Seq2SeqTask::make_head(const EncoderInfo& encoder) const {
  const SpecialIds specials = code().specials();
  const double dropout = options_.dropout >= 0 ? options_.dropout : encoder.dropout;
  HeadOptions head;

  head.decoder.width = encoder.hidden_size;
  head.decoder.layers = options_.layers;
  head.decoder.heads = head_count(options_.heads, encoder.hidden_size);
  head.decoder.inner = options_.inner_size > 0 ? options_.inner_size : 4 * encoder.hidden_size;
  head.decoder.norm = options_.norm == "post" ? NormPlace::kPost : NormPlace::kPre;
  head.decoder.dropout = dropout;

  head.embedding.width = encoder.hidden_size;
  head.embedding.classes = uses_pieces() ? encoder.vocabulary_size : vocabulary_->size();
  if (uses_pieces()) {
    head.embedding.tied = encoder.word_embeddings;
  } else {
    head.embedding.initial = initial_words(encoder);
  }
  head.embedding.positions = options_.positions == "learned" ? options_.max_length + 1 : 0;  // the begin's is the first
  head.embedding.unknown = specials.unknown;
  head.embedding.reads_source = copies();
  head.embedding.dropout = dropout;
  head.embedding.deviation = encoder.initializer_range;

  head.output.kind = options_.output_kind();
  head.output.width = encoder.hidden_size;
  head.output.classes = head.embedding.classes;
  head.output.has_transform = uses_pieces();

  head.loss.label_smoothing = options_.label_smoothing;
  head.loss.coverage = options_.coverage;

  head.search.beams = options_.beams;
  head.search.min_length = options_.min_length;
  head.search.max_length = options_.max_length;
  head.search.length_penalty = options_.length_penalty;
  head.search.block_ngrams = options_.block_ngrams;
  head.search.early_stopping = options_.early_stopping;
  head.search.begin = specials.begin;
  head.search.end = specials.end;
  head.search.banned = specials.banned;
  if (uses_pieces()) ban_ids_without_token(head.search.banned);
  // Rows of the embeddings that no token has.
  for (std::int64_t id = code().size(); id < head.embedding.classes; ++id) head.search.banned.push_back(id);
  return std::make_shared<Seq2SeqHead>(head);
}

}  // namespace
}  // namespace berth::seq2seq

BERTH_PLUGIN("seq2seq", "0.1.0", "a text made of a text, by generating words and by copying them from the source",
             berth::seq2seq::Seq2SeqTask)
