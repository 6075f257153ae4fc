// The qa plugin from its file to its scores, with an encoder that is a table.
#include <gmock/gmock.h>

#include <cmath>
#include <optional>

#include "berth/kit/json.h"
#include "plugins/qa/metric.h"
#include "plugins/qa/prediction.h"
#include "qa_support.h"
#include "task_test.h"

namespace berth::qa {
namespace {

using kit::parse_json;
using test::expect_error;
using test::FakeOptions;
using test::FakeSet;
using testing::ElementsAre;

constexpr std::int64_t kWidth = 32;
const EncoderInfo kEncoder{kWidth, 2, test::FakeTokenizer::kVocabulary, 512, 0.5, 0.02};

std::string row(const std::string& question, const std::string& context, const std::string& answers) {
  return R"({"question": ")" + question + R"(", "context": ")" + context + R"(", "answers": )" + answers + "}\n";
}

// The answer is always a price, so that a table of words can learn it.
const std::string kPrices =
    row("what does the honey cost?", "the honey costs nine euros in our shop.", R"(["nine euros"])") +
    row("what does the lamp cost?", "it was made by anna and costs twelve euros.", R"(["twelve euros"])") +
    row("what is it?", "in our shop it costs nine euros and was made by olaf.", R"(["nine euros"])");
const std::string kUnanswered = row("who made the honey?", "the honey is in our shop.", "[]") +
                                row("what does it cost?", "the lamp was made by olaf.", "[]");

class QaTasks : public test::TaskTest {
 protected:
  QaTasks() : TaskTest(test::small_tokenizer()) {}

  std::unique_ptr<FakeSet> fitted(const std::string& content) { return TaskTest::fitted("train.jsonl", content); }
  std::shared_ptr<Head> head() const {
    at::manual_seed(1);
    return task_->make_head(kEncoder);
  }
  std::unique_ptr<Metric> evaluated(FakeSet& set, Head& head) const {
    set.evaluate(*task_, head, kWidth);
    auto metric = task_->make_metric();
    for (std::size_t i = 0; i < set.examples.size(); ++i) metric->add(*set.examples[i], *set.predictions[i]);
    return metric;
  }
  static std::map<std::string, Score> by_name(const Metric& metric) {
    std::map<std::string, Score> scores;
    for (const Score& score : metric.result()) scores[score.name] = score;
    return scores;
  }
};

TEST_F(QaTasks, LearnsToFindAnswersAndScoresThem) {
  const auto set = fitted(kPrices);
  const auto net = head();
  EXPECT_EQ(net->input(), HeadInput::kAllTokens);
  const auto [before, after] = test::train(*net, *set, kWidth, 200);
  EXPECT_LT(after, 0.1 * before);
  const auto scores = set->evaluate(*task_, *net, kWidth);
  EXPECT_EQ(scores.size(), 2U);
  EXPECT_EQ(scores.at("exact").value, 1);
  EXPECT_EQ(scores.at("f1").value, 1);
  EXPECT_TRUE(scores.at("f1").is_primary);
  const kit::Json answer = parse_json(set->predictions.front()->json());
  EXPECT_EQ(answer.at("prediction").as_string(), "nine euros");
  EXPECT_EQ(answer.at("start").as_int(), 16);
  EXPECT_EQ(answer.at("end").as_int(), 26);
}

TEST_F(QaTasks, WindowsOfOneQuestionAreJoined) {
  max_length_ = 14;
  const auto set = fitted(kPrices);
  EXPECT_GT(set->features.size(), set->examples.size());
  const auto net = head();
  test::train(*net, *set, kWidth, 300);
  EXPECT_EQ(set->evaluate(*task_, *net, kWidth).at("exact").value, 1);
}

TEST_F(QaTasks, TheHeadIsBertForQuestionAnswerings) {
  const auto set = fitted(kPrices);
  const auto net = head();
  const auto parameters = net->named_parameters();
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_THAT(parameters.find("output.weight")->sizes(), ElementsAre(2, kWidth));
  EXPECT_THAT(parameters.find("output.bias")->sizes(), ElementsAre(2));
  const ExportInfo info = task_->export_info();
  EXPECT_EQ(info.architecture, "BertForQuestionAnswering");
  EXPECT_FALSE(info.has_pooler);
  EXPECT_THAT(info.parameters, ElementsAre(std::pair("output.weight", "qa_outputs.weight"),
                                           std::pair("output.bias", "qa_outputs.bias")));
  // It has no dropout of its own, whatever the encoder's is.
  net->train();
  const test::FakeEncoded encoded(*set->batch, kWidth);
  EXPECT_TRUE(at::equal(net->forward(encoded).at("logits"), net->forward(encoded).at("logits")));
  options_.set("dropout", 0.5);
  const auto dropping = head();
  dropping->train();
  EXPECT_FALSE(at::equal(dropping->forward(encoded).at("logits"), dropping->forward(encoded).at("logits")));
}

// The mean over the sequences of half of each cross-entropy, sequence by sequence.
at::Tensor written_out(const at::Tensor& logits, const Batch& batch) {
  std::vector<at::Tensor> losses;
  const auto* offsets = batch.offsets().const_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < batch.size(); ++b) {
    const at::Tensor own = logits.slice(0, offsets[b], offsets[b + 1]).log_softmax(0);
    const auto start = batch.field("start")[b].item<std::int64_t>();
    const auto end = batch.field("end")[b].item<std::int64_t>();
    losses.push_back(-(own[start][0] + own[end][1]) / 2);
  }
  return at::stack(losses);
}

TEST_F(QaTasks, TheLossIsTheMeanOfBothCrossEntropies) {
  max_length_ = 14;  // windows of several lengths, some without an answer
  const auto set = fitted(kPrices);
  const auto net = head();
  const at::Tensor logits = at::randn({set->batch->tokens(), 2}, at::kDouble) * 3;
  const at::Tensor expected = written_out(logits, *set->batch);
  const Loss sum = net->loss({{"logits", logits}}, *set->batch, LossDetail::kSum);
  EXPECT_NEAR(sum.sum.item<double>(), expected.sum().item<double>(), 1e-12);
  EXPECT_EQ(sum.count, static_cast<double>(set->batch->size()));
  EXPECT_FALSE(sum.values.defined());
  const Loss values = net->loss({{"logits", logits}}, *set->batch, LossDetail::kValues);
  EXPECT_LT((values.values - expected).abs().max().item<double>(), 1e-12);
  EXPECT_NEAR(values.sum.item<double>(), sum.sum.item<double>(), 1e-12);
  EXPECT_TRUE(at::equal(values.sequences, at::arange(set->batch->size())));
}

TEST_F(QaTasks, TheLossHasTheGradientOfItsDifferences) {
  max_length_ = 14;
  const auto set = fitted(kPrices);
  const auto net = head();
  const at::Tensor logits = at::randn({set->batch->tokens(), 2}, at::kDouble) * 3;
  const auto loss = [&](const at::Tensor& at) {
    return net->loss({{"logits", at}}, *set->batch, LossDetail::kSum).sum;
  };
  const at::Tensor leaf = logits.clone().set_requires_grad(true);
  loss(leaf).backward();
  ASSERT_TRUE(at::isfinite(leaf.grad()).all().item<bool>());
  constexpr double kStep = 1e-6;
  for (std::int64_t i = 0; i < logits.numel(); ++i) {
    at::Tensor up = logits.clone();
    at::Tensor down = logits.clone();
    up.view({-1})[i] += kStep;
    down.view({-1})[i] -= kStep;
    EXPECT_NEAR(leaf.grad().view({-1})[i].item<double>(), (loss(up) - loss(down)).item<double>() / (2 * kStep), 1e-7);
  }
}

TEST_F(QaTasks, QuestionsWithoutAnswerHaveAThresholdOfTheirOwn) {
  const auto set = fitted(kPrices + kUnanswered);
  EXPECT_EQ(task_->label(*set->examples[0]), "");
  EXPECT_EQ(task_->label(*set->examples[4]), "no answer");
  const auto net = head();
  test::train(*net, *set, kWidth, 300);
  const auto before = evaluated(*set, *net);
  const auto scores = by_name(*before);
  EXPECT_TRUE(scores.at("best_f1").is_primary);
  EXPECT_EQ(scores.at("best_f1").value, 1);  // odds part the two kinds
  // A threshold that lets nothing pass, then the one that dev asks for.
  task_->load_state(R"({"no_answer": true, "threshold": -1000})");
  const auto none = by_name(*evaluated(*set, *net));
  EXPECT_EQ(none.at("no_ans_exact").value, 1);
  EXPECT_EQ(none.at("has_ans_f1").value, 0);
  EXPECT_DOUBLE_EQ(none.at("exact").value, 0.4);
  EXPECT_EQ(none.at("best_f1").value, 1);
  task_->tune(*before);
  const auto tuned = evaluated(*set, *net);
  EXPECT_EQ(by_name(*tuned).at("f1").value, 1);
  const kit::Json state = parse_json(task_->save_state());
  EXPECT_TRUE(state.at("no_answer").as_bool());
  EXPECT_GT(state.at("threshold").as_double(), -1000);
  const auto again = make();
  again->load_state(task_->save_state());
  EXPECT_EQ(again->save_state(), task_->save_state());

  const auto files = tuned->files();
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].suffix, "official.json");
  EXPECT_EQ(files[0].text, R"({"1": "nine euros", "2": "twelve euros", "3": "nine euros", "4": "", "5": ""})"
                           "\n");
  EXPECT_EQ(files[1].suffix, "answers.json");
  EXPECT_NE(parse_json(files[1].text).at("4").as_string(), "");
  EXPECT_EQ(files[2].suffix, "null_odds.json");
  EXPECT_GT(parse_json(files[2].text).at("4").as_double(), parse_json(files[2].text).at("1").as_double());
}

TEST_F(QaTasks, AGivenThresholdStays) {
  options_.set("threshold_from_dev", false);
  options_.set("no_answer_threshold", 2.5);
  const auto set = fitted(kPrices + kUnanswered);
  const auto net = head();
  task_->tune(*evaluated(*set, *net));
  EXPECT_EQ(parse_json(task_->save_state()).at("threshold").as_double(), 2.5);
}

TEST_F(QaTasks, MergedPartsScoreAsTheWhole) {
  const auto set = fitted(kPrices + kUnanswered);
  const auto net = head();
  test::train(*net, *set, kWidth, 20);
  const auto whole = evaluated(*set, *net);
  const auto first = task_->make_metric();
  const auto second = task_->make_metric();
  for (std::size_t i = 0; i < set->examples.size(); ++i) {
    (i < 2 ? first : second)->add(*set->examples[i], *set->predictions[i]);
  }
  const auto merged = task_->make_metric();
  merged->merge(first->state());
  merged->merge(second->state());
  EXPECT_EQ(merged->state(), whole->state());
  for (std::size_t i = 0; i < whole->result().size(); ++i) {
    EXPECT_EQ(merged->result()[i].value, whole->result()[i].value) << whole->result()[i].name;
  }
  EXPECT_EQ(merged->files()[0].text, whole->files()[0].text);
  expect_error(ErrorKind::kContent, {}, [&] { merged->merge("[[1]]"); });
  expect_error(ErrorKind::kContent, {}, [&] { merged->merge("nonsense"); });
}

// Two files of a set may number their questions alike.
TEST(QaFiles, EachQuestionHasAKeyOfItsOwn) {
  QaMetric metric({Rules::kSquad2, "f1"});
  const std::string context = "anna made it.";
  auto asked = test::question("who made it?", context, "anna");
  const QaPrediction none(context, {}, std::nullopt);
  for (const char* id : {"q", "q#2", "q"}) {
    asked->id = id;
    metric.add(*asked, none);
  }
  const auto files = metric.files();
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].text, R"({"q": "", "q#2": "", "q#3": ""})"
                           "\n");
  for (const auto& file : files) EXPECT_EQ(parse_json(file.text).as_object().size(), 3U) << file.suffix;
}

TEST_F(QaTasks, ScoresOfNothingAreNaN) {
  for (const char* content : {kPrices.c_str(), kUnanswered.c_str()}) {
    fitted(content);
    for (const Score& score : task_->make_metric()->result()) EXPECT_TRUE(std::isnan(score.value)) << score.name;
  }
}

TEST_F(QaTasks, ASetWithoutAnswersWhereNoneWasExpected) {
  fitted(kPrices);
  const std::string file = folder_.write("dev.jsonl", kUnanswered);
  expect_error(ErrorKind::kContent,
               {"dev.jsonl:1: ", "question '1' has no answer", "training set", "no_answer = \"yes\""},
               [&] { loaded(file); });
  options_.set("no_answer", "no");
  expect_error(ErrorKind::kContent, {"no_answer is \"no\""}, [&] { fitted(kUnanswered); });
  const auto metric = task_->make_metric();
  const QaPrediction prediction("", {}, std::nullopt);
  expect_error(ErrorKind::kContent, {"no_answer = \"yes\""},
               [&] { metric->add(*test::question("q", "c"), prediction); });
  options_.set("no_answer", "yes");
  EXPECT_NO_THROW(fitted(kPrices));
  EXPECT_EQ(task_->make_metric()->result().size(), 10U);
}

TEST_F(QaTasks, PredictsWithoutTargets) {
  const auto set = fitted(kPrices);
  const auto example =
      set->reader().from_json(R"({"question": "what?", "context": "it costs nine euros"})", {"in", 1, 0});
  test::CollectingSink sink;
  task_->features(*example, {*tokenizer_, 64}, sink);
  EXPECT_TRUE(sink.features.at(0).fields.empty());
  const auto batch = test::pack(sink.features, task_->fields());
  const auto net = head();
  const Outputs outputs = net->predict(test::FakeEncoded(*batch, kWidth));
  const test::FakeResult result(sink.features[0], *batch, outputs, 0);
  const auto prediction = task_->decode(*example, {&result});
  EXPECT_EQ(parse_json(prediction->json()).at("n_best").as_array().size(), 10U);  // all stretches of four words
  expect_error(ErrorKind::kContent, {"question '1' has no answers to be scored by"},
               [&] { task_->make_metric()->add(*example, *prediction); });
}

TEST_F(QaTasks, ThePrimaryMetricMustBeOne) {
  options_.set("primary_metric", "exct");
  expect_error(ErrorKind::kConfig, {"'exct'", "nearest: 'exact'"}, [&] { fitted(kPrices); });
  options_.set("primary_metric", "best_exact");
  expect_error(ErrorKind::kConfig, {"'best_exact'", "without questions"}, [&] { fitted(kPrices); });
  EXPECT_NO_THROW(fitted(kPrices + kUnanswered));
  for (const Score& score : task_->make_metric()->result()) EXPECT_EQ(score.is_primary, score.name == "best_exact");
  options_.set("primary_metric", "f1");  // at the threshold of the evaluation before
  expect_error(ErrorKind::kConfig, {"'f1'", "threshold_from_dev", "best_f1"}, [&] { fitted(kPrices + kUnanswered); });
  options_.set("threshold_from_dev", false);
  EXPECT_NO_THROW(fitted(kPrices + kUnanswered));
  options_.set("threshold_from_dev", true);
  options_.set("primary_metric", "best_f1_thresh");
  expect_error(ErrorKind::kConfig, {"'best_f1_thresh'"}, [&] { fitted(kPrices + kUnanswered); });
}

TEST_F(QaTasks, BrokenStatesAreRefused) {
  for (const char* state : {"", "{}", R"({"no_answer": 1, "threshold": 0})", R"({"no_answer": true})"}) {
    expect_error(ErrorKind::kContent, {}, [&] { task_->load_state(state); });
  }
}

TEST_F(QaTasks, EveryOptionHasHelp) {
  const auto reader = task_->make_reader();
  FakeOptions data;
  reader->describe(data);
  for (const auto* options : {&options_, &data}) {
    for (const auto& [name, field] : options->fields()) EXPECT_FALSE(field.help.empty()) << name;
  }
}

}  // namespace
}  // namespace berth::qa
