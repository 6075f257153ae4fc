// Copyist: a text is made of another, word by word. Each word is a symbol that training showed, or is copied: one
// softmax over the symbols and the source's words, as in Rongali et al. 2020, "Don't Parse, Generate!". Explained in
// writing-a-plugin.md; plugins/seq2seq/ is the grown-up one.
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "berth/head.h"
#include "berth/kit/columns.h"
#include "berth/kit/json.h"
#include "berth/kit/labels.h"
#include "berth/kit/losses.h"
#include "berth/kit/meters.h"
#include "berth/plugin.h"

using namespace berth;

namespace {

using Strings = std::vector<std::string>;
constexpr std::int64_t kEnd = 0;         // the first symbol
constexpr std::int64_t kMaxLength = 64;  // words of an answer
constexpr std::int64_t kNoTarget = -100;

struct CopyistExample : kit::RecordExample {
  using kit::RecordExample::RecordExample;
  Strings source;
  std::optional<Strings> target;  // absent where it is not known
};

Strings split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::unique_ptr<CopyistExample> make_example(const kit::Record& record) {
  auto example = std::make_unique<CopyistExample>(record);
  example->source = split(record.text("source"));
  return example;
}

std::unique_ptr<Example> make_labelled(const kit::Record& record) {
  auto example = make_example(record);
  example->target = split(record.text("target"));
  return example;
}

struct CopyistReader : DatasetReader {
  kit::ColumnOptions columns;
  void describe(Options& options) override { columns.describe(options); }
  std::unique_ptr<ExampleStream> open(const std::string& path) const override {
    return kit::make_examples(kit::open_rows(path, columns, {"source", "target"}), make_labelled);
  }
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override {
    return make_example(kit::parse_record(json, where));
  }
};

// What is packed end to end, as [B, longest].
at::Tensor pad(const at::Tensor& values, const at::Tensor& offsets, double padding) {
  return at::pad_sequence(values.tensor_split(offsets.slice(0, 1, -1)), /*batch_first=*/true, padding);
}

// A GRU that attends to the source. All that it can choose has a vector: a symbol its embedding, a word the encoder's
// hidden state. The vector chosen last is what the GRU reads next.
class CopyistHead : public Head {
 public:
  CopyistHead(std::int64_t width, std::int64_t symbols)
      : symbols_(register_module("symbols", torch::nn::Embedding(symbols, width))),
        cell_(register_module("cell", torch::nn::GRUCell(width, width))),
        query_(register_module("query", torch::nn::Linear(2 * width, width))) {}
  HeadInput input() const override { return HeadInput::kAllTokens; }
  Outputs forward(const Encoded& encoded) override { return write(encoded, targets_of(encoded.batch())); }
  Outputs predict(const Encoded& encoded) override { return write(encoded, {}); }
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override {
    const at::Tensor targets = targets_of(batch);
    kit::CrossEntropyOptions options;
    options.ignore_index = kNoTarget;
    options.sequences = at::arange(targets.size(0), targets.options()).repeat_interleave(targets.size(1));
    return kit::cross_entropy(outputs.at("logits").flatten(0, 1), targets.flatten(), detail, options);
  }

 private:
  static at::Tensor targets_of(const Batch& batch) {
    return pad(batch.field("target"), batch.field_offsets("target"), kNoTarget);
  }
  // targets: [B, T], what the GRU reads after each step, kEnd where it is unknown; undefined: its own choices.
  Outputs write(const Encoded& encoded, const at::Tensor& targets) {
    const auto [hidden, mask] = encoded.padded();
    const at::Tensor symbols = symbols_->weight.expand({hidden.size(0), -1, -1});
    const at::Tensor vectors = at::cat({symbols, hidden}, 1);  // [B, symbols + L, width]
    const at::Tensor copyable = pad(encoded.batch().field("copyable"), encoded.batch().offsets(), 0);
    const at::Tensor closed = at::constant_pad_nd(copyable.eq(0), {symbols.size(1), 0});  // [B, symbols + L]
    at::Tensor state = encoded.first();
    at::Tensor last = at::full({hidden.size(0)}, kEnd, hidden.options().dtype(at::kLong));
    std::vector<at::Tensor> logits;
    std::vector<at::Tensor> choices;
    for (std::int64_t i = 0; i < (targets.defined() ? targets.size(1) : kMaxLength); ++i) {
      state = cell_(at::take_along_dim(vectors, last.view({-1, 1, 1}), 1).squeeze(1), state);
      const at::Tensor row = state.unsqueeze(1);
      const at::Tensor found = at::scaled_dot_product_attention(row, hidden, hidden, mask.unsqueeze(1));
      const at::Tensor query = query_(at::cat({row, found}, 2)).transpose(1, 2);
      // Scaled as in attention: products of long vectors are large, and a head that starts sure of itself learns badly.
      const at::Tensor products = at::bmm(vectors, query).squeeze(2) / std::sqrt(hidden.size(2));
      logits.push_back(products.masked_fill(closed, -std::numeric_limits<double>::infinity()));
      choices.push_back(logits.back().argmax(1));
      last = targets.defined() ? targets.select(1, i).clamp_min(kEnd) : choices.back();
      if (!targets.defined() && at::stack(choices, 1).eq(kEnd).any(1).all().item<bool>()) break;  // all have ended
    }
    return {{"logits", at::stack(logits, 1)}, {"choices", at::stack(choices, 1)}};
  }

  torch::nn::Embedding symbols_;
  torch::nn::GRUCell cell_;
  torch::nn::Linear query_;
};

struct CopyistPrediction : Prediction {
  Strings words;
  std::string json() const override {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return kit::dump_json(kit::Json::Object{{"prediction", text}});
  }
};

struct CopyistMetric : Metric {
  kit::MultiLabelMeter meter;  // its labels are words with their places, so that order counts
  void add(const Example& example, const Prediction& prediction) override {
    meter.add(at_places(*static_cast<const CopyistExample&>(example).target),
              at_places(static_cast<const CopyistPrediction&>(prediction).words));
  }
  static Strings at_places(Strings words) {
    for (std::size_t i = 0; i < words.size(); ++i) words[i] += " " + std::to_string(i);
    return words;
  }
  std::string state() const override { return meter.state(); }
  void merge(std::string_view state) override { meter.merge(state); }
  std::vector<Score> result() const override {
    return {{"exact_match", meter.accuracy(), Direction::kHigherIsBetter, /*is_primary=*/true},
            {"f1_words", meter.averages().micro.f1}};
  }
};

class CopyistTask : public Task {
 public:
  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<CopyistReader>(); }
  void fit(ExampleStream& train) override {
    std::set<std::string> found;
    while (const auto example = train.next()) {
      const auto& own = static_cast<const CopyistExample&>(*example);
      const std::set<std::string> source(own.source.begin(), own.source.end());
      for (const std::string& word : *own.target) {
        if (!source.contains(word)) found.insert(word);
      }
    }
    Strings names = {" "};  // kEnd's name, which no word has
    names.insert(names.end(), found.begin(), found.end());
    symbols_ = kit::LabelSet::listed(names);
  }
  std::string save_state() const override { return symbols_.to_json(); }
  void load_state(std::string_view state) override { symbols_ = kit::LabelSet::from_json(state); }
  std::vector<FieldSpec> fields() const override {
    return {{"target", FieldType::kInt64, FieldShape::kRagged},
            {"copyable", FieldType::kInt64, FieldShape::kPerToken, 1, FieldRole::kInput}};
  }
  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const CopyistExample&>(example);
    Feature feature{context.tokenizer.encode_words(own.source, {context.max_length}), {}};
    const auto& words = feature.encoding.words;
    std::vector<std::int64_t> copyable(words.size(), 0);
    std::map<std::string, std::int64_t> copies;       // of equal words, the first
    for (std::size_t i = 1; i < words.size(); ++i) {  // a word's first token speaks for it
      if (words[i] == Encoding::kNoWord || words[i] == words[i - 1]) continue;
      copyable[i] = 1;
      copies.emplace(own.source[words[i]], symbols_.size() + static_cast<std::int64_t>(i));
    }
    if (own.target) {
      std::vector<std::int64_t> target;
      for (const std::string& word : *own.target) {
        const auto copy = copies.find(word);
        target.push_back(copy != copies.end() ? copy->second : symbols_.find(word).value_or(kNoTarget));
      }
      target.push_back(kEnd);
      feature.fields["target"] = std::move(target);
    }
    feature.fields["copyable"] = std::move(copyable);
    sink.add(std::move(feature));
  }
  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    return std::make_shared<CopyistHead>(encoder.hidden_size, symbols_.size());
  }
  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    auto prediction = std::make_unique<CopyistPrediction>();
    const Strings& source = static_cast<const CopyistExample&>(example).source;
    const auto& words = results.front()->feature().encoding.words;
    const at::Tensor choices = results.front()->sequence("choices");
    for (std::int64_t i = 0; i < choices.size(0); ++i) {
      const auto choice = choices[i].item<std::int64_t>();
      if (choice == kEnd) break;
      const std::int64_t token = choice - symbols_.size();
      prediction->words.push_back(token < 0 ? symbols_.name(choice) : source[words[token]]);
    }
    return prediction;
  }
  std::unique_ptr<Metric> make_metric() const override { return std::make_unique<CopyistMetric>(); }

 private:
  kit::LabelSet symbols_;
};

}  // namespace

BERTH_PLUGIN("copyist", "1.0.0", "a text of words copied from another, and of symbols", CopyistTask)
