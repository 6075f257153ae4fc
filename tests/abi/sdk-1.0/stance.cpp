// Stance: is a comment for a proposal, against it, or neither? Explained in writing-a-plugin.md.
#include "berth/kit/columns.h"
#include "berth/kit/heads.h"
#include "berth/kit/json.h"
#include "berth/kit/labels.h"
#include "berth/kit/losses.h"
#include "berth/kit/meters.h"
#include "berth/plugin.h"

using namespace berth;

namespace {

struct StanceExample : kit::RecordExample {
  using kit::RecordExample::RecordExample;
  std::string text;
  std::string label;  // "" where it is not known
};

std::unique_ptr<StanceExample> make_example(const kit::Record& record) {
  auto example = std::make_unique<StanceExample>(record);
  example->text = record.text("text");
  return example;
}

std::unique_ptr<Example> make_labelled(const kit::Record& record) {
  auto example = make_example(record);
  example->label = record.text("label");
  return example;
}

struct StanceReader : DatasetReader {
  kit::ColumnOptions columns;
  void describe(Options& options) override { columns.describe(options); }
  std::unique_ptr<ExampleStream> open(const std::string& path) const override {
    return kit::make_examples(kit::open_rows(path, columns, {"text", "label"}), make_labelled);
  }
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override {
    return make_example(kit::parse_record(json, where));
  }
};

struct StanceHead : kit::LinearHead {
  using kit::LinearHead::LinearHead;
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override {
    return kit::cross_entropy(outputs.at("logits"), batch.field("label"), detail);
  }
  at::Tensor log_probabilities(const Outputs& outputs, const Batch&) override {
    return outputs.at("logits").log_softmax(-1);
  }
  at::Tensor targets(const Batch& batch) override { return batch.field("label"); }
};

struct StancePrediction : Prediction {
  std::string label;
  std::string json() const override { return kit::dump_json(kit::Json::Object{{"prediction", label}}); }
};

struct StanceMetric : Metric {
  kit::ConfusionMeter meter;
  void add(const Example& example, const Prediction& prediction) override {
    meter.add(static_cast<const StanceExample&>(example).label, static_cast<const StancePrediction&>(prediction).label);
  }
  std::string state() const override { return meter.state(); }
  void merge(std::string_view state) override { meter.merge(state); }
  std::vector<Score> result() const override {
    return {{"accuracy", meter.accuracy()},
            {"f1_macro", meter.averages().macro.f1, Direction::kHigherIsBetter, /*is_primary=*/true}};
  }
};

class StanceTask : public Task {
 public:
  void describe(Options& o) override { o.field("dropout", dropout_, "before the last layer").between(0, 1); }
  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<StanceReader>(); }
  void fit(ExampleStream& train) override {
    std::set<std::string> found;
    while (const auto example = train.next()) found.insert(static_cast<const StanceExample&>(*example).label);
    labels_ = kit::LabelSet::found(found);
  }
  std::string save_state() const override { return labels_.to_json(); }
  void load_state(std::string_view state) override { labels_ = kit::LabelSet::from_json(state); }
  std::string label(const Example& example) const override { return static_cast<const StanceExample&>(example).label; }
  std::vector<FieldSpec> fields() const override { return {{"label"}}; }
  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const StanceExample&>(example);
    Feature feature{context.tokenizer.encode(own.text, {context.max_length}), {}};
    if (!own.label.empty()) feature.fields["label"] = std::vector<std::int64_t>{labels_.index(own.label, own.where)};
    sink.add(std::move(feature));
  }
  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    const kit::LinearHeadOptions options{HeadInput::kPooled, labels_.size(), dropout_};
    return std::make_shared<StanceHead>(encoder, options);
  }
  std::unique_ptr<Prediction> decode(const Example&, const std::vector<const FeatureResult*>& results) const override {
    auto prediction = std::make_unique<StancePrediction>();
    prediction->label = labels_.name(results.front()->sequence("logits").argmax().item<std::int64_t>());
    return prediction;
  }
  std::unique_ptr<Metric> make_metric() const override { return std::make_unique<StanceMetric>(); }

 private:
  double dropout_ = 0.1;
  kit::LabelSet labels_;
};

}  // namespace

BERTH_PLUGIN("stance", "1.0.0", "who is for a proposal and who against", StanceTask)
