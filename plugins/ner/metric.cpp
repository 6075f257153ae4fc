#include "metric.h"

#include <limits>
#include <utility>

#include "berth/error.h"
#include "berth/kit/entity_meter.h"
#include "berth/kit/json.h"
#include "example.h"
#include "prediction.h"

namespace berth::ner {
namespace {

void append(std::vector<Score>& scores, const kit::PrecisionRecall& value, const std::string& suffix) {
  scores.push_back({"precision" + suffix, value.precision});
  scores.push_back({"recall" + suffix, value.recall});
  scores.push_back({"f1" + suffix, value.f1});
}

// A field of a line whose fields are separated by tabs.
std::string one_field(std::string text) {
  for (char& c : text) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

class NerMetric final : public Metric {
 public:
  NerMetric(std::shared_ptr<const kit::TagSet> tags, std::string primary)
      : tags_(std::move(tags)), names_(tags_->names()), primary_(std::move(primary)) {}

  void add(const Example& example, const Prediction& prediction) override {
    const auto& own = static_cast<const NerExample&>(example);
    const auto& answer = static_cast<const NerPrediction&>(prediction);
    if (!own.entities) {
      throw Error(ErrorKind::kContent, own.where,
                  "the example has no entities, not even an empty list, so that it can't be scored; add them");
    }
    entities_.add(*own.entities, answer.spans());
    const std::vector<std::int64_t> truth = tags_->write(*own.entities, own.words.size(), own.where);
    for (std::size_t i = 0; i < truth.size(); ++i) {
      right_ += truth[i] == answer.tags()[i] ? 1 : 0;
      const auto name = [&](std::int64_t tag) { return names_[static_cast<std::size_t>(tag)]; };
      lines_.append(one_field(own.words[i])).append("\t").append(name(truth[i])).append("\t");
      lines_.append(name(answer.tags()[i])).append("\n");
    }
    words_ += static_cast<std::int64_t>(truth.size());
    lines_.append("\n");
  }

  std::string state() const override {
    kit::Json state;
    state.set("entities", entities_.state());
    state.set("words", words_);
    state.set("right", right_);
    state.set("lines", lines_);
    return kit::dump_json(state);
  }

  void merge(std::string_view text) override {
    kit::JsonLimits limits;
    limits.max_bytes = std::numeric_limits<std::size_t>::max();
    const kit::Json state = kit::parse_json(text, {}, limits);
    entities_.merge(state.at("entities").as_string());
    words_ += state.at("words").as_int();
    right_ += state.at("right").as_int();
    lines_ += state.at("lines").as_string();
  }

  std::vector<Score> result() const override {
    const kit::AveragedPrecisionRecall averages = entities_.averages();
    std::vector<Score> scores;
    append(scores, averages.micro, "");
    append(scores, averages.macro, "_macro");
    append(scores, averages.weighted, "_weighted");
    const double accuracy = words_ == 0 ? std::numeric_limits<double>::quiet_NaN()
                                        : static_cast<double>(right_) / static_cast<double>(words_);
    scores.push_back({"token_accuracy", accuracy});
    for (const std::string& type : tags_->types().names()) append(scores, entities_.of(type), ":" + type);
    for (Score& score : scores) score.is_primary = score.name == primary_;
    return scores;
  }

  // What conlleval reads, with tabs: word, true tag, predicted tag.
  std::vector<ResultFile> files() const override { return {{"conll", lines_}}; }

 private:
  std::shared_ptr<const kit::TagSet> tags_;
  std::vector<std::string> names_;
  std::string primary_;
  kit::EntityMeter entities_;
  std::int64_t words_ = 0;
  std::int64_t right_ = 0;
  std::string lines_;
};

}  // namespace

std::vector<std::string> score_names(const kit::TagSet& tags) {
  std::vector<std::string> names;
  const NerMetric metric(std::make_shared<const kit::TagSet>(tags), "");
  for (const Score& score : metric.result()) names.push_back(score.name);
  return names;
}

std::unique_ptr<Metric> make_ner_metric(std::shared_ptr<const kit::TagSet> tags, std::string primary) {
  return std::make_unique<NerMetric>(std::move(tags), std::move(primary));
}

}  // namespace berth::ner
