// Tagger: a label for each word of a sentence. The template of `classification` with what is different where a head
// answers for tokens; explained in writing-a-plugin.md. plugins/ner/ is the grown-up one.
#include <ATen/ops/arange.h>
#include <ATen/ops/diff.h>

#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "berth/kit/columns.h"
#include "berth/kit/heads.h"
#include "berth/kit/json.h"
#include "berth/kit/labels.h"
#include "berth/kit/losses.h"
#include "berth/kit/meters.h"
#include "berth/plugin.h"

using namespace berth;

namespace {

using Strings = std::vector<std::string>;
constexpr std::int64_t kNoTag = -100;

struct TaggerExample : kit::RecordExample {
  using kit::RecordExample::RecordExample;
  Strings words;
  Strings tags;  // one a word; empty where they are not known
};

Strings split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::unique_ptr<TaggerExample> make_example(const kit::Record& record) {
  auto example = std::make_unique<TaggerExample>(record);
  example->words = split(record.text("words"));
  return example;
}

std::unique_ptr<Example> make_labelled(const kit::Record& record) {
  auto example = make_example(record);
  example->tags = split(record.text("tags"));
  if (example->tags.size() == example->words.size()) return example;
  throw Error(ErrorKind::kContent, example->where,
              std::to_string(example->words.size()) + " words and " + std::to_string(example->tags.size()) +
                  " tags; expected one tag a word");
}

struct TaggerReader : DatasetReader {
  kit::ColumnOptions columns;
  void describe(Options& options) override { columns.describe(options); }
  std::unique_ptr<ExampleStream> open(const std::string& path) const override {
    return kit::make_examples(kit::open_rows(path, columns, {"words", "tags"}), make_labelled);
  }
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override {
    return make_example(kit::parse_record(json, where));
  }
};

struct TaggerHead : kit::LinearHead {
  using kit::LinearHead::LinearHead;
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override {
    kit::CrossEntropyOptions options;
    options.ignore_index = kNoTag;
    const at::Tensor& tags = batch.field("tag");
    const at::Tensor lengths = batch.offsets().diff().to(tags.device());
    options.sequences = at::arange(batch.size(), tags.options()).repeat_interleave(lengths);  // of each token
    return kit::cross_entropy(outputs.at("logits"), tags, detail, options);
  }
};

struct TaggerPrediction : Prediction {
  Strings tags;
  std::string json() const override {
    return kit::dump_json(kit::Json::Object{{"prediction", kit::Json::Array(tags.begin(), tags.end())}});
  }
};

struct TaggerMetric : Metric {
  kit::ConfusionMeter meter;
  void add(const Example& example, const Prediction& prediction) override {
    const auto& truth = static_cast<const TaggerExample&>(example).tags;
    const auto& found = static_cast<const TaggerPrediction&>(prediction).tags;
    for (std::size_t i = 0; i < truth.size(); ++i) meter.add(truth[i], found[i]);
  }
  std::string state() const override { return meter.state(); }
  void merge(std::string_view state) override { meter.merge(state); }
  std::vector<Score> result() const override {
    return {{"accuracy", meter.accuracy(), Direction::kHigherIsBetter, /*is_primary=*/true}};
  }
};

class TaggerTask : public Task {
 public:
  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<TaggerReader>(); }
  void fit(ExampleStream& train) override {
    std::set<std::string> found;
    while (const auto example = train.next()) {
      for (const auto& tag : static_cast<const TaggerExample&>(*example).tags) found.insert(tag);
    }
    labels_ = kit::LabelSet::found(found);
  }
  std::string save_state() const override { return labels_.to_json(); }
  void load_state(std::string_view state) override { labels_ = kit::LabelSet::from_json(state); }
  std::vector<FieldSpec> fields() const override { return {{"tag", FieldType::kInt64, FieldShape::kPerToken}}; }
  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const TaggerExample&>(example);
    Feature feature{context.tokenizer.encode_words(own.words, {context.max_length}), {}};
    if (!own.tags.empty()) {
      std::vector<std::int64_t> targets(feature.encoding.size(), kNoTag);
      for (const auto& [word, token] : first_tokens(feature.encoding)) {
        targets[token] = labels_.index(own.tags[word], own.where);
      }
      feature.fields["tag"] = std::move(targets);
    }
    sink.add(std::move(feature));
  }
  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    return std::make_shared<TaggerHead>(encoder, kit::LinearHeadOptions{HeadInput::kAllTokens, labels_.size(), {}});
  }
  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    auto prediction = std::make_unique<TaggerPrediction>();
    // A word beyond max_length gets the first label.
    prediction->tags.assign(static_cast<const TaggerExample&>(example).words.size(), labels_.name(0));
    const at::Tensor best = results.front()->tokens("logits").argmax(-1);
    for (const auto& [word, token] : first_tokens(results.front()->feature().encoding)) {
      prediction->tags[word] = labels_.name(best[static_cast<std::int64_t>(token)].item<std::int64_t>());
    }
    return prediction;
  }
  std::unique_ptr<Metric> make_metric() const override { return std::make_unique<TaggerMetric>(); }

 private:
  // Each word's first token speaks for it: word -> token.
  static std::map<std::size_t, std::size_t> first_tokens(const Encoding& encoding) {
    std::map<std::size_t, std::size_t> first;
    for (std::size_t i = 0; i < encoding.size(); ++i) {
      if (encoding.words[i] != Encoding::kNoWord) first.emplace(encoding.words[i], i);
    }
    return first;
  }

  kit::LabelSet labels_;
};

}  // namespace

BERTH_PLUGIN("tagger", "1.0.0", "a label for each word of a sentence", TaggerTask)
