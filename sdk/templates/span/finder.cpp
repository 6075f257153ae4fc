// Finder: which stretch of a text answers a question? Explained in writing-a-plugin.md; plugins/qa/ is the
// grown-up one.
#include <algorithm>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "berth/kit/columns.h"
#include "berth/kit/heads.h"
#include "berth/kit/json.h"
#include "berth/kit/losses.h"
#include "berth/kit/meters.h"
#include "berth/kit/text.h"
#include "berth/plugin.h"

using namespace berth;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMaxAnswerTokens = 30;  // of a prediction

struct FinderExample : kit::RecordExample {
  using kit::RecordExample::RecordExample;
  std::string question;
  std::string text;
  std::string answer;     // "" where it is not known
  std::size_t begin = 0;  // the answer's first byte in the text
};

std::vector<std::string> split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::unique_ptr<FinderExample> make_example(const kit::Record& record) {
  auto example = std::make_unique<FinderExample>(record);
  example->question = record.text("question");
  example->text = record.text("text");
  return example;
}

std::unique_ptr<Example> make_answered(const kit::Record& record) {
  auto example = make_example(record);
  example->answer = kit::trim(record.text("answer"));
  example->begin = example->text.find(example->answer);
  if (!example->answer.empty() && example->begin != std::string::npos) return example;
  throw Error(ErrorKind::kContent, example->where,
              "the answer " + kit::quote_for_message(example->answer) + " is no stretch of the text " +
                  kit::quote_for_message(example->text) + "; expected some words of it, copied letter by letter");
}

struct FinderReader : DatasetReader {
  kit::ColumnOptions columns;
  void describe(Options& options) override { columns.describe(options); }
  std::unique_ptr<ExampleStream> open(const std::string& path) const override {
    return kit::make_examples(kit::open_rows(path, columns, {"question", "text", "answer"}), make_answered);
  }
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override {
    return make_example(kit::parse_record(json, where));
  }
};

struct FinderHead : kit::LinearHead {
  using kit::LinearHead::LinearHead;
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override {
    // [B, longest, 2], each sequence by itself. The padding's -infinity has no share in the softmax.
    const std::vector<at::Tensor> sequences = outputs.at("logits").tensor_split(batch.offsets().slice(0, 1, -1));
    const at::Tensor logits = at::pad_sequence(sequences, /*batch_first=*/true, -kInfinity);
    Loss loss = kit::cross_entropy(logits.select(2, 0), batch.field("start"), detail);
    const Loss ends = kit::cross_entropy(logits.select(2, 1), batch.field("end"), detail);
    // The mean of both, so that a sequence still counts once.
    loss.sum = (loss.sum + ends.sum) / 2;
    if (detail == LossDetail::kValues) loss.values = (loss.values + ends.values) / 2;
    return loss;
  }
};

struct FinderPrediction : Prediction {
  std::string answer;
  std::string json() const override { return kit::dump_json(kit::Json::Object{{"prediction", answer}}); }
};

struct FinderMetric : Metric {
  kit::ConfusionMeter answers;  // of whole answers: accuracy is the share that is right to the letter
  kit::MultiLabelMeter words;   // of an answer's words: half an answer is better than none
  void add(const Example& example, const Prediction& prediction) override {
    const auto& truth = static_cast<const FinderExample&>(example).answer;
    const auto& found = static_cast<const FinderPrediction&>(prediction).answer;
    answers.add(truth, found);
    words.add(split(truth), split(found));
  }
  std::string state() const override { return answers.state() + '\n' + words.state(); }  // each is one line
  void merge(std::string_view state) override {
    const std::size_t end = state.find('\n');
    answers.merge(state.substr(0, end));
    words.merge(state.substr(end + 1));
  }
  std::vector<Score> result() const override {
    return {{"exact", answers.accuracy(), Direction::kHigherIsBetter, /*is_primary=*/true},
            {"f1_words", words.averages().micro.f1}};
  }
};

class FinderTask : public Task {
 public:
  std::unique_ptr<DatasetReader> make_reader() const override { return std::make_unique<FinderReader>(); }
  // Where the host splits a dev set off, all questions on one text go to the same side.
  std::string group(const Example& example) const override { return static_cast<const FinderExample&>(example).text; }
  std::vector<FieldSpec> fields() const override { return {{"start"}, {"end"}}; }
  void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const override {
    const auto& own = static_cast<const FinderExample&>(example);
    // Windows overlap, so that an answer that the end of one cuts in two is whole in the next.
    const WindowOptions options{context.max_length, context.max_length / 4, Truncation::kOnlySecond};
    for (Encoding& window : context.tokenizer.windows_pair(own.question, own.text, options)) {
      Feature feature{std::move(window), {}};
      if (!own.answer.empty()) {
        const auto [start, end] = answer_tokens(feature.encoding, own.begin, own.begin + own.answer.size());
        feature.fields["start"] = std::vector<std::int64_t>{start};
        feature.fields["end"] = std::vector<std::int64_t>{end};
      }
      sink.add(std::move(feature));
    }
  }
  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const override {
    return std::make_shared<FinderHead>(encoder, kit::LinearHeadOptions{HeadInput::kAllTokens, 2, {}});
  }
  std::unique_ptr<Prediction> decode(const Example& example,
                                     const std::vector<const FeatureResult*>& results) const override {
    Span best;  // stays empty where there is no text
    double best_score = -kInfinity;
    for (const FeatureResult* result : results) {
      const Encoding& window = result->feature().encoding;
      // Probabilities can be compared between windows: one without the answer gives most of its own to [CLS].
      const at::Tensor log_probabilities = result->tokens("logits").to(at::kDouble).log_softmax(0);
      const auto scores = log_probabilities.accessor<double, 2>();
      const auto [first, last] = text_tokens(window);
      for (std::int64_t start = first; start < last; ++start) {
        for (std::int64_t end = start; end < std::min(start + kMaxAnswerTokens, last); ++end) {
          const double score = scores[start][0] + scores[end][1];
          if (score <= best_score) continue;
          best_score = score;
          best = {window.offsets[start].begin, window.offsets[end].end};
        }
      }
    }
    auto prediction = std::make_unique<FinderPrediction>();
    prediction->answer = static_cast<const FinderExample&>(example).text.substr(best.begin, best.end - best.begin);
    return prediction;
  }
  std::unique_ptr<Metric> make_metric() const override { return std::make_unique<FinderMetric>(); }

 private:
  // The tokens [first, last) of a window that are its part of the text: [CLS] question [SEP] text [SEP].
  static std::pair<std::int64_t, std::int64_t> text_tokens(const Encoding& window) {
    return {std::count(window.segments.begin(), window.segments.end(), 0), window.size() - 1};
  }
  // The first and the last token of the bytes [begin, end); both 0, the [CLS], where the window lacks a part of them.
  static std::pair<std::int64_t, std::int64_t> answer_tokens(const Encoding& window, std::size_t begin,
                                                             std::size_t end) {
    const auto& offsets = window.offsets;
    auto [first, last] = text_tokens(window);
    if (offsets[first].begin > begin || offsets[last - 1].end < end) return {0, 0};
    while (offsets[first].end <= begin) ++first;
    while (offsets[last - 1].begin >= end) --last;
    return {first, last - 1};
  }
};

}  // namespace

BERTH_PLUGIN("finder", "1.0.0", "the stretch of a text that answers a question", FinderTask)
