// The tagging task: entities in sentences, by a linear layer or a CRF.
#include "berth/plugin.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <set>
#include <utility>

#include "advice.h"
#include "berth/kit/json.h"
#include "berth/kit/labels.h"
#include "berth/kit/text.h"
#include "chain.h"
#include "display.h"
#include "example.h"
#include "features.h"
#include "head.h"
#include "metric.h"
#include "prediction.h"
#include "reader.h"

namespace berth::ner {
namespace {

// The options of `[tasks.NAME.options]`.
struct TaskOptions {
  std::string head = "linear";
  std::string scheme = "iob2";
  std::vector<std::string> labels;
  double dropout = -1;
  std::string subwords = "first";
  std::int64_t stride = -1;
  std::int64_t context = 0;
  bool constrain = false;
  bool strict = false;
  std::string primary_metric = "f1";

  void describe(Options& o);
};

void TaskOptions::describe(Options& o) {
  o.field("head", head, "a linear layer that tags each word by itself, or a CRF that scores the tags of a sentence")
      .one_of({"linear", "crf"});
  o.field("scheme", scheme, "the tags that are learned, whatever the files have").one_of({"iob2", "iobes"});
  o.field("labels", labels, "the types of entities, in order; empty: those of the training set, sorted");
  o.field("dropout", dropout, "on the encoder's output; negative: the encoder's own").between(-1, 1);
  o.field("subwords", subwords, "linear: which of a word's tokens learn its tag; the first one always speaks for it")
      .one_of({"first", "all"});
  o.field("stride", stride, "tokens that the windows of a long sentence share; negative: a quarter of its max_length")
      .at_least(-1);
  o.field("context", context, "tokens of neighbouring sentences to see on each side, in the same document; 0: none")
      .at_least(0);
  o.field("constrain", constrain, "linear: predict only tags that follow each other in the scheme; a CRF always does");
  o.field("strict", strict, "count only entities whose tags are written to the letter (seqeval's strict mode)");
  o.field("primary_metric", primary_metric, "what checkpoints are chosen by");
}

class NerTask final : public Task, public Display, public Advisor {
 public:
  void describe(Options& options) override { options_.describe(options); }

  std::unique_ptr<DatasetReader> make_reader() const override {
    return std::make_unique<NerReader>(static_cast<std::size_t>(options_.context));
  }

  void fit(ExampleStream& train) override {
    check_options();
    use(options_.labels.empty() ? found_types(train) : kit::LabelSet::listed(options_.labels));
  }

  std::string save_state() const override {
    const std::vector<std::string>& names = tags_->types().names();
    kit::Json state;
    state.set("types", kit::Json::Array(names.begin(), names.end()));
    return kit::dump_json(state);
  }

  void load_state(std::string_view text) override {
    check_options();
    const kit::Json state = kit::parse_json(text);
    std::vector<std::string> names;
    for (const kit::Json& name : state.at("types").as_array()) names.push_back(name.as_string());
    use(kit::LabelSet::listed(std::move(names)));
  }

  // The types that a sentence holds.
  std::string label(const Example& example) const override {
    const auto& own = static_cast<const NerExample&>(example);
    std::set<std::string> types;
    for (const kit::EntitySpan& entity : own.entities.value_or(std::vector<kit::EntitySpan>())) {
      types.insert(entity.type);
    }
    std::string text;
    for (const std::string& type : types) text += type + "\n";
    return text;
  }

  std::vector<FieldSpec> fields() const override { return feature_fields(); }

  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    FeatureOptions options;
    options.stride = options_.stride;
    options.context = options_.context;
    options.all_subwords = options_.subwords == "all";
    const FeatureMaker maker(options, tags_);
    const auto& own = static_cast<const NerExample&>(example);
    for (Feature& feature : maker.make(own, context.tokenizer, context.max_length)) sink.add(std::move(feature));
  }

  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    const auto dropout = options_.dropout < 0 ? std::nullopt : std::optional(options_.dropout);
    if (is_crf()) return std::make_shared<CrfTagger>(encoder, *tags_, dropout);
    return std::make_shared<LinearTagger>(encoder, tags_->size(), dropout);
  }

  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    const auto& own = static_cast<const NerExample&>(example);
    return predict(own, tags_, word_scores(results), chain_weights(*results.front()), options_.strict);
  }

  std::unique_ptr<Metric> make_metric() const override { return make_ner_metric(tags_, options_.primary_metric); }

  ExportInfo export_info() const override {
    if (is_crf()) return {};
    kit::Json id2label;
    kit::Json label2id;
    for (const std::string& name : tags_->names()) {
      const auto id = static_cast<std::int64_t>(id2label.is_null() ? 0 : id2label.as_object().size());
      id2label.set(std::to_string(id), name);
      label2id.set(name, id);
    }
    kit::Json config;
    config.set("id2label", id2label);
    config.set("label2id", label2id);
    config.set("num_labels", tags_->size());
    return {"BertForTokenClassification",
            kit::dump_json(config),
            {{"output.weight", "classifier.weight"}, {"output.bias", "classifier.bias"}},
            false};
  }

  Shown show(const Example& example, const Prediction& prediction) const override {
    return show_answer(static_cast<const NerExample&>(example), static_cast<const NerPrediction&>(prediction));
  }

  std::vector<Suggestion> suggest(const DataSample& sample) const override { return suggest_data(sample); }

 private:
  bool is_crf() const { return options_.head == "crf"; }

  void check_options() const {
    if (is_crf() && options_.subwords == "all") {
      throw Error(ErrorKind::kConfig,
                  "subwords = \"all\" needs head = \"linear\": a CRF tags words, each through its first token");
    }
  }

  void use(kit::LabelSet types) {
    tags_ = std::make_shared<const kit::TagSet>(kit::tag_scheme(options_.scheme), std::move(types));
    allowed_ = allowed_steps(*tags_);
    const std::vector<std::string> names = score_names(*tags_);
    if (std::find(names.begin(), names.end(), options_.primary_metric) != names.end()) return;
    throw Error(ErrorKind::kConfig, "`primary_metric` is " + kit::quote_for_message(options_.primary_metric) +
                                        kit::suggest_name(options_.primary_metric, names) + "; expected one of " +
                                        kit::list_names(names, 24));
  }

  static kit::LabelSet found_types(ExampleStream& train) {
    std::set<std::string> types;
    std::int64_t examples = 0;
    while (const std::unique_ptr<Example> example = train.next()) {
      ++examples;
      const auto& entities = static_cast<const NerExample&>(*example).entities;
      for (const kit::EntitySpan& entity : *entities) types.insert(entity.type);
    }
    if (!types.empty()) return kit::LabelSet::found(types);
    throw Error(ErrorKind::kContent, "the training set's " + std::to_string(examples) +
                                         " sentences have no entity; expected some. Is `tag` (or `entities`) right?");
  }

  static WordScores word_scores(const std::vector<const FeatureResult*>& results) {
    WordScores scores;
    for (const FeatureResult* result : results) {
      const at::Tensor logits = result->tokens("logits").to(at::kDouble).contiguous();
      const auto& scored = std::get<std::vector<std::int64_t>>(result->feature().fields.find(kScored)->second);
      const std::vector<std::int32_t>& words = result->feature().encoding.words;
      const auto tags = static_cast<std::size_t>(logits.size(1));
      scores.emissions.tags = tags;
      for (std::size_t i = 0; i < scored.size(); ++i) {
        if (scored[i] == 0) continue;
        scores.words.push_back(static_cast<std::size_t>(words[i]));
        const double* row = logits.const_data_ptr<double>() + i * tags;
        scores.emissions.values.insert(scores.emissions.values.end(), row, row + tags);
      }
      if (!logits.isfinite().all().item<bool>()) {
        throw Error(ErrorKind::kNumeric, "the model gives a score that is not finite for a word's tag");
      }
    }
    return scores;
  }

  // What joins the words: what the CRF learned, the scheme's rules alone, or nothing.
  ChainWeights chain_weights(const FeatureResult& result) const {
    if (!is_crf()) return options_.constrain ? allowed_ : ChainWeights{};
    const at::Tensor learned = result.whole("weights").to(at::kDouble).contiguous();
    const double* from = learned.const_data_ptr<double>();
    ChainWeights weights = allowed_;
    for (auto* part : {&weights.transitions, &weights.start, &weights.end}) {
      for (double& weight : *part) weight += *from++;
    }
    return weights;
  }

  TaskOptions options_;
  std::shared_ptr<const kit::TagSet> tags_ = std::make_shared<const kit::TagSet>();
  ChainWeights allowed_;
};

}  // namespace
}  // namespace berth::ner

BERTH_PLUGIN("ner", "0.1.0", "named entities: tags for the words of a sentence, by a linear layer or a CRF",
             berth::ner::NerTask)
