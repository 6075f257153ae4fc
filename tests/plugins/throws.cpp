// A sentence classifier that throws in the call that BERTH_TEST_THROWS names; it names the call in its message.
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "berth/kit/columns.h"
#include "berth/kit/heads.h"
#include "berth/kit/json.h"
#include "berth/kit/labels.h"
#include "berth/kit/losses.h"
#include "berth/kit/meters.h"
#include "berth/plugin.h"

using namespace berth;

namespace {

void enter(std::string_view call) {
  const char* chosen = std::getenv("BERTH_TEST_THROWS");
  if (chosen != nullptr && call == chosen) throw std::runtime_error("thrown by " + std::string(call));
}

struct ThrowsExample : kit::RecordExample {
  using RecordExample::RecordExample;
  std::string text;
  std::string label;
  std::string json() const override {
    enter("example.json");
    return RecordExample::json();
  }
};

std::unique_ptr<Example> make_example(const kit::Record& record) {
  enter("next");
  auto example = std::make_unique<ThrowsExample>(record);
  example->text = record.text("text");
  if (record.find("label") != nullptr) example->label = record.text("label");
  return example;
}

struct ThrowsReader : DatasetReader {
  kit::ColumnOptions columns;
  void describe(Options& options) override {
    enter("reader.describe");
    columns.describe(options);
  }
  std::unique_ptr<ExampleStream> open(const std::string& path) const override {
    enter("open");
    return kit::make_examples(kit::open_rows(path, columns, {"text", "label"}), make_example);
  }
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override {
    enter("from_json");
    return make_example(kit::parse_record(json, where));
  }
};

struct ThrowsHead : kit::LinearHead {
  using LinearHead::LinearHead;
  HeadInput input() const override {
    enter("head.input");
    return LinearHead::input();
  }
  Outputs forward(const Encoded& encoded) override {
    enter("head.forward");
    return LinearHead::forward(encoded);
  }
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override {
    enter("head.loss");
    return kit::cross_entropy(outputs.at("logits"), batch.field("label"), detail);
  }
  Outputs predict(const Encoded& encoded) override {
    enter("head.predict");
    return LinearHead::forward(encoded);
  }
};

struct ThrowsPrediction : Prediction {
  std::string label;
  std::string json() const override {
    enter("prediction.json");
    return kit::dump_json(kit::Json::Object{{"prediction", label}});
  }
};

struct ThrowsMetric : Metric {
  kit::ConfusionMeter meter;
  void add(const Example& example, const Prediction& prediction) override {
    enter("metric.add");
    meter.add(static_cast<const ThrowsExample&>(example).label, static_cast<const ThrowsPrediction&>(prediction).label);
  }
  std::string state() const override { return meter.state(); }
  void merge(std::string_view state) override { meter.merge(state); }
  std::vector<Score> result() const override {
    enter("metric.result");
    return {{"accuracy", meter.accuracy(), Direction::kHigherIsBetter, /*is_primary=*/true}};
  }
  std::vector<ResultFile> files() const override {
    enter("metric.files");
    return {};
  }
};

class ThrowsTask : public Task {
 public:
  ThrowsTask() { enter("constructor"); }
  void describe(Options& options) override {
    (void)options;
    enter("describe");
  }
  void use_tokenizer(const Tokenizer& tokenizer) override {
    (void)tokenizer;
    enter("use_tokenizer");
  }
  std::unique_ptr<DatasetReader> make_reader() const override {
    enter("make_reader");
    return std::make_unique<ThrowsReader>();
  }
  void fit(ExampleStream& train) override {
    enter("fit");
    std::set<std::string> found;
    while (const auto example = train.next()) found.insert(static_cast<const ThrowsExample&>(*example).label);
    labels_ = kit::LabelSet::found(found);
  }
  std::string save_state() const override {
    enter("save_state");
    return labels_.to_json();
  }
  void load_state(std::string_view state) override {
    enter("load_state");
    labels_ = kit::LabelSet::from_json(state);
  }
  std::string label(const Example& example) const override {
    enter("label");
    return static_cast<const ThrowsExample&>(example).label;
  }
  std::string stratum(const Example& example) const override {
    enter("stratum");
    return static_cast<const ThrowsExample&>(example).label;
  }
  std::string group(const Example& example) const override {
    (void)example;
    enter("group");
    return "";
  }
  std::vector<FieldSpec> fields() const override {
    enter("fields");
    return {{"label"}};
  }
  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    enter("features");
    const auto& own = static_cast<const ThrowsExample&>(example);
    Feature feature{context.tokenizer.encode(own.text, {context.max_length}), {}};
    if (!own.label.empty()) feature.fields["label"] = std::vector<std::int64_t>{labels_.index(own.label, own.where)};
    sink.add(std::move(feature));
  }
  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    enter("make_head");
    return std::make_shared<ThrowsHead>(encoder, kit::LinearHeadOptions{HeadInput::kPooled, labels_.size(), {}});
  }
  std::unique_ptr<Prediction> decode(const Example&, const std::vector<const FeatureResult*>& results) const override {
    enter("decode");
    auto prediction = std::make_unique<ThrowsPrediction>();
    prediction->label = labels_.name(results.front()->sequence("logits").argmax().item<std::int64_t>());
    return prediction;
  }
  std::unique_ptr<Metric> make_metric() const override {
    enter("make_metric");
    return std::make_unique<ThrowsMetric>();
  }
  void tune(const Metric& dev) override {
    (void)dev;
    enter("tune");
  }
  ExportInfo export_info() const override {
    enter("export_info");
    return {};
  }

 private:
  kit::LabelSet labels_;
};

}  // namespace

BERTH_PLUGIN("throws", "1.0.0", "a classifier that throws where it is told to", ThrowsTask)
