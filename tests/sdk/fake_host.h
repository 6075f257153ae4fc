// A small host for a task's tests: options, a tokenizer of words, an "encoder" that is a table of vectors, and the real
// host's batches.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "berth/head.h"
#include "berth/task.h"
#include "core/data/encoded_batch.h"
#include "core/data/feature_store.h"

namespace berth::test {

// Collects what is declared, and writes values by name.
class FakeOptions final : public Options {
 public:
  OptionField& add(OptionField field) override {
    const std::string name = field.name;
    return fields_.emplace(name, std::move(field)).first->second;
  }

  template <typename T>
  void set(const std::string& name, T value) {
    *std::get<T*>(fields_.at(name).target) = std::move(value);
  }
  void set(const std::string& name, const char* value) { set(name, std::string(value)); }

  const std::map<std::string, OptionField>& fields() const { return fields_; }

 private:
  std::map<std::string, OptionField> fields_;
};

// Words between spaces; ids by hash, from 10 on. [CLS] is 1, [SEP] 2.
class FakeTokenizer final : public Tokenizer {
 public:
  static constexpr std::int64_t kVocabulary = 1000;

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    Encoding result;
    add(result, "[CLS]", 0, true);
    for (const std::string& word : words(text)) {
      if (static_cast<std::int64_t>(result.size()) + 1 < options.max_length) add(result, word, 0, false);
    }
    add(result, "[SEP]", 0, true);
    return result;
  }
  Encoding encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options) const override {
    Encoding result = encode(first, options);
    for (const std::string& word : words(second)) add(result, word, 1, false);
    add(result, "[SEP]", 1, true);
    truncation = options.truncation;
    return result;
  }
  Encoding encode_words(const std::vector<std::string>&, const EncodeOptions&) const override { return {}; }
  std::vector<Encoding> windows(std::string_view, const WindowOptions&) const override { return {}; }
  std::vector<Encoding> windows_pair(std::string_view, std::string_view, const WindowOptions&) const override {
    return {};
  }
  std::vector<Encoding> windows_words(const std::vector<std::string>&, const WindowOptions&) const override {
    return {};
  }
  std::string decode(const std::vector<std::int32_t>&) const override { return ""; }
  std::int64_t vocabulary_size() const override { return kVocabulary; }
  bool has_id(std::int32_t id) const override { return id >= 0 && id < kVocabulary; }
  std::string token(std::int32_t) const override { return ""; }
  std::int32_t id(std::string_view token) const override {
    if (token == "[CLS]") return 1;
    if (token == "[SEP]") return 2;
    return 10 + static_cast<std::int32_t>(std::hash<std::string_view>()(token) % (kVocabulary - 10));
  }
  bool contains(std::string_view) const override { return true; }
  std::int32_t cls_id() const override { return 1; }
  std::int32_t sep_id() const override { return 2; }
  std::int32_t pad_id() const override { return 0; }
  std::int32_t unk_id() const override { return 3; }
  std::int32_t mask_id() const override { return 4; }

  mutable Truncation truncation = Truncation::kNone;  // what the last pair was asked with

 private:
  static std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> result(1);
    for (const char c : text) {
      if (c == ' ') {
        result.emplace_back();
      } else {
        result.back() += c;
      }
    }
    std::erase(result, "");
    return result;
  }
  void add(Encoding& encoding, const std::string& token, std::uint8_t segment, bool is_special) const {
    encoding.ids.push_back(id(token));
    encoding.segments.push_back(segment);
    encoding.offsets.emplace_back();
    encoding.words.push_back(Encoding::kNoWord);
    encoding.specials.push_back(is_special ? 1 : 0);
  }
};

struct CollectingSink final : FeatureSink {
  void add(Feature feature) override { features.push_back(std::move(feature)); }
  std::vector<Feature> features;
};

// All features as one batch, packed by the real host.
inline std::unique_ptr<Batch> pack(const std::vector<Feature>& features, const std::vector<FieldSpec>& fields) {
  data::FeatureStore store(fields, at::kFloat, "test");
  std::vector<std::int64_t> all;
  for (const Feature& feature : features) {
    all.push_back(store.size());
    store.add(feature);
  }
  return store.pack(all);
}

// Each token has a fixed random vector; a sequence's pooled one is the tanh of their sum.
class FakeEncoded final : public Encoded {
 public:
  FakeEncoded(const Batch& batch, std::int64_t width) : batch_(batch) {
    at::manual_seed(3);
    table_ = at::randn({FakeTokenizer::kVocabulary, width});
  }

  const Batch& batch() const override { return batch_; }
  at::Tensor hidden() const override { return table_.index_select(0, batch_.ids()); }
  at::Tensor first() const override { return hidden().index_select(0, batch_.offsets().slice(0, 0, batch_.size())); }
  at::Tensor pooled() const override {
    std::vector<at::Tensor> rows;
    for (std::int64_t b = 0; b < batch_.size(); ++b) {
      const auto begin = batch_.offsets()[b].item<std::int64_t>();
      const auto end = batch_.offsets()[b + 1].item<std::int64_t>();
      rows.push_back(hidden().slice(0, begin, end).sum(0).tanh());
    }
    return at::stack(rows);
  }
  Padded padded() const override { return data::EncodedBatch(batch_, {hidden(), first(), pooled()}).padded(); }

 private:
  const Batch& batch_;
  at::Tensor table_;
};

// One feature with its part of the outputs of a batch.
class FakeResult final : public FeatureResult {
 public:
  FakeResult(const Feature& feature, const Batch& batch, const Outputs& outputs, std::int64_t row)
      : feature_(feature), batch_(batch), outputs_(outputs), row_(row) {}

  const Feature& feature() const override { return feature_; }
  at::Tensor sequence(std::string_view output) const override { return outputs_.find(output)->second[row_]; }
  at::Tensor tokens(std::string_view output) const override {
    const auto* offsets = batch_.offsets().const_data_ptr<std::int64_t>();
    return outputs_.find(output)->second.slice(0, offsets[row_], offsets[row_ + 1]);
  }
  at::Tensor whole(std::string_view output) const override { return outputs_.find(output)->second; }

 private:
  const Feature& feature_;
  const Batch& batch_;
  const Outputs& outputs_;
  std::int64_t row_;
};

// A whole set in memory, as one batch.
class FakeSet {
 public:
  FakeSet(Task& task, const std::string& path, const std::function<void(FakeOptions&)>& fill = {})
      : reader_(task.make_reader()) {
    reader_->describe(options_);
    if (fill) fill(options_);
    stream_ = reader_->open(path);
  }

  DatasetReader& reader() { return *reader_; }
  ExampleStream& stream() { return *stream_; }

  // Reads the rest of the stream and makes its features, one or several an example.
  void load(const Task& task) { load(task, {tokenizer, 64}); }
  void load(const Task& task, const FeatureContext& context) {
    CollectingSink sink;
    while (auto example = stream_->next()) {
      task.features(*example, context, sink);
      examples.push_back(std::move(example));
      first_feature.push_back(sink.features.size());
    }
    features = std::move(sink.features);
    batch = pack(features, task.fields());
  }

  // Runs decode and metric over the set.
  std::map<std::string, Score> evaluate(const Task& task, Head& head, std::int64_t width) {
    head.eval();
    const at::NoGradGuard no_grad;
    const FakeEncoded encoded(*batch, width);
    const Outputs outputs = head.predict(encoded);
    const auto metric = task.make_metric();
    predictions.clear();
    for (std::size_t i = 0; i < examples.size(); ++i) {
      std::vector<FakeResult> results;
      std::vector<const FeatureResult*> pointers;
      for (std::size_t f = first_feature[i]; f < first_feature[i + 1]; ++f) {
        results.emplace_back(features[f], *batch, outputs, static_cast<std::int64_t>(f));
      }
      for (const FakeResult& result : results) pointers.push_back(&result);
      predictions.push_back(task.decode(*examples[i], pointers));
      metric->add(*examples[i], *predictions.back());
    }
    std::map<std::string, Score> scores;
    for (const Score& score : metric->result()) scores[score.name] = score;
    return scores;
  }

  FakeTokenizer tokenizer;
  std::vector<std::unique_ptr<Example>> examples;
  std::vector<std::size_t> first_feature = {0};  // [examples + 1]
  std::vector<Feature> features;
  std::unique_ptr<Batch> batch;
  std::vector<std::unique_ptr<Prediction>> predictions;

 private:
  FakeOptions options_;
  std::unique_ptr<DatasetReader> reader_;
  std::unique_ptr<ExampleStream> stream_;
};

// Plain gradient descent; returns the mean loss before the first and after the last step.
inline std::pair<double, double> train(Head& head, const FakeSet& set, std::int64_t width, int steps,
                                       double rate = 0.5) {
  head.train();
  const FakeEncoded encoded(*set.batch, width);
  double first = 0;
  double last = 0;
  for (int step = 0; step <= steps; ++step) {
    const Loss loss = head.loss(head.forward(encoded), *set.batch, LossDetail::kSum);
    last = loss.sum.item<double>() / loss.count;
    if (step == 0) first = last;
    head.zero_grad();
    (loss.sum / loss.count).backward();
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : head.parameters()) parameter.sub_(parameter.grad(), rate);
  }
  return {first, last};
}

}  // namespace berth::test
