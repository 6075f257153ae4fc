#include "metric.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "berth/dataset.h"
#include "berth/error.h"
#include "berth/kit/json.h"
#include "prediction.h"
#include "words.h"

namespace berth::seq2seq {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

[[noreturn]] void wrong_state() {
  throw Error(ErrorKind::kContent,
              "a seq2seq metric's state from another process has another form; do all run the same berth?");
}

template <std::size_t kSize>
std::array<std::int64_t, kSize> integers(const kit::Json& list, std::size_t from = 0) {
  const kit::Json::Array& values = list.as_array();
  if (values.size() != from + kSize) wrong_state();
  std::array<std::int64_t, kSize> result = {};
  for (std::size_t i = 0; i < kSize; ++i) result[i] = values[from + i].as_int();
  return result;
}

class Seq2SeqMetric final : public Metric {
 public:
  explicit Seq2SeqMetric(const MetricOptions& options)
      : primary_(options.primary), bleu_(options.bleu), rouge_(options.rouge) {}

  void add(const Example& example, const Prediction& prediction) override {
    const Answer& answer = static_cast<const Seq2SeqPrediction&>(prediction).answer();
    if (!answer.reference) {
      throw Error(ErrorKind::kContent, example.where,
                  "the example has no target, so that it can't be scored; add the target");
    }
    const std::string& reference = *answer.reference;
    ++examples_;
    exact_ += answer.text == reference ? 1 : 0;
    const std::vector<std::string> expected = split_words(reference);
    const std::vector<std::string> found = split_words(answer.text);
    for (std::size_t i = 0; i < std::min(expected.size(), found.size()); ++i) right_ += expected[i] == found[i] ? 1 : 0;
    tokens_ += static_cast<std::int64_t>(std::max(expected.size(), found.size()));
    bleu_.add(reference, answer.text);
    rouge_.add(reference, answer.text);
  }

  std::string state() const override {
    kit::Json state;
    state.set("counts", kit::Json::Array{examples_, exact_, right_, tokens_});
    state.set("bleu", kit::Json::Array(bleu_.counts().begin(), bleu_.counts().end()));
    kit::Json::Array rows;  // type, examples, counts
    for (int type = 0; type < Rouge::kTypes; ++type) {
      for (const auto& [counts, examples] : rouge_.counts(static_cast<Rouge::Type>(type))) {
        rows.emplace_back(kit::Json::Array{type, examples, counts[0], counts[1], counts[2]});
      }
    }
    state.set("rouge", std::move(rows));
    return kit::dump_json(state);
  }

  void merge(std::string_view text) override {
    kit::JsonLimits limits;
    limits.max_bytes = std::numeric_limits<std::size_t>::max();
    const kit::Json state = kit::parse_json(text, {}, limits);
    const auto counts = integers<4>(state.at("counts"));
    examples_ += counts[0];
    exact_ += counts[1];
    right_ += counts[2];
    tokens_ += counts[3];
    bleu_.add(integers<std::tuple_size_v<Bleu::Counts>>(state.at("bleu")));
    for (const kit::Json& row : state.at("rouge").as_array()) {
      const auto values = integers<5>(row);
      if (values[0] < 0 || values[0] >= Rouge::kTypes) wrong_state();
      rouge_.add(static_cast<Rouge::Type>(values[0]), {values[2], values[3], values[4]}, values[1]);
    }
  }

  std::vector<Score> result() const override {
    const auto share = [&](std::int64_t part, std::int64_t whole) {
      if (examples_ == 0) return kNaN;
      return whole == 0 ? 1.0
                        : static_cast<double>(part) / static_cast<double>(whole);  // all are empty, as they should
    };
    std::vector<Score> scores = {
        {"exact_match", share(exact_, examples_)},       {"token_accuracy", share(right_, tokens_)},
        {"bleu", examples_ == 0 ? kNaN : bleu_.score()}, {"rouge_1", rouge_.score(Rouge::kOne)},
        {"rouge_2", rouge_.score(Rouge::kTwo)},          {"rouge_l", rouge_.score(Rouge::kLongest)}};
    for (Score& score : scores) score.is_primary = score.name == primary_;
    return scores;
  }

 private:
  std::string primary_;
  std::int64_t examples_ = 0;
  std::int64_t exact_ = 0;   // examples whose answer is the target
  std::int64_t right_ = 0;   // tokens that stand at the same place in both
  std::int64_t tokens_ = 0;  // of the longer of both
  Bleu bleu_;
  Rouge rouge_;
};

}  // namespace

std::unique_ptr<Metric> make_seq2seq_metric(const MetricOptions& options) {
  return std::make_unique<Seq2SeqMetric>(options);
}

}  // namespace berth::seq2seq
