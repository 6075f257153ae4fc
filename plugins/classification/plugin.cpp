// The classification task: single texts and pairs; one label, several labels, or a number.
#include "berth/plugin.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "advice.h"
#include "berth/kit/json.h"
#include "berth/kit/labels.h"
#include "berth/kit/text.h"
#include "display.h"
#include "example.h"
#include "head.h"
#include "metric.h"
#include "prediction.h"
#include "reader.h"

namespace berth::classification {
namespace {

// The options of `[tasks.NAME.options]`.
struct TaskOptions {
  std::string kind = "single-label";
  std::vector<std::string> labels;
  double dropout = -1;
  std::map<std::string, double> class_weights;
  bool balance_classes = false;
  double label_smoothing = 0;
  double focal_gamma = 0;
  double threshold = 0.5;
  std::string truncation = "longest_first";
  std::string primary_metric = "auto";
  std::string positive_label;
  bool calibrate = false;

  void describe(Options& o);
};

void TaskOptions::describe(Options& o) {
  o.field("kind", kind, "one label a text, any number of labels, or a number")
      .one_of({"single-label", "multi-label", "regression"});
  o.field("labels", labels, "the labels in the order of the head's outputs; empty: those of the training set, sorted");
  o.field("dropout", dropout, "on the pooled first token; negative: the encoder's own").between(-1, 1);
  o.field("class_weights", class_weights, "weight of each label in the loss, 1 where not given");
  o.field("balance_classes", balance_classes, "weigh labels so that rare ones count as much as frequent ones");
  o.field("label_smoothing", label_smoothing, "single-label: share of the target spread over all labels").between(0, 1);
  o.field("focal_gamma", focal_gamma, "above 0: focal loss, texts that are right already count less; 2 is usual")
      .at_least(0);
  o.field("threshold", threshold, "multi-label: least probability of a predicted label").between(0, 1);
  o.field("truncation", truncation, "which text of a pair loses tokens when both are too long together")
      .one_of({"longest_first", "only_first", "only_second"});
  o.field("primary_metric", primary_metric, "what checkpoints are chosen by; auto: accuracy, f1_micro or pearson");
  o.field("positive_label", positive_label, "a label whose own precision, recall and f1 are reported as well");
  o.field("calibrate", calibrate, "choose a temperature on dev by which logits are divided for probabilities");
}

Kind kind_of(const std::string& name) {
  if (name == "multi-label") return Kind::kMultiLabel;
  return name == "regression" ? Kind::kRegression : Kind::kSingleLabel;
}

Truncation truncation_of(const std::string& name) {
  if (name == "only_first") return Truncation::kOnlyFirst;
  return name == "only_second" ? Truncation::kOnlySecond : Truncation::kLongestFirst;
}

// How often each label stands in the training set.
struct LabelCounts {
  std::map<std::string, std::int64_t> labels;
  std::int64_t examples = 0;
};

class ClassificationTask final : public Task, public Display, public Advisor {
 public:
  void describe(Options& options) override { options_.describe(options); }

  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<ClassificationReader>(kind()); }

  void fit(ExampleStream& train) override {
    check_options();
    if (kind() == Kind::kRegression) return;
    LabelCounts counts;
    if (options_.labels.empty() || options_.balance_classes) counts = count(train);
    use(options_.labels.empty() ? found_labels(counts) : kit::LabelSet::listed(options_.labels));
    weights_ = make_weights(counts);
  }

  std::string save_state() const override {
    kit::Json state;
    state.set("labels", kit::Json::Array(labels_->names().begin(), labels_->names().end()));
    state.set("weights", kit::Json::Array(weights_.begin(), weights_.end()));
    state.set("temperature", temperature_);
    return kit::dump_json(state);
  }

  void load_state(std::string_view text) override {
    check_options();
    const kit::Json state = kit::parse_json(text);
    std::vector<std::string> names;
    for (const kit::Json& name : state.at("labels").as_array()) names.push_back(name.as_string());
    weights_.clear();
    for (const kit::Json& weight : state.at("weights").as_array()) weights_.push_back(weight.as_double());
    const kit::Json* temperature = state.find("temperature");  // states from before calibration have none
    temperature_ = temperature == nullptr ? 1 : temperature->as_double();
    use(kit::LabelSet::listed(std::move(names)));
  }

  std::string label(const Example& example) const override {
    auto labels = static_cast<const ClassificationExample&>(example).task_labels();
    if (!labels) return "";
    std::sort(labels->begin(), labels->end());
    std::string text;
    for (const std::string& label : *labels) text += (text.empty() ? "" : "\n") + label;
    return text;
  }

  std::vector<FieldSpec> fields() const override {
    if (kind() == Kind::kSingleLabel) return {{"label"}};
    return {{"label", FieldType::kReal, FieldShape::kPerSequence, outputs()}};
  }

  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const ClassificationExample&>(example);
    check_prediction_map(own);
    EncodeOptions encode;
    encode.max_length = context.max_length;
    Feature feature;
    if (own.pair) {
      encode.truncation = truncation_of(options_.truncation);
      feature.encoding = context.tokenizer.encode_pair(own.text, *own.pair, encode);
    } else {
      feature.encoding = context.tokenizer.encode(own.text, encode);
    }
    if (auto target = target_of(own)) feature.fields.emplace("label", *std::move(target));
    sink.add(std::move(feature));
  }

  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    HeadOptions head;
    head.kind = kind();
    head.outputs = outputs();
    if (options_.dropout >= 0) head.dropout = options_.dropout;
    head.label_smoothing = options_.label_smoothing;
    head.focal_gamma = options_.focal_gamma;
    head.weights = weights_;
    return std::make_shared<ClassificationHead>(encoder, head);
  }

  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    (void)example;
    const at::Tensor logits = results.front()->sequence("logits").to(at::kDouble).contiguous();
    const double* begin = logits.const_data_ptr<double>();
    return std::make_unique<ClassificationPrediction>(DecisionRule{kind(), options_.threshold, temperature_}, labels_,
                                                      std::vector<double>(begin, begin + logits.numel()));
  }

  std::unique_ptr<Metric> make_metric() const override { return make_classification_metric(metric_options()); }

  void tune(const Metric& dev) override {
    if (options_.calibrate) temperature_ = best_temperature(dev);
  }

  ExportInfo export_info() const override {
    static constexpr const char* kProblems[] = {"single_label_classification", "multi_label_classification",
                                                "regression"};
    kit::Json id2label;
    kit::Json label2id;
    for (std::int64_t i = 0; i < outputs(); ++i) {
      const std::string name = labels_->empty() ? "LABEL_0" : labels_->name(i);
      id2label.set(std::to_string(i), name);
      label2id.set(name, i);
    }
    kit::Json config;
    config.set("id2label", id2label);
    config.set("label2id", label2id);
    config.set("num_labels", outputs());
    config.set("problem_type", kProblems[static_cast<std::size_t>(kind())]);
    if (options_.calibrate) config.set("calibration_temperature", temperature_);
    return {"BertForSequenceClassification",
            kit::dump_json(config),
            {{"output.weight", "classifier.weight"}, {"output.bias", "classifier.bias"}},
            true};
  }

  Shown show(const Example& example, const Prediction& prediction) const override {
    return show_answer(static_cast<const ClassificationExample&>(example),
                       static_cast<const ClassificationPrediction&>(prediction));
  }

  std::vector<Suggestion> suggest(const DataSample& sample) const override { return suggest_data(sample); }

 private:
  Kind kind() const { return kind_of(options_.kind); }
  std::int64_t outputs() const { return kind() == Kind::kRegression ? 1 : labels_->size(); }
  void use(kit::LabelSet labels) {
    labels_ = std::make_shared<const kit::LabelSet>(std::move(labels));
    require_known(options_.positive_label, "positive_label");
    for (const auto& entry : options_.class_weights) require_known(entry.first, "class_weights");
  }

  MetricOptions metric_options() const {
    static constexpr const char* kPrimary[] = {"accuracy", "f1_micro", "pearson"};
    const bool is_auto = options_.primary_metric == "auto";
    return {kind(), is_auto ? kPrimary[static_cast<std::size_t>(kind())] : options_.primary_metric,
            options_.positive_label, options_.calibrate};
  }

  // What no range of a single option can say.
  void check_options() const {
    const auto refuse = [](const std::string& text) { throw Error(ErrorKind::kConfig, text); };
    if (kind() != Kind::kSingleLabel && options_.label_smoothing > 0) {
      refuse("`label_smoothing` needs kind = \"single-label\"; leave it out for \"" + options_.kind + "\"");
    }
    if (options_.focal_gamma > 0 && (kind() == Kind::kRegression || options_.label_smoothing > 0)) {
      refuse(kind() == Kind::kRegression ? "`focal_gamma` needs labels; leave it out for kind = \"regression\""
                                         : "`focal_gamma` and `label_smoothing` exclude each other; give one of them");
    }
    const bool has_weights = options_.balance_classes || !options_.class_weights.empty();
    if (kind() == Kind::kRegression && (has_weights || !options_.labels.empty() || !options_.positive_label.empty())) {
      refuse(
          "kind = \"regression\" has no labels; leave out `labels`, `class_weights`, `balance_classes` and "
          "`positive_label`");
    }
    if (options_.balance_classes && !options_.class_weights.empty()) {
      refuse("`class_weights` and `balance_classes` both set the labels' weights; give one of them");
    }
    for (const auto& [label, weight] : options_.class_weights) {
      if (!(weight >= 0)) refuse("`class_weights` gives '" + label + "' a weight below 0; expected 0 or more");
    }
    if (options_.calibrate && kind() == Kind::kRegression) {
      refuse("`calibrate` needs labels; leave it out for kind = \"regression\"");
    }
    std::vector<std::string> names = score_names(metric_options());
    // At a temperature that dev has yet to choose, these are no measure of the checkpoint.
    if (options_.calibrate) std::erase_if(names, [](const std::string& name) { return is_calibration_score(name); });
    if (std::find(names.begin(), names.end(), metric_options().primary) == names.end()) {
      refuse("`primary_metric` is " + kit::quote_for_message(options_.primary_metric) + "; kind = \"" + options_.kind +
             (options_.calibrate ? "\" with `calibrate` can be judged by " : "\" reports ") +
             kit::list_names(names, names.size()) + kit::suggest_name(options_.primary_metric, names));
    }
  }

  void require_known(const std::string& label, const std::string& option) const {
    if (label.empty() || labels_->find(label)) return;
    throw Error(ErrorKind::kConfig, "`" + option + "` names " + kit::quote_for_message(label) +
                                        ", which is no label of the task" + kit::suggest_name(label, labels_->names()) +
                                        "; the labels are " + kit::list_names(labels_->names()));
  }

  static LabelCounts count(ExampleStream& train) {
    LabelCounts counts;
    while (const std::unique_ptr<Example> example = train.next()) {
      const auto labels = static_cast<const ClassificationExample&>(*example).task_labels();
      if (!labels) {
        throw Error(ErrorKind::kConfig,
                    "the training set has a `prediction_map` and no `label_map`, so that its labels are none of the "
                    "task's; give `label_map`");
      }
      ++counts.examples;
      for (const std::string& label : *labels) ++counts.labels[label];
    }
    return counts;
  }

  kit::LabelSet found_labels(const LabelCounts& counts) const {
    std::set<std::string> names;
    for (const auto& entry : counts.labels) names.insert(entry.first);
    const std::size_t least = kind() == Kind::kSingleLabel ? 2 : 1;
    if (names.size() >= least) return kit::LabelSet::found(names);
    throw Error(ErrorKind::kContent,
                "the training set's " + std::to_string(counts.examples) + " examples have " +
                    (names.empty() ? "no label" : "only the label " + kit::quote_for_message(*names.begin())) +
                    "; expected at least " + std::to_string(least) + ". Is `label` the right column?");
  }

  // Empty where all weigh 1. Balanced: examples / (labels * count), as scikit-learn; for several labels a text, where
  // each label is a question of its own, its noes / its yesses. A label never seen weighs 1.
  std::vector<double> make_weights(const LabelCounts& counts) const {
    if (!options_.balance_classes && options_.class_weights.empty()) return {};
    std::vector<double> weights;
    for (const std::string& name : labels_->names()) {
      const auto given = options_.class_weights.find(name);
      double weight = given == options_.class_weights.end() ? 1 : given->second;
      const auto counted = counts.labels.find(name);
      if (options_.balance_classes && counted != counts.labels.end()) {
        const auto all = static_cast<double>(counts.examples);
        const auto own = static_cast<double>(counted->second);
        weight = kind() == Kind::kSingleLabel ? all / (static_cast<double>(outputs()) * own) : (all - own) / own;
      }
      weights.push_back(weight);
    }
    return weights;
  }

  // A set with a prediction_map is scored in its own labels: each must be one that some prediction maps to.
  void check_prediction_map(const ClassificationExample& example) const {
    const auto& map = example.maps->predictions;
    if (map.empty()) return;
    for (const auto& entry : map) require_known(entry.first, "prediction_map");
    if (!example.labels) return;
    std::vector<std::string> reachable;
    for (const std::string& name : labels_->names()) reachable.push_back(example.metric_label(name));
    for (const std::string& label : *example.labels) {
      if (std::find(reachable.begin(), reachable.end(), label) != reachable.end()) continue;
      throw Error(ErrorKind::kContent, example.where,
                  "no prediction maps to the label " + kit::quote_for_message(label) +
                      kit::suggest_name(label, reachable) + "; predictions become " + kit::list_names(reachable) +
                      ". Correct `prediction_map`");
    }
  }

  // The field "label", or nothing where the example has no target.
  std::optional<FieldValues> target_of(const ClassificationExample& example) const {
    if (kind() == Kind::kRegression) {
      return example.number ? std::optional<FieldValues>(std::vector<double>{*example.number}) : std::nullopt;
    }
    const auto labels = example.task_labels();
    if (!labels) return std::nullopt;
    if (kind() == Kind::kSingleLabel) {
      return FieldValues(std::vector<std::int64_t>{labels_->index(labels->front(), example.where)});
    }
    std::vector<double> row(labels_->names().size());
    for (const std::string& label : *labels) row[static_cast<std::size_t>(labels_->index(label, example.where))] = 1;
    return FieldValues(std::move(row));
  }

  TaskOptions options_;
  std::shared_ptr<const kit::LabelSet> labels_ = std::make_shared<const kit::LabelSet>();
  std::vector<double> weights_;  // one a label, or empty
  double temperature_ = 1;       // chosen on dev where options_.calibrate
};

}  // namespace
}  // namespace berth::classification

BERTH_PLUGIN("classification", "0.1.0", "labels, several labels or a number for a text or a pair of texts",
             berth::classification::ClassificationTask)
