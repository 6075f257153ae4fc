// A sentence classifier with one flaw, named by its option `flaw`, that the check of the same name in `berth
// validate-plugin` has to find. Without a flaw it passes all of them. `not_finite` is for training: a text with
// "poison" has a loss, one with "sting" a gradient that is no number; one with "bomb" throws, in its loss or when it is
// answered.
#include <atomic>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <set>
#include <thread>

#include "berth/display.h"
#include "berth/kit/columns.h"
#include "berth/kit/heads.h"
#include "berth/kit/json.h"
#include "berth/kit/labels.h"
#include "berth/kit/losses.h"
#include "berth/kit/meters.h"
#include "berth/plugin.h"

using namespace berth;

namespace {

struct FlawedExample : kit::RecordExample {
  using RecordExample::RecordExample;
  std::string text;
  std::string label;
};

struct FlawedReader : DatasetReader {
  kit::ColumnOptions columns;
  std::string flaw = "none";
  void describe(Options& options) override {
    columns.describe(options);
    options.field("flaw", flaw, "what is wrong with the reader");
  }
  std::unique_ptr<Example> make(const kit::Record& record) const {
    auto example = std::make_unique<FlawedExample>(record);
    example->text = record.text("text");
    if (record.find("label") != nullptr) example->label = record.text("label");
    if (flaw == "rows") example->where = {};
    return example;
  }
  std::unique_ptr<ExampleStream> open(const std::string& path) const override {
    return kit::make_examples(kit::open_rows(path, columns, {"text", "label"}),
                              [this_copy = *this](const kit::Record& record) { return this_copy.make(record); });
  }
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override {
    return make(kit::parse_record(json, where));
  }
};

struct FlawedHead : kit::LinearHead {
  std::string flaw;
  at::Tensor unsaved;
  FlawedHead(const EncoderInfo& encoder, const kit::LinearHeadOptions& options, std::string f)
      : LinearHead(encoder, options), flaw(std::move(f)), unsaved(at::rand({options.outputs})) {}
  Outputs forward(const Encoded& encoded) override {
    auto outputs = LinearHead::forward(encoded);
    auto& logits = outputs["logits"];
    if (flaw == "batches") logits = logits - logits.mean(0, /*keepdim=*/true);
    if (flaw == "reload") logits = logits + unsaved;
    if (flaw == "learning") logits = logits * 1e-6;
    if (flaw == "shape") logits = at::cat({logits, logits});
    return outputs;
  }
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override {
    if (flaw == "hang") {
      for (;;) std::this_thread::yield();
    }
    auto loss = kit::cross_entropy(outputs.at("logits"), batch.field("label"), detail);
    if (flaw == "loss" && loss.values.defined()) loss.values = loss.values * 2;
    if (flaw == "sums" && detail == LossDetail::kSum) loss.sum = loss.sum * 2;
    if (flaw == "gradient") loss.sum = loss.sum.detach() / 2 + loss.sum / 2;
    if (flaw == "not_finite") {
      const at::Tensor marker = batch.field("marker");
      if ((marker == 3).any().item<bool>()) throw std::runtime_error("a bomb");
      if ((marker == 1).any().item<bool>()) loss.sum = loss.sum * NAN;
      // Zero, with a slope that is no number.
      const at::Tensor& logits = outputs.at("logits");
      if ((marker == 2).any().item<bool>()) loss.sum = loss.sum + (logits - logits.detach()).abs().sqrt().sum();
    }
    return loss;
  }
  at::Tensor log_probabilities(const Outputs& outputs, const Batch&) override {
    return outputs.at("logits").log_softmax(-1);
  }
  at::Tensor targets(const Batch& batch) override { return batch.field("label"); }
};

struct FlawedPrediction : Prediction {
  std::string label;
  std::vector<double> logits;
  std::string json() const override {
    return kit::dump_json(
        kit::Json::Object{{"prediction", label}, {"logits", kit::Json::Array(logits.begin(), logits.end())}});
  }
};

struct FlawedMetric : Metric {
  kit::ConfusionMeter meter;
  std::string flaw;
  explicit FlawedMetric(std::string f) : flaw(std::move(f)) {}
  void add(const Example& example, const Prediction& prediction) override {
    meter.add(static_cast<const FlawedExample&>(example).label, static_cast<const FlawedPrediction&>(prediction).label);
  }
  std::string state() const override { return meter.state(); }
  void merge(std::string_view state) override {
    kit::ConfusionMeter other;
    other.merge(state);
    if (flaw == "metric" && meter.examples() > 0) return;
    meter.merge(state);
  }
  std::vector<Score> result() const override {
    return {{"accuracy", meter.accuracy(), Direction::kHigherIsBetter, /*is_primary=*/true},
            {"examples", static_cast<double>(meter.examples())}};
  }
};

class FlawedTask : public Task, public Display {
 public:
  FlawedTask() {
    // Flaws that show before there are options.
    const char* flaw = std::getenv("BERTH_TEST_FLAW");
    if (flaw != nullptr) early_ = flaw;
    if (early_ == "load") std::setlocale(LC_ALL, "C.UTF-8");
  }
  void describe(Options& o) override {
    if (early_ == "trap") std::abort();
    o.field("flaw", flaw_, early_ == "options" ? "" : "what is wrong with the task");
  }
  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<FlawedReader>(); }
  void fit(ExampleStream& train) override {
    std::set<std::string> found;
    while (const auto example = train.next()) found.insert(static_cast<const FlawedExample&>(*example).label);
    labels_ = kit::LabelSet::found(found);
  }
  std::string save_state() const override { return labels_.to_json(); }
  void load_state(std::string_view state) override { labels_ = kit::LabelSet::from_json(state); }
  std::vector<FieldSpec> fields() const override {
    if (flaw_ == "not_finite") return {{"label"}, {"marker"}};
    return {{"label"}};
  }
  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const FlawedExample&>(example);
    if (flaw_ == "inputs" && own.text.empty()) throw std::out_of_range("vector::at");
    if (flaw_ == "crash" && own.text.empty()) std::abort();
    auto encoding = context.tokenizer.encode(own.text, {context.max_length});
    if (flaw_ == "threads" && calls_++ % 97 == 96) encoding.ids[0] = encoding.ids.back();
    Feature feature{std::move(encoding), {}};
    if (!own.label.empty()) feature.fields["label"] = std::vector<std::int64_t>{labels_.index(own.label, own.where)};
    if (flaw_ == "not_finite") {
      const auto has = [&](const char* word) { return own.text.find(word) != std::string::npos; };
      feature.fields["marker"] = std::vector<std::int64_t>{has("poison") ? 1 : has("sting") ? 2 : has("bomb") ? 3 : 0};
    }
    try {
      sink.add(std::move(feature));
    } catch (const Error& e) {
      if (flaw_ == "kinds") throw std::runtime_error(e.what());
      if (flaw_ != "errors") throw;
    }
  }
  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    const kit::LinearHeadOptions options{HeadInput::kPooled, labels_.size(), {}};
    return std::make_shared<FlawedHead>(encoder, options, flaw_);
  }
  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    const bool is_bomb = dynamic_cast<const FlawedExample&>(example).text.find("bomb") != std::string::npos;
    if (flaw_ == "not_finite" && is_bomb) throw std::runtime_error("a bomb");
    auto prediction = std::make_unique<FlawedPrediction>();
    const at::Tensor logits = results.front()->sequence("logits").to(at::kDouble).contiguous();
    prediction->label = labels_.name(logits.argmax().item<std::int64_t>());
    prediction->logits.assign(logits.const_data_ptr<double>(), logits.const_data_ptr<double>() + logits.numel());
    return prediction;
  }
  std::unique_ptr<Metric> make_metric() const override { return std::make_unique<FlawedMetric>(flaw_); }
  Shown show(const Example& example, const Prediction& prediction) const override {
    const auto& own = static_cast<const FlawedExample&>(example);
    if (flaw_ == "show") throw std::runtime_error("can't show it");
    Shown shown;
    const std::size_t end = own.text.size() + (flaw_ == "display" ? 1 : 0);
    shown.texts = {{"text", own.text, {{0, end, MarkKind::kAnswer, "", 0}}}};
    shown.answer = static_cast<const FlawedPrediction&>(prediction).label;
    return shown;
  }

 private:
  std::string early_;
  std::string flaw_ = "none";
  kit::LabelSet labels_;
  mutable std::atomic<int> calls_ = 0;
};

}  // namespace

BERTH_PLUGIN("flawed", "1.0.0", "a classifier with a flaw", FlawedTask)
