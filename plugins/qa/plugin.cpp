// The question-answering task: the stretch of a text that answers a question, or that there is none (SQuAD 1.1, 2.0).
#include "berth/plugin.h"

#include <ATen/core/TensorBody.h>

#include <algorithm>
#include <utility>

#include "advice.h"
#include "answer_search.h"
#include "berth/kit/json.h"
#include "berth/kit/text.h"
#include "display.h"
#include "example.h"
#include "head.h"
#include "metric.h"
#include "prediction.h"
#include "reader.h"
#include "thresholds.h"
#include "windows.h"

namespace berth::qa {
namespace {

// The options of `[tasks.NAME.options]`.
struct TaskOptions {
  std::string no_answer = "auto";
  WindowSettings windows;
  std::int64_t n_best = 20;
  std::int64_t max_answer_length = 30;
  bool threshold_from_dev = true;
  double no_answer_threshold = 0;
  double dropout = 0;
  std::string primary_metric = "auto";

  void describe(Options& o);
};

void TaskOptions::describe(Options& o) {
  o.field("no_answer", no_answer,
          "may a question have no answer in its context? auto: if one of the training set has none")
      .one_of({"auto", "yes", "no"});
  o.field("stride", windows.stride, "tokens that neighbouring windows share; negative: a third of model.max_length")
      .at_least(-1);
  o.field("max_question_length", windows.max_question_length, "tokens; of longer questions the beginning is read")
      .at_least(1);
  o.field("max_answer_length", max_answer_length, "tokens of a predicted answer at most").at_least(1);
  o.field("n_best", n_best, "answers in the list of each prediction; also the starts and ends paired in each window")
      .at_least(1);
  o.field("threshold_from_dev", threshold_from_dev, "choose the no-answer threshold on dev, after each evaluation");
  o.field("no_answer_threshold", no_answer_threshold,
          "no answer is predicted where its score is that much above the best answer's; until one is chosen on dev");
  o.field("dropout", dropout, "before the last layer").between(0, 1);
  o.field("primary_metric", primary_metric, "what checkpoints are chosen by; auto: f1, with no_answer best_f1");
}

class QaTask final : public Task, public Display, public Advisor {
 public:
  void describe(Options& options) override { options_.describe(options); }

  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<QaReader>(); }

  void fit(ExampleStream& train) override {
    has_no_answer_ = options_.no_answer == "yes" || (options_.no_answer == "auto" && finds_unanswered(train));
    threshold_ = options_.no_answer_threshold;
    check_options();
  }

  std::string save_state() const override {
    kit::Json state;
    state.set("no_answer", has_no_answer_);
    state.set("threshold", threshold_);
    return kit::dump_json(state);
  }

  void load_state(std::string_view text) override {
    const kit::Json state = kit::parse_json(text);
    has_no_answer_ = state.at("no_answer").as_bool();
    threshold_ = state.at("threshold").as_double();
    check_options();
  }

  std::string label(const Example& example) const override {
    const auto& own = static_cast<const QaExample&>(example);
    return own.answers && own.answers->empty() ? "no answer" : "";
  }

  std::string group(const Example& example) const override { return *static_cast<const QaExample&>(example).context; }

  std::vector<FieldSpec> fields() const override { return {{"start"}, {"end"}}; }

  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const QaExample&>(example);
    if (!has_no_answer_ && own.answers && own.answers->empty()) {
      throw Error(
          ErrorKind::kContent, own.where,
          name_of(own) + " has no answer, but " +
              (options_.no_answer == "no" ? "no_answer is \"no\"" : "no question of the training set has none") +
              "; set no_answer = \"yes\" in the task's options, or leave the question out");
    }
    for (Feature& feature : make_windows(own, context, options_.windows)) sink.add(std::move(feature));
  }

  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    return std::make_shared<QaHead>(encoder, options_.dropout);
  }

  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    AnswerSearch search({static_cast<std::size_t>(options_.n_best), options_.max_answer_length});
    for (const FeatureResult* result : results) {
      const at::Tensor scores = result->tokens("logits").to(at::kDouble).t().contiguous();  // [2, tokens]
      const double* starts = scores.const_data_ptr<double>();
      search.add({result->feature().encoding, starts, starts + scores.size(1)});
    }
    std::optional<NoAnswer> no_answer;
    if (has_no_answer_) no_answer = {search.null_score(), threshold_};
    return std::make_unique<QaPrediction>(*static_cast<const QaExample&>(example).context, search.best(), no_answer);
  }

  std::unique_ptr<Metric> make_metric() const override { return std::make_unique<QaMetric>(metric_options()); }

  void tune(const Metric& dev) override {
    if (!has_no_answer_ || !options_.threshold_from_dev) return;
    const auto& metric = static_cast<const QaMetric&>(dev);
    const bool by_exact = metric_options().primary.ends_with("exact");
    threshold_ = choose_threshold(by_exact ? metric.judged_exact() : metric.judged_f1());
  }

  ExportInfo export_info() const override {
    kit::Json config;
    config.set("max_answer_length", options_.max_answer_length);
    if (has_no_answer_) config.set("no_answer_threshold", threshold_);
    return {"BertForQuestionAnswering",
            kit::dump_json(config),
            {{"output.weight", "qa_outputs.weight"}, {"output.bias", "qa_outputs.bias"}},
            false};
  }

  Shown show(const Example& example, const Prediction& prediction) const override {
    return show_answer(static_cast<const QaExample&>(example), static_cast<const QaPrediction&>(prediction));
  }

  std::vector<Suggestion> suggest(const DataSample& sample) const override { return suggest_data(sample); }

 private:
  static bool finds_unanswered(ExampleStream& train) {
    while (const std::unique_ptr<Example> example = train.next()) {
      if (static_cast<const QaExample&>(*example).answers->empty()) return true;
    }
    return false;
  }

  MetricOptions metric_options() const {
    const bool is_auto = options_.primary_metric == "auto";
    return {has_no_answer_ ? Rules::kSquad2 : Rules::kSquad1,
            is_auto ? (has_no_answer_ ? "best_f1" : "f1") : options_.primary_metric};
  }

  void check_options() const {
    std::vector<std::string> names = score_names(metric_options().rules);
    // Scores at a threshold that dev has yet to choose are those of the last evaluation's: no measure of this one.
    const bool is_chosen = has_no_answer_ && options_.threshold_from_dev;
    std::erase_if(names, [&](const std::string& name) {
      return name.ends_with("_thresh") || (is_chosen && !name.starts_with("best_"));
    });
    if (std::find(names.begin(), names.end(), metric_options().primary) != names.end()) return;
    throw Error(ErrorKind::kConfig, "`primary_metric` is " + kit::quote_for_message(options_.primary_metric) +
                                        (has_no_answer_ ? "; with" : "; without") + " questions that have no answer" +
                                        (is_chosen ? " and threshold_from_dev" : "") +
                                        ", the scores to choose by are " + kit::list_names(names, names.size()) +
                                        kit::suggest_name(options_.primary_metric, names));
  }

  TaskOptions options_;
  bool has_no_answer_ = false;
  double threshold_ = 0;
};

}  // namespace
}  // namespace berth::qa

BERTH_PLUGIN("qa", "0.1.0",
             "the answer to a question as a stretch of a text, or that there is none (SQuAD 1.1 and 2.0)",
             berth::qa::QaTask)
